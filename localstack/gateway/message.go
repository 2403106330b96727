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

// Texts of error frames and refused handshakes (A5, A6).
const (
	forbiddenMessage       = "Forbidden"
	internalErrorMessage   = "Internal server error"
	timedOutMessage        = "Endpoint request timed out"
	tooManyRequestsMessage = "Too Many Requests"
)

// errorFrame has API Gateway's spacing, to the byte (A6). Ids need no escaping:
// they are base64.
func errorFrame(message, connectionID, requestID string) string {
	return fmt.Sprintf(`{"message": %s, "connectionId":"%s", "requestId":"%s"}`, quote(message),
		connectionID, requestID)
}

// badRequestFrame is spaced in its own way and has the message's id (A5.7).
func badRequestFrame(connectionID, messageID string) string {
	return fmt.Sprintf(`{"message" : "Bad request body", "connectionId": "%s", "messageId": "%s"}`,
		connectionID, messageID)
}

// handleMessage routes one message, runs its function and answers the client if
// there is something to answer: the body on a two-way route, an error frame, or
// nothing. It calls ended when the function no longer runs.
func (g *Gateway) handleMessage(c *connection, text []byte, ended func()) {
	began := time.Now()
	key, route := g.route(c.stage.Load(), text)
	e := g.messageEvent(c, key, text)
	t := c.traced(trace.Message, e)
	t.Bytes = len(text)
	line, err := "message", error(nil)
	if answer, status, code := g.refusesMessage(c, route, e, text); answer != "" {
		ended()
		t.Status, t.Error = status, code
		g.send(c, answer, t)
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

// refusesMessage returns the error frame, HTTP status and code for a message
// that does not reach its function; or nothing.
func (g *Gateway) refusesMessage(c *connection, route *servedRoute, e *event,
	text []byte) (answer string, status int, code string) {
	now := g.opts.Now()
	switch {
	case !g.account.admit(now), route != nil && !route.admit(now):
		return g.errorFrame(c, g.opts.Inferred.ThrottledMessage,
			e), http.StatusTooManyRequests, "TooManyRequestsException"
	case route == nil:
		return g.errorFrame(c, forbiddenMessage, e), http.StatusForbidden, "ForbiddenException"
	case route.models != nil && !route.models.admit(text):
		return badRequestFrame(c.id, e.RequestContext.MessageID), http.StatusBadRequest, "BadRequestException"
	}
	return "", 0, ""
}

// answer sends what there is to send and returns what has failed, if anything.
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

// admit takes a token of the route's own, if it has a bucket.
func (r *servedRoute) admit(now time.Time) bool { return r.bucket == nil || r.bucket.admit(now) }

// route picks a message's route and the key its event carries, which is
// $default's own where that is the fallback (A5.3, A5.4).
func (g *Gateway) route(s *stage, text []byte) (string, *servedRoute) {
	key, err := s.selector.selectKey(text)
	if err == nil && (g.opts.Inferred.RouteDollarKeys || !strings.HasPrefix(key, "$")) {
		if route, ok := s.routes[key]; ok && route.Function != "" {
			return key, route
		}
	}
	return defaultKey, s.routes[defaultKey]
}

func (g *Gateway) errorFrame(c *connection, message string, e *event) string {
	id := e.RequestContext.RequestID
	if g.opts.Inferred.FreshErrorRequestID {
		id = newID()
	}
	return errorFrame(message, c.id, id)
}

// send waits for room: it holds up nobody but the client's own next messages.
// about is the message that is answered.
func (g *Gateway) send(c *connection, text string, about trace.Event) {
	m := outgoing{kind: websocket.MessageText, data: []byte(text), about: c.sending(about, len(text))}
	if err := c.out.pushWait(m); err != nil { // the client is gone
		g.opts.Log.Debug("answer not sent", "connectionId", c.id, "requestId", about.RequestID, "error", err)
	}
}

// sending is the event of a message to the client that came about by another
// event.
func (c *connection) sending(about trace.Event, size int) *trace.Event {
	t := c.traced(trace.Sent, nil)
	t.RequestID, t.Route, t.Operation, t.Bytes = about.RequestID, about.Route, about.Operation, size
	t.Invocation, t.Function, t.Error = about.Invocation, about.Function, about.Error
	return &t
}

// disconnect tells the $disconnect function, if there is one. Nobody sees its
// errors but the log (A6.8).
func (g *Gateway) disconnect(c *connection, how *closure) {
	began := time.Now()
	e := g.disconnectEvent(c, how)
	t := c.traced(trace.Disconnect, e)
	t.Status = int(how.code)
	var err error
	line := "connection closed"
	if route := c.stage.Load().routes[disconnectKey]; route != nil && route.Function != "" {
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
