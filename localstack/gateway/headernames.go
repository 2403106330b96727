package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync/atomic"
)

// Events have header names as clients wrote them (A3.12: "HeaderAuth1"), and
// functions look for that spelling. But net/http makes every name canonical. So
// a namingConn keeps the head of the first request on a connection, and the
// gateway looks up names in it.

// maxHead bounds the head that is kept, in bytes. Handshakes are far shorter;
// the names of a longer one are canonical.
const maxHead = 64 << 10

// KeepHeaderNames wraps the listener of a gateway's server. Together with
// [ConnContext], which must be the server's ConnContext, it makes events have
// header names as clients wrote them. Without the two, and with TLS, the names
// are canonical.
func KeepHeaderNames(l net.Listener) net.Listener { return namingListener{l} }

// ConnContext is a value for http.Server.ConnContext; see [KeepHeaderNames].
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if conn, ok := c.(*namingConn); ok {
		return context.WithValue(ctx, namingKey{}, conn)
	}
	return ctx
}

type namingKey struct{}

type namingListener struct{ net.Listener }

func (l namingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if _, encrypted := c.(*tls.Conn); encrypted || err != nil {
		return c, err // the server must see that it is a tls.Conn
	}
	return &namingConn{Conn: c}, nil
}

// namingConn keeps the head of the first request on a connection.
type namingConn struct {
	net.Conn
	seen []byte // so far; the server reads in one goroutine at a time
	done bool
	head atomic.Pointer[[]byte] // nil until it is complete
}

// CloseWrite lets http.Server end its side, so that a client can read an answer
// that came before the end of its request.
func (c *namingConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

func (c *namingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.done {
		return n, err
	}
	from := max(0, len(c.seen)-len(endOfHead))
	c.seen = append(c.seen, p[:n]...)
	end := bytes.Index(c.seen[from:], endOfHead)
	switch {
	case end >= 0:
		head := c.seen[:from+end]
		c.head.Store(&head)
	case len(c.seen) <= maxHead && err == nil:
		return n, err
	}
	c.seen, c.done = nil, true
	return n, err
}

var endOfHead = []byte("\r\n\r\n")

// sentNames returns the names of the request's headers as the client wrote
// them, by canonical name. It returns nil if they are unknown.
func sentNames(r *http.Request) map[string]string {
	conn, ok := r.Context().Value(namingKey{}).(*namingConn)
	if !ok {
		return nil
	}
	head := conn.head.Load()
	if head == nil {
		return nil
	}
	lines := strings.Split(string(*head), "\r\n")
	if !strings.HasPrefix(lines[0], r.Method+" "+r.RequestURI+" ") { // the head of an earlier request
		return nil
	}
	names := make(map[string]string, len(lines))
	for _, line := range lines[1:] {
		if name, _, ok := strings.Cut(line, ":"); ok {
			names[textproto.CanonicalMIMEHeaderKey(name)] = name
		}
	}
	return names
}

// eventHeaderName returns a header's name for events: as the client wrote it,
// except those that API Gateway spells itself (A4.2).
func eventHeaderName(canonical string, sent map[string]string) string {
	if rest, ok := strings.CutPrefix(canonical, "Sec-Websocket-"); ok {
		return "Sec-WebSocket-" + rest
	}
	switch canonical {
	case "Origin", "User-Agent":
		return canonical
	}
	if name := sent[canonical]; name != "" {
		return name
	}
	return canonical
}
