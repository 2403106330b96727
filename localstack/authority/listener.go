package authority

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// firstByteTimeout drops connections that never begin.
const firstByteTimeout = 30 * time.Second

// handshake is the first byte of a TLS connection (RFC 8446 §5.1). No HTTP
// request begins so.
const handshake = 0x16

// Listener accepts plain connections and TLS ones on the same port: the latter
// come out of Accept as *tls.Conn, which http.Server.Serve knows to handle. Its
// methods may be called concurrently.
type Listener struct {
	inner  net.Listener
	config *tls.Config
	ready  chan accepted
	done   chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	pending map[net.Conn]struct{} // without a byte so far
}

type accepted struct {
	conn net.Conn
	err  error
}

var _ net.Listener = (*Listener)(nil)

// Listen accepts from inner, which it closes with itself.
func (a *Authority) Listen(inner net.Listener) *Listener {
	l := &Listener{
		inner:   inner,
		config:  a.TLSConfig(),
		ready:   make(chan accepted),
		done:    make(chan struct{}),
		pending: make(map[net.Conn]struct{}),
	}
	go l.run()
	return l
}

// Accept returns the next connection that has begun to speak, or net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.ready:
		return a.conn, a.err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Terminate has Accept return conn, on which a client begins TLS next: the
// inside of a tunnel. It takes conn over, and closes it if l is closed.
func (l *Listener) Terminate(conn net.Conn) { l.deliver(tls.Server(conn, l.config)) }

// Addr is the address of the inner listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close stops accepting and closes the connections that have not begun to
// speak. Those returned by Accept stay.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	close(l.done)
	err := l.inner.Close()
	for conn := range l.pending {
		_ = conn.Close() // nobody has read from or written to it
	}
	return err
}

// run accepts until the listener is closed. Other errors are for the caller of
// Accept to judge, as if there were no goroutine in between.
func (l *Listener) run() {
	for {
		conn, err := l.inner.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			select {
			case l.ready <- accepted{err: err}:
			case <-l.done:
				return
			}
		default:
			go l.sniff(conn)
		}
	}
}

// sniff waits for the first byte in a goroutine of its own: a client that says
// nothing must not keep others waiting.
func (l *Listener) sniff(conn net.Conn) {
	l.mu.Lock()
	l.pending[conn] = struct{}{}
	closed := l.closed
	l.mu.Unlock()
	var first [1]byte
	err := net.ErrClosed
	if !closed {
		_ = conn.SetReadDeadline(time.Now().Add(firstByteTimeout)) // if it fails, so does Read
		_, err = conn.Read(first[:])
	}
	l.mu.Lock()
	delete(l.pending, conn)
	l.mu.Unlock()
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // it said nothing
		return
	}
	whole := &begun{Conn: conn, first: first[:]}
	if first[0] == handshake {
		l.Terminate(whole)
	} else {
		l.deliver(whole)
	}
}

func (l *Listener) deliver(conn net.Conn) {
	select {
	case l.ready <- accepted{conn: conn}:
	case <-l.done:
		_ = conn.Close() // nobody will serve it
	}
}

// begun is a connection of which the first byte has been read already.
type begun struct {
	net.Conn
	first []byte
}

func (c *begun) Read(p []byte) (int, error) {
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends what the peer reads. http.Server needs it to let a client
// read an answer that came before the end of its request.
func (c *begun) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
