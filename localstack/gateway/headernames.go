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

// Events name headers as clients wrote them (A3.12: "HeaderAuth1"), and
// functions look for them so. But net/http makes every name canonical. So the
// beginning of each connection is kept until a handshake has been served, and
// names are looked up in it.

// maxHead is how much of a connection's beginning is kept, in bytes. A
// handshake is far shorter; a longer one has canonical names.
const maxHead = 64 << 10

// KeepHeaderNames returns a listener for the server of a gateway. Together with
// [ConnContext], as the server's ConnContext, it lets events name headers as
// clients wrote them. Without the two, and over TLS, names are canonical.
func KeepHeaderNames(l net.Listener) net.Listener { return namingListener{l} }

// ConnContext is for http.Server.ConnContext, see [KeepHeaderNames].
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
		return c, err // the server has to see what it is
	}
	return &namingConn{Conn: c}, nil
}

// namingConn keeps the head of the first request that it reads.
type namingConn struct {
	net.Conn
	seen []byte // so far; the server reads from one goroutine at a time
	done bool
	head atomic.Pointer[[]byte] // complete
}

// CloseWrite is what http.Server needs to let a client read an answer that came
// before the end of its request.
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
// them, by their canonical form; nothing if they are not known.
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
	if !strings.HasPrefix(lines[0], r.Method+" "+r.RequestURI+" ") { // that of an earlier request
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

// eventHeaderName is how events call a header: as the client does, but for
// those whose spelling is API Gateway's (A4.2).
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
