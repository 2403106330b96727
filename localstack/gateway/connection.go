package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// closure is how a connection ends: the close frame's code and reason, and what
// $disconnect is told.
type closure struct {
	code   websocket.StatusCode
	reason string
	// remote: the client closed or is gone, and there is nobody left to send a
	// close frame to.
	remote bool
	// lost: it did not say so.
	lost bool
}

func (c *closure) Error() string { return fmt.Sprintf("close %d %q", c.code, c.reason) }

// The reasons of 1000 and 1001 are API Gateway's own (A8.3, A8.5); for the
// others none is published.
var (
	closedNormally  = &closure{code: websocket.StatusNormalClosure, reason: "Connection Closed Normally"}
	goingAway       = &closure{code: websocket.StatusGoingAway, reason: goingAwayReason}
	protocolError   = &closure{code: websocket.StatusProtocolError}
	unsupportedData = &closure{code: websocket.StatusUnsupportedData}
	invalidText     = &closure{code: websocket.StatusInvalidFramePayloadData}
	messageTooBig   = &closure{code: websocket.StatusMessageTooBig}
)

const (
	goingAwayReason = "Going away"
	// noStatusReason is what $disconnect is told for a close frame without a
	// code (A8.6).
	noStatusReason = "Client-side close frame status not set"
)

// connection is one client. Its goroutines: the HTTP handler's, which reads;
// one that writes; one for each message being handled.
type connection struct {
	gateway          *Gateway
	apiID, stageName string
	stage            atomic.Pointer[stage] // as last updated
	domain           string                // for its events
	id               string
	identity         identity
	authorizer       map[string]any // for its events; nil without an authorizer
	connectedAt      time.Time
	lastActive       atomic.Int64 // Unix ns
	received, sent   atomic.Int64 // messages

	out *outbox
	// slots holds a token for each function that a message keeps running.
	// Reading waits for a free one, so that a client which sends faster than
	// its functions run is held back by TCP and by nothing else.
	slots    chan struct{}
	messages sync.WaitGroup

	ws          *websocket.Conn // set before the goroutines start
	writerEnded chan struct{}

	mu    sync.Mutex
	conn  *inspectedConn // under ws; set when the socket is open
	given bool           // up, maybe before the socket was open
	how   *closure
	ended chan struct{} // closed once how is set
}

func (g *Gateway) newConnection(s *stage, domain string, id identity) *connection {
	c := &connection{
		gateway:     g,
		apiID:       s.ID,
		stageName:   s.Stage,
		domain:      domain,
		id:          newID(),
		identity:    id,
		connectedAt: g.opts.Now(),
		out:         newOutbox(g.opts.Limits.SendBuffer),
		slots:       make(chan struct{}, g.opts.Limits.InFlight),
		writerEnded: make(chan struct{}),
		ended:       make(chan struct{}),
	}
	c.stage.Store(s)
	c.touch()
	return c
}

// adopt takes the connection's stage out of new ones, or reports that it is
// gone.
func (c *connection) adopt(all stages) bool {
	s := all.find(c.apiID, c.stageName)
	if s != nil {
		c.stage.Store(s)
	}
	return s != nil
}

func (c *connection) touch() { c.lastActive.Store(c.gateway.opts.Now().UnixNano()) }

// end decides how the connection ends; only the first call counts. From here on
// posts find it gone. What is already queued is still written, and the writer
// closes the socket behind it.
func (c *connection) end(how *closure) {
	c.mu.Lock()
	first := c.how == nil
	if first {
		c.how = how
		close(c.ended)
	}
	c.mu.Unlock()
	if !first {
		return
	}
	c.gateway.unlist(c)
	if how.remote {
		c.out.enter(outboxClosed)
	} else {
		c.out.enter(outboxLast)
	}
}

