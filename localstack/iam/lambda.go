package iam

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Lambda guards a handler of the Lambda API. A function's ARN has the qualifier
// that the request names, so a policy for the ARN alone does not cover it.
func (g *Guard) Lambda(next http.Handler) http.Handler {
	return g.wrap(next, guard{
		kind: trace.Request,
		demands: func(r *http.Request) ([]demand, *http.Request) {
			action, resource := g.lambdaDemand(r)
			if action == "" {
				return nil, r
			}
			return []demand{{"lambda:" + action, resource, httpKeys{r}}}, r
		},
		describe: func(r *http.Request, refused demand) trace.Event {
			_, name, _ := strings.Cut(refused.resource, ":function:")
			return trace.Event{Operation: strings.TrimPrefix(refused.action, "lambda:"), Resource: name}
		},
		deny: func(w http.ResponseWriter, d *Denied, requestID string) int {
			denyREST(w, d.Error(), requestID)
			return http.StatusForbidden
		},
	})
}

// lambdaActions are the actions by method and path, without the path's version
// and with * for what it names (service authorization reference, Lambda).
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

// lambdaDemand returns the action and the resource of a request; the action is
// empty if the request is none of them.
func (g *Guard) lambdaDemand(r *http.Request) (action, resource string) {
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
		parts[1] = "*"
	}
	action = lambdaActions[r.Method+" "+strings.Join(parts, "/")]
	switch {
	case name == "":
		return action, "*"
	case parts[0] == "event-source-mappings":
		return action, g.arn("lambda", g.opts.Region, "event-source-mapping:"+name)
	}
	return action, g.functionARN(name, r.URL.Query().Get("Qualifier"))
}

// functionARN completes the forms of a function's name: NAME, NAME:QUALIFIER,
// ACCOUNT:function:NAME and the ARN (Lambda API reference, "FunctionName").
func (g *Guard) functionARN(name, qualifier string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
	case strings.Contains(name, ":function:"):
		name = "arn:" + g.partition() + ":lambda:" + g.opts.Region + ":" + name
	default:
		name = g.arn("lambda", g.opts.Region, "function:"+name)
	}
	if qualifier != "" && strings.Count(name, ":") == 6 {
		name += ":" + qualifier
	}
	return name
}
