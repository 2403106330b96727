package iam

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Management returns a handler that checks permissions before it calls next, a
// handler of the @connections API. Each call needs
// execute-api:ManageConnections on API/STAGE/METHOD/@connections/ID (API
// Gateway developer guide, "Control access with IAM"). resolve returns what a
// request names. If it returns false, the request passes and the gateway
// refuses it.
func (g *Guard) Management(next http.Handler,
	resolve func(*http.Request) (apiID, stage, connectionID string, ok bool)) http.Handler {
	return g.wrap(next, middleware{
		kind: trace.Post,
		permissions: func(r *http.Request) ([]permission, *http.Request) {
			api, stage, id, ok := resolve(r)
			if !ok || managementOperations[r.Method] == "" {
				return nil, r
			}
			resource := g.arn("execute-api", api+"/"+stage+"/"+r.Method+"/@connections/"+id)
			return []permission{{"execute-api:ManageConnections", resource, httpKeys{r}}}, r
		},
		describe: func(r *http.Request, _ permission) trace.Event {
			api, stage, id, _ := resolve(r)
			return trace.Event{Operation: managementOperations[r.Method], API: api, Stage: stage, ConnectionID: id}
		},
		deny: g.denyManagement,
	})
}

var managementOperations = map[string]string{
	http.MethodPost:   "PostToConnection",
	http.MethodGet:    "GetConnection",
	http.MethodDelete: "DeleteConnection",
}

// denyManagement answers as the front end of API Gateway does: all but four
// digits of the account are masked, {connectionId} stands for the connection's
// id, and the only reason that is given is an explicit deny.
func (g *Guard) denyManagement(w http.ResponseWriter, d *Denied, requestID string) int {
	resource := d.Resource[:strings.LastIndexByte(d.Resource, '/')+1] + "{connectionId}"
	resource = strings.Replace(resource, ":"+g.opts.Account+":", ":"+maskAccount(g.opts.Account)+":", 1)
	message := "User: " + d.Principal + " is not authorized to perform: " + d.Action + " on resource: " + resource
	if d.Explicit() {
		message += " with an explicit deny"
	}
	denyREST(w, message, requestID)
	return http.StatusForbidden
}

// maskAccount replaces all but the last four digits with asterisks.
func maskAccount(account string) string {
	shown := min(4, len(account))
	return strings.Repeat("*", len(account)-shown) + account[len(account)-shown:]
}

// denyREST answers as services with REST protocols do. The first header has the
// case that AWS uses.
func denyREST(w http.ResponseWriter, message, requestID string) {
	body, err := json.Marshal(map[string]string{"Message": message})
	if err != nil {
		panic(err) // cannot happen: a string
	}
	h := w.Header()
	h["x-amzn-ErrorType"] = []string{accessDenied}
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write(body) // fails only if the client has gone
}
