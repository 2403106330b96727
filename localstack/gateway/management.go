package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/awsrequest"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// errorTypeHeader has the name of an error, by which SDKs choose their error
// type (C8). AWS writes it in this spelling.
const errorTypeHeader = "x-amzn-ErrorType"

// Management returns the handler of the @connections API
// (apigatewaymanagementapi 2018-11-29): POST, GET and DELETE of
// /{stage}/@connections/{id}, and of /@connections/{id} for clients whose
// endpoint has no stage. Requests need a SigV4 Authorization header with any
// credentials. A handler in front of this one decides what they permit; see
// [Gateway.Resolve].
func (g *Gateway) Management() http.Handler {
	return http.HandlerFunc(g.serveManagement)
}

// operations has the operations of @connections by method.
var operations = map[string]struct {
	name  string
	serve func(*call)
}{
	http.MethodPost:   {"PostToConnection", (*call).post},
	http.MethodGet:    {"GetConnection", (*call).get},
	http.MethodDelete: {"DeleteConnection", (*call).delete},
}

// call is one request to the @connections API.
type call struct {
	gateway    *Gateway
	connection *connection
	http.ResponseWriter
	request *http.Request
	trace   trace.Event
}

// WriteHeader keeps the status for the trace.
func (c *call) WriteHeader(status int) {
	c.trace.Status = status
	c.ResponseWriter.WriteHeader(status)
}

func (g *Gateway) serveManagement(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	caller := trace.CallerOf(r.Context())
	c := &call{gateway: g, ResponseWriter: w, request: r, trace: trace.Event{
		Kind:       trace.Post,
		At:         g.opts.Now(),
		RequestID:  awsname.NewRequestID(),
		Operation:  operations[r.Method].name,
		Invocation: caller.Invocation,
		Function:   caller.Function,
	}}
	w.Header().Set("x-amzn-RequestId", c.trace.RequestID)
	c.serve()
	c.trace.Duration = time.Since(began)
	if names := map[string][]string(w.Header())[errorTypeHeader]; len(names) > 0 { // the name is not canonical
		c.trace.Error = names[0]
	}
	g.report("@connections", c.trace, nil)
}

func (c *call) serve() {
	if !awsrequest.SignedInHeader(c.request) {
		refuse(c, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	g := c.gateway
	path, id, ok := managementPath(c.request.URL)
	named := g.stages().forManagement(c.request.Host, path)
	operation, known := operations[c.request.Method]
	if !ok || len(named) == 0 || !known {
		refuse(c, http.StatusForbidden, "ForbiddenException", forbiddenMessage)
		return
	}
	c.trace.API, c.trace.Stage, c.trace.ConnectionID = named[0].ID, named[0].Stage, id
	switch {
	case !g.account.admit(g.opts.Now()):
		refuse(c, http.StatusTooManyRequests, "LimitExceededException", "Rate exceeded")
	case !validID(id) && (c.request.Method == http.MethodPost || !g.opts.Inferred.MalformedIDGone):
		c.trace.ConnectionID = "" // it may be anything
		invalidID(c, id)
	default:
		c.connection = g.lookup(id)
		if c.connection == nil || !named.has(c.connection.apiID, c.connection.stageName) {
			gone(c)
			return
		}
		c.trace.API, c.trace.Stage = c.connection.apiID, c.connection.stageName
		operation.serve(c)
	}
}

func (c *call) post() {
	limits, inferred := &c.gateway.opts.Limits, &c.gateway.opts.Inferred
	data, err := io.ReadAll(io.LimitReader(c.request.Body, int64(limits.Message)+1))
	c.trace.Bytes = len(data)
	switch {
	case err != nil:
		refuse(c, http.StatusBadRequest, "BadRequestException", "Bad Request")
		return
	case len(data) > limits.Message:
		refuse(c, http.StatusRequestEntityTooLarge, "PayloadTooLargeException",
			fmt.Sprintf("Payload is larger than %d bytes", limits.Message))
		return
	case len(data) == 0 && inferred.EmptyPostRefused:
		refuse(c, http.StatusBadRequest, "BadRequestException", "Data is empty")
		return
	}
	if c.connection.applyFault(c, c.request) {
		return
	}
	m := outgoing{
		kind:  websocket.MessageText, // whatever the bytes (C10)
		data:  data,
		event: c.connection.sentEvent(c.trace, len(data)),
	}
	if inferred.BinaryPosts && !utf8.Valid(data) {
		m.kind = websocket.MessageBinary
	}
	switch err := c.connection.out.push(m); {
	case errors.Is(err, errBufferFull):
		refuse(c, http.StatusTooManyRequests, "LimitExceededException", "The client-side buffer is full")
	case err != nil:
		gone(c)
	default:
		c.WriteHeader(http.StatusOK)
	}
}

func (c *call) get() {
	const layout = "2006-01-02T15:04:05.000Z"
	c.Header().Set("Content-Type", "application/json")
	c.WriteHeader(http.StatusOK)
	json.NewEncoder(c).Encode(struct {
		ConnectedAt  string   `json:"connectedAt"`
		Identity     identity `json:"identity"`
		LastActiveAt string   `json:"lastActiveAt"`
	}{
		c.connection.connectedAt.UTC().Format(layout),
		c.connection.identity,
		time.Unix(0, c.connection.lastActive.Load()).UTC().Format(layout),
	})
}

// delete answers at once. Earlier posts are still delivered, and then the close
// frame (A8.5).
func (c *call) delete() {
	c.connection.end(closedNormally)
	c.WriteHeader(http.StatusNoContent)
}

// gone answers 410 without a body; only the header names the error (C5).
func gone(w http.ResponseWriter) {
	w.Header()[errorTypeHeader] = []string{"GoneException"}
	w.WriteHeader(http.StatusGone)
}

// invalidID answers a request for an id that cannot be decoded (C5).
func invalidID(w http.ResponseWriter, id string) {
	w.Header()[errorTypeHeader] = []string{"BadRequestException"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"message": %s, "connectionId":%s, "requestId":"%s"}`,
		quote("Invalid connectionId: "+id), quote(id), newID())
}
