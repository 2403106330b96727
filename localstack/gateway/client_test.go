package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// client is a WebSocket client.
type client struct {
	*websocket.Conn
	t  *testing.T
	id string // of the connection; empty without a $connect function
}

// dial opens a connection to /prod.
func (s *stack) dial() *client {
	s.t.Helper()
	c, response, err := s.tryDial("/prod", nil)
	if err != nil {
		s.t.Fatalf("dial: %v (%v)", err, response)
	}
	if _, ok := s.lambdas.functions["$connect"]; ok {
		e, _ := s.event("$connect")
		c.id = e.RequestContext.ConnectionID
	}
	return c
}

// tryDial opens a connection, or returns the answer that refuses it.
func (s *stack) tryDial(path string, options *websocket.DialOptions) (*client, *http.Response, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.sockets.URL, "http")+path, options)
	if err != nil {
		return nil, response, err
	}
	conn.SetReadLimit(-1)
	s.t.Cleanup(func() { conn.CloseNow() })
	return &client{Conn: conn, t: s.t}, response, nil
}

// refused returns the status of a handshake that is refused.
func (s *stack) refused(path string) int {
	s.t.Helper()
	_, response, err := s.tryDial(path, nil)
	if err == nil {
		s.t.Fatalf("GET %s: the handshake succeeded, want a refusal", path)
	}
	if response == nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	return response.StatusCode
}

// wantStatus opens a connection, which must be refused with this status.
func (s *stack) wantStatus(path string, want int) {
	s.t.Helper()
	if got := s.refused(path); got != want {
		s.t.Errorf("GET %s: got %d, want %d", path, got, want)
	}
}

// wantConnections compares the number of open connections.
func (s *stack) wantConnections(want int) {
	s.t.Helper()
	if got := s.gateway.Connections(); got != want {
		s.t.Errorf("got %d connections, want %d", got, want)
	}
}

// send sends a text message.
func (c *client) send(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// receive returns the next text message.
func (c *client) receive() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kind, data, err := c.Read(ctx)
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	if kind != websocket.MessageText {
		c.t.Fatalf("got message of kind %v, want text", kind)
	}
	return string(data)
}

// wantReceive receives a text message and compares it.
func (c *client) wantReceive(want string) {
	c.t.Helper()
	if got := c.receive(); got != want {
		c.t.Errorf("got message %.200q, want %.200q", got, want)
	}
}

// wantPrefix receives a text message and compares its beginning.
func (c *client) wantPrefix(want string) {
	c.t.Helper()
	if got := c.receive(); !strings.HasPrefix(got, want) {
		c.t.Errorf("got message %.200q, want one that begins with %q", got, want)
	}
}

// closed reads until the connection is closed. It returns the code and reason
// of the close frame, or 1006.
func (c *client) closed() (websocket.StatusCode, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, _, err := c.Read(ctx)
		if closing := (websocket.CloseError{}); errors.As(err, &closing) {
			return closing.Code, closing.Reason
		}
		if ctx.Err() != nil {
			c.t.Fatalf("connection still open after %v, want it closed", patience)
		}
		if err != nil {
			return websocket.StatusAbnormalClosure, ""
		}
	}
}

// wantClosed waits for the close frame and compares it.
func (c *client) wantClosed(code websocket.StatusCode, reason string) {
	c.t.Helper()
	if gotCode, gotReason := c.closed(); gotCode != code || gotReason != reason {
		c.t.Errorf("got close frame %d %q, want %d %q", gotCode, gotReason, code, reason)
	}
}
