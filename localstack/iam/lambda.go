package iam

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Lambda returns a handler that checks permissions before it calls next, a
// handler of the Lambda API. The resource is the function's ARN with the
// qualifier of the request, so a policy for the ARN without a qualifier does
// not cover a request with one.
func (g *Guard) Lambda(next http.Handler) http.Handler {
	return g.wrap(next, middleware{
		kind: trace.Request,
		permissions: func(r *http.Request) ([]permission, *http.Request) {
			action, resource := g.lambdaPermission(r)
			if action == "" {
				return nil, r
			}
			return []permission{{"lambda:" + action, resource, httpKeys{r}}}, r
		},
		describe: func(r *http.Request, refused permission) trace.Event {
			_, name, _ := strings.Cut(refused.resource, ":function:")
			return trace.Event{Operation: strings.TrimPrefix(refused.action, "lambda:"), Resource: name}
		},
		deny: func(w http.ResponseWriter, d *Denied, requestID string) int {
			denyREST(w, d.Error(), requestID)
			return http.StatusForbidden
		},
	})
}

// lambdaActions are the actions by method and path, without the version in the
// path and with * in place of names (service authorization reference, Lambda).
var lambdaActions = map[string]string{
	"POST functions/*/invocations":                    "InvokeFunction",
	"POST functions/*/response-streaming-invocations": "InvokeFunction",
	"GET functions":                          "ListFunctions",
	"POST functions":                         "CreateFunction",
	"GET functions/*":                        "GetFunction",
	"DELETE functions/*":                     "DeleteFunction",
	"GET functions/*/configuration":          "GetFunctionConfiguration",
	"PUT functions/*/configuration":          "UpdateFunctionConfiguration",
	"PUT functions/*/code":                   "UpdateFunctionCode",
	"GET functions/*/policy":                 "GetPolicy",
	"POST functions/*/policy":                "AddPermission",
	"GET functions/*/versions":               "ListVersionsByFunction",
	"GET functions/*/aliases":                "ListAliases",
	"GET functions/*/aliases/*":              "GetAlias",
	"POST functions/*/invoke-async":          "InvokeAsync",
	"GET functions/*/concurrency":            "GetFunctionConcurrency",
	"PUT functions/*/concurrency":            "PutFunctionConcurrency",
	"DELETE functions/*/concurrency":         "DeleteFunctionConcurrency",
	"GET functions/*/event-invoke-config":    "GetFunctionEventInvokeConfig",
	"PUT functions/*/event-invoke-config":    "PutFunctionEventInvokeConfig",
	"POST functions/*/event-invoke-config":   "UpdateFunctionEventInvokeConfig",
	"DELETE functions/*/event-invoke-config": "DeleteFunctionEventInvokeConfig",
	"GET event-source-mappings":              "ListEventSourceMappings",
	"POST event-source-mappings":             "CreateEventSourceMapping",
	"GET event-source-mappings/*":            "GetEventSourceMapping",
	"PUT event-source-mappings/*":            "UpdateEventSourceMapping",
	"DELETE event-source-mappings/*":         "DeleteEventSourceMapping",
	"GET account-settings":                   "GetAccountSettings",
}

// lambdaPermission returns the action and the resource of a request. The action
// is empty for an unknown request.
func (g *Guard) lambdaPermission(r *http.Request) (action, resource string) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if len(parts) < 2 {
		return "", ""
	}
	parts = parts[1:] // the version, such as 2015-03-31
	name := ""
	if len(parts) > 1 {
		var err error
		if name, err = url.PathUnescape(parts[1]); err != nil {
			return "", ""
		}
		for i := 1; i < len(parts); i += 2 {
			parts[i] = "*" // a name
		}
	}
	action = lambdaActions[r.Method+" "+strings.Join(parts, "/")]
	switch {
	case name == "":
		return action, "*"
	case parts[0] == "event-source-mappings":
		return action, g.arn("lambda", "event-source-mapping:"+name)
	}
	return action, g.functionARN(name, r.URL.Query().Get("Qualifier"))
}

// functionARN returns the ARN for any form of a function's name: NAME,
// NAME:QUALIFIER, ACCOUNT:function:NAME and the ARN (Lambda API reference,
// "FunctionName").
func (g *Guard) functionARN(name, qualifier string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
	case strings.Contains(name, ":function:"):
		name = "arn:" + awsname.Partition(g.opts.Region) + ":lambda:" + g.opts.Region + ":" + name
	default:
		name = g.arn("lambda", "function:"+name)
	}
	if qualifier != "" && strings.Count(name, ":") == 6 {
		name += ":" + qualifier
	}
	return name
}
