package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/coder/websocket"
)

// ServeHTTP is the WebSocket side: GET /{stage}. It returns when the connection has ended and its $disconnect has been told.
//
// A Host of the form {apiId}.execute-api.… picks the API. Under any other name the stage does, if only one API has it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/")
	api := g.resolve(r.Host, stage)
	switch {
	case api == nil:
		refuse(w, g.opts.Inferred.UnknownStageStatus, "ForbiddenException", forbiddenMessage)
		return
	case len("wss://")+len(r.Host)+len(r.RequestURI) > g.opts.Limits.URL:
		refuse(w, http.StatusRequestURITooLong, "", "Request-URI Too Long")
		return
	}
	// The library checks the handshake too, but only when it upgrades, and then $connect has run.
	if status, message := checkHandshake(r); status != 0 {
		if status == http.StatusUpgradeRequired {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
		}
		refuse(w, status, "", message)
		return
	}
	if !g.enter() {
		refuse(w, http.StatusServiceUnavailable, "", "Service Unavailable")
		return
	}
	defer g.running.Done()

	c := g.newConnection(api, identity{SourceIP: sourceIP(r), UserAgent: r.UserAgent()})
	if !g.connect(c, w, r) {
		if g.opts.Inferred.DisconnectAfterRefusal {
			g.disconnect(c, c.dropped())
		}
		return
	}
	how := g.upgrade(c, w, r)
	g.forget(c)
	g.disconnect(c, how)
}

// enter counts a handler in, unless the gateway is shutting down.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		return false
	}
	g.running.Add(1)
	return true
}

// connect asks the $connect function, if there is one (A1.2), and answers the handshake itself when that refuses.
func (g *Gateway) connect(c *connection, w http.ResponseWriter, r *http.Request) bool {
	route, ok := c.api.Routes[connectKey]
	if !ok {
		return true
	}
	e := g.connectEvent(c, r)
	response, err := g.integrate(route, e, nil)
	if err == nil && response.status < 300 {
		if response.subprotocol != "" {
			w.Header().Set("Sec-WebSocket-Protocol", response.subprotocol)
		}
		return true
	}
	if err == nil {
		w.WriteHeader(response.status) // A1.4; the body stays here (A1.8)
		return false
	}
	g.logFailure(c, route, e, err)
	status, message := http.StatusInternalServerError, internalErrorMessage
	switch {
	case errors.Is(err, errIntegrationTimeout):
		status, message = g.opts.Inferred.ConnectTimeoutStatus, timedOutMessage
	case errors.Is(err, errTaskTimeout):
		status = g.opts.Inferred.ConnectTaskTimeoutStatus
	case errors.Is(err, errFunction):
		status = http.StatusBadGateway
	case errors.Is(err, errMalformed):
		status = g.opts.Inferred.MalformedConnectStatus
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, errorFrame(message, c.id, e.RequestContext.RequestID))
	return false
}

// upgrade answers 101 and serves the socket until it is closed. The connection is listed before the 101 is written: whoever has seen the 101 can
// be posted to, and nobody can before $connect has answered (C6).
func (g *Gateway) upgrade(c *connection, w http.ResponseWriter, r *http.Request) *closure {
	g.list(c)
	inspected := &inspectedWriter{ResponseWriter: w, limits: g.opts.Limits}
	ws, err := websocket.Accept(inspected, r, &websocket.AcceptOptions{
		// API Gateway does not look at Origin: whom to trust is $connect's decision, and its event carries the header.
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived: func(context.Context, []byte) bool {
			if g.opts.Inferred.PingResetsIdle {
				c.touch()
			}
			return true
		},
	})
	if err != nil {
		g.opts.Log.Warn("upgrade failed", "connectionId", c.id, "error", err)
		c.end(c.dropped())
		return c.how
	}
	ws.SetReadLimit(-1) // the inspector's, which knows frames
	c.opened(ws, inspected.conn)
	return c.serve()
}

// resolve returns the one API that host and stage name, or nil.
func (g *Gateway) resolve(host, stage string) *API {
	var match *API
	id := apiID(host)
	for _, api := range g.apis {
		if api.Stage == stage && (id == "" || strings.EqualFold(api.ID, id)) {
			if match != nil {
				return nil
			}
			match = api
		}
	}
	return match
}

// apiID returns the API that a host name of the form {apiId}.execute-api.… names, or "".
func apiID(host string) string {
	id, rest, _ := strings.Cut(host, ".")
	if strings.HasPrefix(strings.ToLower(rest), "execute-api.") {
		return id
	}
	return ""
}

// checkHandshake returns a status unless r is a WebSocket handshake (RFC 6455 §4.2.1).
func checkHandshake(r *http.Request) (int, string) {
	if r.Method != http.MethodGet || !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket") {
		return http.StatusUpgradeRequired, "Upgrade Required" // A1.11
	}
	keys := r.Header.Values("Sec-Websocket-Key")
	if r.Header.Get("Sec-Websocket-Version") != "13" || len(keys) != 1 {
		return http.StatusBadRequest, "Bad Request"
	}
	if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(key) != 16 {
		return http.StatusBadRequest, "Bad Request"
	}
	return 0, ""
}

func hasToken(h http.Header, name, token string) bool {
	for _, value := range h.Values(name) {
		for t := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// sourceIP is the peer's address: locally nobody stands between it and the gateway.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// refuse answers a request that reached no API, in the form of API Gateway's front end.
func refuse(w http.ResponseWriter, status int, errorType, message string) {
	if errorType != "" {
		w.Header()[errorTypeHeader] = []string{errorType}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, `{"message":`+strconv.Quote(message)+`}`)
}
