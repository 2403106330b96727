package authority

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// firstByteTimeout is how long a connection may stay without a first byte.
const firstByteTimeout = 30 * time.Second

// handshake is the first byte of a TLS connection (RFC 8446 §5.1). No HTTP
// request begins with it.
const handshake = 0x16

// Listener accepts plain and TLS connections on the same port. Accept returns a
// TLS connection as a *tls.Conn, which http.Server.Serve handles. The methods
// may be called concurrently.
type Listener struct {
	inner  net.Listener
	config *tls.Config
	ready  chan accepted
	done   chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	pending map[net.Conn]struct{} // no byte has arrived yet
}

type accepted struct {
	conn net.Conn
	err  error
}

var _ net.Listener = (*Listener)(nil)

// Listen returns a listener that accepts from inner. Its Close closes inner.
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

// Accept returns the next connection whose first byte has arrived, or
// net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.ready:
		return a.conn, a.err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Terminate makes Accept return conn, the inside of a tunnel, on which the
// client starts TLS next. The listener owns conn from then on, and closes it if
// it is closed itself.
func (l *Listener) Terminate(conn net.Conn) { l.deliver(tls.Server(conn, l.config)) }

// Addr returns the address of the inner listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close stops accepting and closes the connections whose first byte has not
// arrived. Connections that Accept has returned stay open.
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
		_ = conn.Close() // nothing was read or written
	}
	return err
}

// run accepts connections until the listener is closed. It passes other errors
// on to the caller of Accept.
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

// sniff waits for the first byte and delivers the connection. Each connection
// has its own goroutine, because a silent client must not block the others.
func (l *Listener) sniff(conn net.Conn) {
	l.mu.Lock()
	l.pending[conn] = struct{}{}
	closed := l.closed
	l.mu.Unlock()
	var first [1]byte
	err := net.ErrClosed
	if !closed {
		_ = conn.SetReadDeadline(time.Now().Add(firstByteTimeout)) // if it fails, Read fails too
		_, err = conn.Read(first[:])
	}
	l.mu.Lock()
	delete(l.pending, conn)
	l.mu.Unlock()
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // no byte arrived
		return
	}
	peeked := &peekedConn{Conn: conn, first: first[:]}
	if first[0] == handshake {
		l.Terminate(peeked)
	} else {
		l.deliver(peeked)
	}
}

// deliver passes conn to a caller of Accept, or closes it if l is closed.
func (l *Listener) deliver(conn net.Conn) {
	select {
	case l.ready <- accepted{conn: conn}:
	case <-l.done:
		_ = conn.Close() // no Accept will return it
	}
}

// peekedConn is a connection whose first byte has been read. Read returns it
// again.
type peekedConn struct {
	net.Conn
	first []byte
}

func (c *peekedConn) Read(p []byte) (int, error) {
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite closes the writing side. http.Server uses it so that a client can
// read a response that was sent before the end of the request.
func (c *peekedConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
