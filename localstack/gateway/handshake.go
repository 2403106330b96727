package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/awsrequest"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// ServeHTTP serves WebSocket handshakes: GET /{stage}. It returns when the
// connection has ended and its $disconnect function has returned.
//
// A Host header of the form {apiId}.execute-api.… selects the API, and a custom
// domain the stage. With any other host the path selects the stage, if only one
// API has a stage of that name.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage, domain := g.stages().forHandshake(r.Host, r.URL.Path)
	switch {
	case stage == nil:
		g.reportRefusal(r, g.opts.Inferred.UnknownStageStatus, "ForbiddenException", "no stage has this address")
		refuse(w, g.opts.Inferred.UnknownStageStatus, "ForbiddenException", forbiddenMessage)
		return
	case len("wss://")+len(r.Host)+len(r.RequestURI) > g.opts.Limits.URL:
		g.reportRefusal(r, http.StatusRequestURITooLong, "", "the URL is too long")
		refuse(w, http.StatusRequestURITooLong, "", "Request-URI Too Long")
		return
	}
	// The library checks the handshake too, but only after $connect has run.
	if status, message := checkHandshake(r); status != 0 {
		if status == http.StatusUpgradeRequired {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
		}
		g.reportRefusal(r, status, "", message)
		refuse(w, status, "", message)
		return
	}
	if !g.startHandler() {
		refuse(w, http.StatusServiceUnavailable, "", "Service Unavailable")
		return
	}
	defer g.running.Done()

	c := g.newConnection(stage, domain, identity{SourceIP: sourceIP(r), UserAgent: r.UserAgent()})
	o := g.newOpening(c, r)
	if refused := o.decide(); refused != nil {
		o.report(refused)
		refused.write(w)
		if g.opts.Inferred.DisconnectAfterRefusal {
			g.disconnect(c, c.lost())
		}
		return
	}
	if o.subprotocol != "" {
		w.Header().Set("Sec-WebSocket-Protocol", o.subprotocol)
	}
	how := g.upgrade(o, w)
	g.removeSocket(c)
	g.disconnect(c, how)
}

// reportRefusal reports a handshake that is refused before there is a
// connection.
func (g *Gateway) reportRefusal(r *http.Request, status int, code, reason string) {
	t := trace.Event{
		Kind:      trace.Connect,
		At:        g.opts.Now(),
		Operation: r.Method + " " + r.URL.EscapedPath(),
		Status:    status,
		Error:     code,
	}
	g.report("handshake refused", t, fmt.Errorf("%s: %s%.80s", reason, r.Host, r.URL.EscapedPath()))
}

// startHandler makes Shutdown wait for a handler. It returns false if the
// gateway is shutting down.
func (g *Gateway) startHandler() bool {
	g.opening.RLock() // Disconnect holds it
	defer g.opening.RUnlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		return false
	}
	g.running.Add(1)
	return true
}

// upgrade answers 101 and serves the socket until it is closed. It registers
// the connection before it writes the 101, so a client that has the 101 can be
// posted to. Before $connect has returned, posts are answered with 410 (C6).
func (g *Gateway) upgrade(o *opening, w http.ResponseWriter) *closure {
	c := o.connection
	g.register(c)
	compression := websocket.CompressionDisabled // A2.2
	if g.opts.Inferred.Compression {
		compression = websocket.CompressionNoContextTakeover
	}
	inspected := &inspectedWriter{ResponseWriter: w, limits: g.opts.Limits}
	ws, err := websocket.Accept(inspected, o.request, &websocket.AcceptOptions{
		// API Gateway does not check Origin. The $connect function can: its
		// event has the header.
		InsecureSkipVerify: true,
		CompressionMode:    compression,
		OnPingReceived: func(context.Context, []byte) bool {
			if g.opts.Inferred.PingResetsIdle {
				c.touch()
			}
			return true
		},
	})
	if err != nil {
		o.report(&refusal{status: http.StatusBadRequest, reason: "upgrade failed", err: err})
		c.end(c.lost())
		return c.how
	}
	ws.SetReadLimit(-1) // the inspector checks the limits of frames and messages
	if inspected.compressed() {
		ws.SetReadLimit(int64(g.opts.Limits.Message))
	}
	o.report(nil)
	c.attach(ws, inspected.conn)
	return c.serve()
}

// checkHandshake returns the status and message to refuse r with, or 0 if r is
// a valid WebSocket handshake (RFC 6455 §4.2.1).
func checkHandshake(r *http.Request) (int, string) {
	if r.Method != http.MethodGet || !awsrequest.IsUpgrade(r) {
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

// sourceIP returns the client's address. Locally there is no proxy in front of
// the gateway.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// refuse answers a request that reaches no API, in the form of API Gateway.
func refuse(w http.ResponseWriter, status int, errorType, message string) {
	if errorType != "" {
		w.Header()[errorTypeHeader] = []string{errorType}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, `{"message":`+quote(message)+`}`)
}
