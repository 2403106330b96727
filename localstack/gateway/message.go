package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Texts of error frames and of refused handshakes (A5, A6).
const (
	forbiddenMessage       = "Forbidden"
	internalErrorMessage   = "Internal server error"
	timedOutMessage        = "Endpoint request timed out"
	tooManyRequestsMessage = "Too Many Requests"
)

// errorFrame returns an error frame with the exact spacing of API Gateway (A6).
// Ids are base64 and need no escaping.
func errorFrame(message, connectionID, requestID string) string {
	return fmt.Sprintf(`{"message": %s, "connectionId":"%s", "requestId":"%s"}`, quote(message),
		connectionID, requestID)
}

// badRequestFrame returns the error frame for a message that its model refuses.
// Its spacing differs from that of errorFrame, and it has the message's id
// (A5.7).
func badRequestFrame(connectionID, messageID string) string {
	return fmt.Sprintf(`{"message" : "Bad request body", "connectionId": "%s", "messageId": "%s"}`,
		connectionID, messageID)
}

// handleMessage routes one message and invokes its function. It sends the
// client an error frame, the function's body on a two-way route, or nothing. It
// calls ended when the function has ended.
func (g *Gateway) handleMessage(c *connection, text []byte, ended func()) {
	began := time.Now()
	body := parseBody(text)
	key, route := g.route(c.stage.Load(), body)
	e := g.messageEvent(c, key, text)
	t := c.traceEvent(trace.Message, e)
	t.Bytes = len(text)
	line, err := "message", error(nil)
	if frame, status, code := g.refuseMessage(c, route, e, body); frame != "" {
		ended()
		t.Status, t.Error = status, code
		g.send(c, frame, t)
	} else {
		t.Function = awsname.FunctionName(route.Function)
		var response proxyResponse
		response, t.Invocation, err = g.integrate(route, e, ended)
		t.Status = response.status
		err = g.answer(c, route, e, response, err, &t)
		if err != nil {
			line = integrationFailed
		}
	}
	t.Duration = time.Since(began)
	g.report(line, t, err)
}

// refuseMessage returns the error frame, HTTP status and error code for a
// message that does not reach its function. The frame is empty for one that
// does.
func (g *Gateway) refuseMessage(c *connection, route *servedRoute, e *event,
	body messageBody) (frame string, status int, code string) {
	now := g.opts.Now()
	switch {
	case !g.account.admit(now), route != nil && !route.admit(now):
		frame = g.errorFrame(c, g.opts.Inferred.ThrottledMessage, e)
		return frame, http.StatusTooManyRequests, "TooManyRequestsException"
	case route == nil:
		return g.errorFrame(c, forbiddenMessage, e), http.StatusForbidden, "ForbiddenException"
	case route.models != nil && !route.models.accepts(body):
		return badRequestFrame(c.id, e.RequestContext.MessageID), http.StatusBadRequest, "BadRequestException"
	}
	return "", 0, ""
}

// answer sends the body on a two-way route, or the error frame for err. It
// returns the failure, if any, and adds it to t.
func (g *Gateway) answer(c *connection, route *servedRoute, e *event, response proxyResponse, err error,
	t *trace.Event) error {
	if err == nil && route.RouteResponse && len(response.body) > g.opts.Limits.Message {
		err = fmt.Errorf("%w: body of %d bytes", errMalformed, len(response.body))
	}
	if g.opts.Inferred.NullResultAccepted && errors.Is(err, errNullResult) {
		err = nil
	}
	switch {
	case err == nil:
		if route.RouteResponse {
			g.send(c, response.body, *t)
		}
	case errors.Is(err, errIntegrationTimeout):
		t.Status, t.Error = http.StatusGatewayTimeout, "IntegrationTimeout"
		g.send(c, g.errorFrame(c, timedOutMessage, e), *t)
	default:
		t.Status, t.Error = http.StatusInternalServerError, "InternalServerErrorException"
		g.send(c, g.errorFrame(c, internalErrorMessage, e), *t)
	}
	return err
}

// admit takes a token from the route's bucket, if it has one.
func (r *servedRoute) admit(now time.Time) bool { return r.bucket == nil || r.bucket.admit(now) }

// route returns the route key and the route of a message: those that it
// selects, or otherwise those of $default (A5.3, A5.4), whose route may be nil.
func (g *Gateway) route(s *stage, body messageBody) (string, *servedRoute) {
	key, err := s.selector.selectKey(body)
	if err == nil && (g.opts.Inferred.RouteDollarKeys || !strings.HasPrefix(key, "$")) {
		if route := s.routes[key]; route.integrated() {
			return key, route
		}
	}
	return defaultKey, s.routes[defaultKey]
}

// errorFrame returns the error frame for a failed event (A6.9).
func (g *Gateway) errorFrame(c *connection, message string, e *event) string {
	id := e.RequestContext.RequestID
	if g.opts.Inferred.FreshErrorRequestID {
		id = newID()
	}
	return errorFrame(message, c.id, id)
}

// send queues the answer to the message that cause describes. It waits for
// space in the outbox; that delays only further messages of the same client.
func (g *Gateway) send(c *connection, text string, cause trace.Event) {
	m := outgoing{kind: websocket.MessageText, data: []byte(text), event: c.sentEvent(cause, len(text))}
	if err := c.out.pushWait(m); err != nil { // the client is gone
		g.opts.Log.Debug("failed to send an answer", "connection", c.id, "request", cause.RequestID, "err", err)
	}
}

// sentEvent returns the event of a message to the client that another event
// caused; size is in bytes.
func (c *connection) sentEvent(cause trace.Event, size int) *trace.Event {
	t := c.traceEvent(trace.Sent, nil)
	t.RequestID, t.Route, t.Operation, t.Bytes = cause.RequestID, cause.Route, cause.Operation, size
	t.Invocation, t.Function, t.Error = cause.Invocation, cause.Function, cause.Error
	return &t
}

// disconnect invokes the $disconnect function, if there is one. Its errors only
// go to the log and the trace (A6.8).
func (g *Gateway) disconnect(c *connection, how *closure) {
	began := time.Now()
	e := g.disconnectEvent(c, how)
	t := c.traceEvent(trace.Disconnect, e)
	t.Status = int(how.code)
	var err error
	line := "connection closed"
	if route := c.stage.Load().routes[disconnectKey]; route.integrated() {
		if g.opts.Inferred.DisconnectWaitsForMessages {
			c.messages.Wait()
		}
		t.Function = awsname.FunctionName(route.Function)
		if _, t.Invocation, err = g.integrate(route, e, nil); err != nil {
			line = integrationFailed
		}
	}
	t.Duration = time.Since(began)
	g.report(line, t, err)
}
