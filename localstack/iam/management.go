package iam

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Management guards a handler of the @connections API: each call needs
// execute-api:ManageConnections on API/STAGE/METHOD/@connections/ID (API
// Gateway developer guide, "Control access with IAM"). resolve says what a
// request is about; requests that it does not know pass, for the gateway to
// refuse.
func (g *Guard) Management(next http.Handler,
	resolve func(*http.Request) (apiID, stage, connectionID string, ok bool)) http.Handler {
	return g.wrap(next, guard{
		kind: trace.Post,
		demands: func(r *http.Request) ([]demand, *http.Request) {
			api, stage, id, ok := resolve(r)
			if !ok || managementOperations[r.Method] == "" {
				return nil, r
			}
			resource := g.arn("execute-api", g.opts.Region, api+"/"+stage+"/"+r.Method+"/@connections/"+id)
			return []demand{{"execute-api:ManageConnections", resource, httpKeys{r}}}, r
		},
		describe: func(r *http.Request, _ demand) trace.Event {
			api, stage, id, _ := resolve(r)
			return trace.Event{Operation: managementOperations[r.Method], API: api, Stage: stage, ConnectionID: id}
		},
		deny: g.denyManagement,
	})
}

var managementOperations = map[string]string{
	http.MethodPost: "PostToConnection", http.MethodGet: "GetConnection", http.MethodDelete: "DeleteConnection",
}

// denyManagement answers as the front end of API Gateway does: with all but
// four digits of the account masked, the path's parameter instead of the
// connection's id, and no reason but that of an explicit deny.
func (g *Guard) denyManagement(w http.ResponseWriter, d *Denied, requestID string) int {
	resource := d.Resource[:strings.LastIndexByte(d.Resource, '/')+1] + "{connectionId}"
	resource = strings.Replace(resource, ":"+g.opts.Account+":", ":"+masked(g.opts.Account)+":", 1)
	message := "User: " + d.Principal + " is not authorized to perform: " + d.Action + " on resource: " + resource
	if d.Explicit() {
		message += " with an explicit deny"
	}
	denyREST(w, message, requestID)
	return http.StatusForbidden
}

func masked(account string) string {
	shown := min(4, len(account))
	return strings.Repeat("*", len(account)-shown) + account[len(account)-shown:]
}

// denyREST is the refusal of services with REST protocols. Its first header has
// the case in which AWS writes it.
func denyREST(w http.ResponseWriter, message, requestID string) {
	body, err := json.Marshal(map[string]string{"Message": message})
	if err != nil {
		panic(err) // a string
	}
	h := w.Header()
	h["x-amzn-ErrorType"] = []string{accessDenied}
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write(body) // fails only for a client that has gone
}