// drop gives the socket up without a close handshake.
func (c *connection) drop() {
	c.out.enter(outboxClosed)
	c.mu.Lock()
	c.given = true
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// opened takes the socket. The connection is listed before it has one, so it
// may have been dropped already.
func (c *connection) opened(ws *websocket.Conn, conn *inspectedConn) {
	c.mu.Lock()
	c.ws, c.conn = ws, conn
	given := c.given
	c.mu.Unlock()
	if given {
		conn.Close()
	}
}

func (c *connection) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// serve runs the connection from the 101 to the closed socket and returns how
// it ended.
func (c *connection) serve() *closure {
	go c.write()
	how := c.read()
	if how.lost && c.gateway.opts.Inferred.DropUntilIdle && !c.hasEnded() {
		c.out.enter(outboxSwallows)
		c.ws.CloseNow()
		<-c.ended
		<-c.writerEnded
		return how
	}
	c.end(how)
	if how.remote {
		c.ws.CloseNow()
	}
	<-c.writerEnded
	return c.how
}

// read handles what the client sends until the socket or the connection has
// ended.
func (c *connection) read() *closure {
	inferred := &c.gateway.opts.Inferred
	for {
		_, text, err := c.ws.Read(context.Background())
		if err != nil {
			return c.readFailure(err)
		}
		if c.hasEnded() {
			continue // after our close frame, until the client's
		}
		c.touch()
		c.received.Add(1)
		if !inferred.InvalidUTF8Accepted && !utf8.Valid(text) {
			return invalidText
		}
		select {
		case c.slots <- struct{}{}:
		case <-c.ended:
			return c.how
		case <-c.writerEnded:
			return c.dropped()
		}
		c.messages.Add(1)
		release := func() { <-c.slots }
		c.gateway.running.Go(func() {
			defer c.messages.Done()
			if inferred.SerialMessages { // the answer, too, comes before the next message (A7.5)
				defer release()
				c.gateway.handleMessage(c, text, func() {})
				return
			}
			c.gateway.handleMessage(c, text, release)
		})
	}
}

// readFailure tells a broken rule, a client's close and a lost client apart.
func (c *connection) readFailure(err error) *closure {
	if broken := (*closure)(nil); errors.As(err, &broken) {
		return broken
	}
	if closing := (websocket.CloseError{}); errors.As(err, &closing) {
		how := &closure{code: closing.Code, reason: closing.Reason, remote: true}
		switch {
		case how.code == websocket.StatusNoStatusRcvd:
			how.reason = noStatusReason
		case c.gateway.opts.Inferred.OmitClientCloseReason:
			how.reason = ""
		}
		return how
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		// A compressed message that is too long unpacked; the library has
		// answered it.
		return &closure{code: websocket.StatusMessageTooBig, remote: true}
	}
	if c.conn.closeSeen.Load() {
		// A close frame that the library did not accept; it has answered 1002
		// itself.
		return &closure{code: protocolError.code, remote: true}
	}
	return c.dropped()
}

func (c *connection) dropped() *closure {
	return &closure{code: websocket.StatusCode(c.gateway.opts.Inferred.DropCode), remote: true, lost: true}
}

// write is the only goroutine that sends messages. A client that takes longer
// than the time limit for one is dropped, not waited for.
func (c *connection) write() {
	defer close(c.writerEnded)
	for {
		m, ok := c.out.next()
		if !ok {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.gateway.opts.Limits.Write)
		err := c.ws.Write(ctx, m.kind, m.data)
		cancel()
		c.out.wrote(m)
		if err != nil {
			c.drop()
			return
		}
		c.sent.Add(1)
		if !c.gateway.opts.Inferred.OnlyReceivedResetsIdle {
			c.touch()
		}
		m.about.Duration = c.gateway.opts.Now().Sub(m.about.At)
		c.gateway.report("message sent", *m.about, nil)
	}
	c.mu.Lock()
	how := c.how
	c.mu.Unlock()
	if how != nil && !how.remote {
		c.ws.Close(how.code, how.reason)
	}
}

// list makes the connection known to @connections. During shutdown, or if its
// stage is gone by now, it is closed as soon as it is open: its $connect has
// run, so its $disconnect has to.
func (g *Gateway) list(c *connection) {
	g.mu.Lock()
	g.connections[c.id] = c
	g.sockets[c] = struct{}{}
	closes := !c.adopt(g.stages()) || g.stopping
	g.mu.Unlock()
	if closes {
		c.end(goingAway)
	}
}

// unlist makes the connection gone for @connections, while its socket may still
// be closing.
func (g *Gateway) unlist(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, c.id)
}

// forget is called when the socket is closed.
func (g *Gateway) forget(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sockets, c)
}

func (g *Gateway) lookup(id string) *connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connections[id]
}

// sweep ends connections that are idle or old. One ticker for all of them is
// cheaper than two timers for each, and it follows Options.Now.
func (g *Gateway) sweep() {
	ticker := time.NewTicker(g.opts.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-g.sweeping:
			return
		case <-ticker.C:
		}
		g.expire()
	}
}

// expire ends the connections whose time has come (A8.3, A8.4).
func (g *Gateway) expire() {
	g.mu.Lock()
	open := slices.Collect(maps.Values(g.connections))
	g.mu.Unlock()
	now := g.opts.Now()
	for _, c := range open {
		if now.Sub(c.connectedAt) >= g.opts.Limits.Lifetime {
			c.end(&closure{code: websocket.StatusCode(g.opts.Inferred.LifetimeCloseCode), reason: goingAwayReason})
		} else if now.Sub(time.Unix(0, c.lastActive.Load())) >= g.opts.Limits.Idle {
			c.end(goingAway)
		}
	}
}
