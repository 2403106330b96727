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

// closure is how a connection ends: the code and reason of the close frame and
// of the $disconnect event.
type closure struct {
	code   websocket.StatusCode
	reason string
	// remote means that the client closed or was lost, so it gets no close
	// frame.
	remote bool
	// lost means that the client sent no close frame.
	lost bool
}

func (c *closure) Error() string { return fmt.Sprintf("close %d %q", c.code, c.reason) }

// The reasons for 1000 and 1001 are those of API Gateway (A8.3, A8.5). AWS
// publishes none for the other codes.
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
	// noStatusReason is the reason in the $disconnect event after a close frame
	// without a code (A8.6).
	noStatusReason = "Client-side close frame status not set"
)

// connection is the connection of one client. Its goroutines are that of the
// HTTP handler, which reads, one that writes, and one for each message that is
// being handled.
type connection struct {
	gateway          *Gateway
	apiID, stageName string
	stage            atomic.Pointer[stage] // of the last update
	domain           string                // for events
	id               string
	identity         identity
	authorizer       map[string]any // for events; nil without an authorizer
	connectedAt      time.Time
	lastActive       atomic.Int64 // Unix ns
	received, sent   atomic.Int64 // messages

	out *outbox
	// slots has a token for each function that runs for a message. Reading
	// waits for a free slot, so TCP holds back a client that sends faster than
	// its functions run.
	slots    chan struct{}
	messages sync.WaitGroup

	ws          *websocket.Conn // set before the goroutines start
	writerEnded chan struct{}

	mu         sync.Mutex
	conn       *inspectedConn // below ws; set when the socket is open
	wasDropped bool           // maybe before the socket was open
	how        *closure
	ended      chan struct{} // closed once how is set
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

// rebind points c to its stage in all. It returns false if the stage was
// removed.
func (c *connection) rebind(all stages) bool {
	s := all.find(c.apiID, c.stageName)
	if s != nil {
		c.stage.Store(s)
	}
	return s != nil
}

// touch restarts the idle timeout.
func (c *connection) touch() { c.lastActive.Store(c.gateway.opts.Now().UnixNano()) }

// end sets how the connection ends; only the first call has an effect. Later
// posts are answered with 410. The writer still writes the queued messages, and
// then closes the socket.
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
	c.gateway.unregister(c)
	if how.remote {
		c.out.setState(outboxClosed)
	} else {
		c.out.setState(outboxDraining)
	}
}

// drop closes the socket without a close frame.
func (c *connection) drop() {
	c.out.setState(outboxClosed)
	c.mu.Lock()
	c.wasDropped = true
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// attach sets the socket. It closes it if the connection has been dropped:
// posts can reach a connection before it has a socket.
func (c *connection) attach(ws *websocket.Conn, conn *inspectedConn) {
	c.mu.Lock()
	c.ws, c.conn = ws, conn
	wasDropped := c.wasDropped
	c.mu.Unlock()
	if wasDropped {
		conn.Close()
	}
}

// hasEnded reports whether end was called.
func (c *connection) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// serve reads and writes until the socket is closed. It returns how the
// connection ended.
func (c *connection) serve() *closure {
	go c.write()
	how := c.read()
	if how.lost && c.gateway.opts.Inferred.DropUntilIdle && !c.hasEnded() {
		c.out.setState(outboxDiscards)
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

// read starts the handling of the client's messages until the socket or the
// connection ends. It returns how that happened.
func (c *connection) read() *closure {
	inferred := &c.gateway.opts.Inferred
	for {
		_, text, err := c.ws.Read(context.Background())
		if err != nil {
			return c.readFailure(err)
		}
		if c.hasEnded() {
			continue // after our close frame, wait for that of the client
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
			return c.lost()
		}
		c.messages.Add(1)
		release := func() { <-c.slots }
		c.gateway.running.Go(func() {
			defer c.messages.Done()
			if inferred.SerialMessages { // the answer, too, is sent before the next message (A7.5)
				defer release()
				c.gateway.handleMessage(c, text, func() {})
				return
			}
			c.gateway.handleMessage(c, text, release)
		})
	}
}

// readFailure returns how a connection ends whose reading failed with err: by a
// violation of the protocol, by a close of the client, or by its loss.
func (c *connection) readFailure(err error) *closure {
	if violation := (*closure)(nil); errors.As(err, &violation) {
		return violation
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
		// A compressed message is too long when decompressed. The library has
		// sent the close frame.
		return &closure{code: websocket.StatusMessageTooBig, remote: true}
	}
	if c.conn.closeSeen.Load() {
		// The library did not accept the close frame and has answered 1002.
		return &closure{code: protocolError.code, remote: true}
	}
	return c.lost()
}

// lost returns how a connection ends that was lost without a close frame.
func (c *connection) lost() *closure {
	return &closure{code: websocket.StatusCode(c.gateway.opts.Inferred.DropCode), remote: true, lost: true}
}

// write is the only goroutine that sends messages. It drops a client that takes
// longer for one than the time limit.
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
		c.out.release(m)
		if err != nil {
			c.drop()
			return
		}
		c.sent.Add(1)
		if !c.gateway.opts.Inferred.OnlyReceivedResetsIdle {
			c.touch()
		}
		m.event.Duration = c.gateway.opts.Now().Sub(m.event.At)
		c.gateway.report("message sent", *m.event, nil)
	}
	c.mu.Lock()
	how := c.how
	c.mu.Unlock()
	if how != nil && !how.remote {
		c.ws.Close(how.code, how.reason)
	}
}

// register makes the connection reachable for @connections. During shutdown, or
// if the stage was removed, the connection is closed as soon as it is open:
// $connect has run, so $disconnect must run too.
func (g *Gateway) register(c *connection) {
	g.mu.Lock()
	g.connections[c.id] = c
	g.sockets[c] = struct{}{}
	closes := !c.rebind(g.stages()) || g.stopping
	g.mu.Unlock()
	if closes {
		c.end(goingAway)
	}
}

// unregister makes @connections answer 410 for the connection. Its socket may
// still be closing.
func (g *Gateway) unregister(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, c.id)
}

// removeSocket forgets the connection after its socket was closed.
func (g *Gateway) removeSocket(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sockets, c)
}

// lookup returns the open connection with this id, or nil.
func (g *Gateway) lookup(id string) *connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connections[id]
}

// sweep ends connections that are idle or at the end of their lifetime. One
// ticker for all of them is cheaper than two timers for each, and it follows
// Options.Now.
func (g *Gateway) sweep() {
	ticker := time.NewTicker(g.opts.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-g.stopSweep:
			return
		case <-ticker.C:
		}
		g.expire()
	}
}

// expire ends the connections that are idle or at the end of their lifetime now
// (A8.3, A8.4).
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
