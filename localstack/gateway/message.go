package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/coder/websocket"
)

// Texts of error frames and refused handshakes (A6).
const (
	forbiddenMessage     = "Forbidden"
	internalErrorMessage = "Internal server error"
	timedOutMessage      = "Endpoint request timed out"
)

// errorFrame has API Gateway's spacing, to the byte (A6). Ids need no escaping: they are base64.
func errorFrame(message, connectionID, requestID string) string {
	return fmt.Sprintf(`{"message": "%s", "connectionId":"%s", "requestId":"%s"}`, message, connectionID, requestID)
}

// handleMessage routes one message, runs its function and answers the client if there is something to answer: the body on a two-way route, an
// error frame, or nothing. It calls ended when the function no longer runs.
func (g *Gateway) handleMessage(c *connection, text []byte, ended func()) {
	key, route, found := g.route(c.api, text)
	e := g.messageEvent(c, key, text)
	if !found {
		defer ended()
		g.sendError(c, forbiddenMessage, e)
		return
	}
	response, err := g.integrate(route, e, ended)
	if err == nil && route.RouteResponse && len(response.body) > g.opts.Limits.Message {
		err = fmt.Errorf("%w: body of %d bytes", errMalformed, len(response.body))
	}
	if g.opts.Inferred.NullResultAccepted && errors.Is(err, errNullResult) {
		err = nil
	}
	switch {
	case err == nil:
		if route.RouteResponse {
			g.send(c, response.body)
		}
	case errors.Is(err, errIntegrationTimeout):
		g.logFailure(c, route, e, err)
		g.sendError(c, timedOutMessage, e)
	default:
		g.logFailure(c, route, e, err)
		g.sendError(c, internalErrorMessage, e)
	}
}

// route picks a message's route and the key its event carries, which is $default's own where that is the fallback (A5.3, A5.4).
func (g *Gateway) route(api *API, text []byte) (string, Route, bool) {
	key, err := g.selectors[api].selectKey(text)
	if err == nil && (g.opts.Inferred.RouteDollarKeys || !strings.HasPrefix(key, "$")) {
		if route, ok := api.Routes[key]; ok {
			return key, route, true
		}
	}
	route, ok := api.Routes[defaultKey]
	return defaultKey, route, ok
}

func (g *Gateway) sendError(c *connection, message string, e *event) {
	id := e.RequestContext.RequestID
	if g.opts.Inferred.FreshErrorRequestID {
		id = newID()
	}
	g.send(c, errorFrame(message, c.id, id))
}

// send waits for room: it holds up nobody but the client's own next messages. An error means that the client is gone.
func (g *Gateway) send(c *connection, text string) {
	if err := c.out.pushWait(outgoing{kind: websocket.MessageText, data: []byte(text)}); err != nil {
		g.opts.Log.Debug("answer not sent", "connectionId", c.id, "error", err)
	}
}

// disconnect tells the $disconnect function, if there is one. Nobody sees its errors but the log (A6.8).
func (g *Gateway) disconnect(c *connection, how *closure) {
	route, ok := c.api.Routes[disconnectKey]
	if !ok {
		return
	}
	if g.opts.Inferred.DisconnectWaitsForMessages {
		c.messages.Wait()
	}
	e := g.disconnectEvent(c, how)
	if _, err := g.integrate(route, e, nil); err != nil {
		g.logFailure(c, route, e, err)
	}
}

func (g *Gateway) logFailure(c *connection, route Route, e *event, err error) {
	g.opts.Log.Warn("integration failed", slog.String("api", c.api.ID), slog.String("route", e.RequestContext.RouteKey),
		slog.String("function", route.Function), slog.String("connectionId", c.id), slog.String("requestId", e.RequestContext.RequestID),
		slog.Any("error", err))
}
