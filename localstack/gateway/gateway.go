// Package gateway is a local Amazon API Gateway for WebSocket APIs: the socket
// endpoint that turns frames into Lambda proxy events, and the @connections API
// through which functions post back.
//
// Use it to run WebSocket routes and their Lambda functions on one machine,
// unmodified. It answers as API Gateway answers, down to the spacing of its
// error frames, so that what works here works there; where AWS publishes
// nothing, the behaviour is a field of [Inferred]. Tests are named after the
// statements they show (A: sockets, B: events, C: @connections).
//
// It never runs a function itself (that is the [Invoker]), never decides what a
// caller may do (Options.Permit), never opens a listener, never reads the
// environment, and never writes a payload to the log.
package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Invoker runs Lambda functions synchronously.
type Invoker interface {
	// Invoke runs a function, or returns an error if it could not be run. What
	// the function itself does wrong is in the result. ctx ends only when the
	// gateway gives up at shutdown: as on AWS, a function runs on after API
	// Gateway has stopped waiting for it.
	Invoke(ctx context.Context, function string, payload []byte) (Result, error)
}

// Result is how an invocation ended.
type Result struct {
	// Payload is what the function returned, or the error object if
	// FunctionError is set.
	Payload []byte
	// FunctionError is "Unhandled" if the function failed, and empty otherwise.
	FunctionError string
	// RequestID is the Lambda request id, by which frames and invocations are
	// linked in the trace and the log.
	RequestID string
}

// Gateway serves WebSocket APIs. Make one with [New]; it is safe for concurrent
// use.
type Gateway struct {
	opts Options
	// serving is what New was given, or Update last.
	serving atomic.Pointer[stages]
	// account is the bucket that everything shares; connects is that of new
	// connections.
	account, connects *bucket

	// ctx is handed to functions; give it up with cancel.
	ctx    context.Context
	cancel context.CancelFunc

	// running counts handlers, messages and functions; Shutdown waits for them.
	running sync.WaitGroup
	// sweeping is closed to stop the clock.
	sweeping chan struct{}

	mu          sync.Mutex
	connections map[string]*connection   // by id, those that can be posted to
	sockets     map[*connection]struct{} // those whose socket may be open, $disconnect still to come
	stopping    bool
}

// New checks the options and starts the gateway's clock. End it with
// [Gateway.Shutdown].
func New(opts Options) (*Gateway, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	now := opts.Now()
	all, err := newStages(opts.APIs, opts.Limits, now)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g := &Gateway{
		opts:        opts,
		account:     newBucket(opts.Limits.AccountRate, opts.Limits.AccountBurst, now),
		connects:    newBucket(float64(opts.Limits.NewConnections), opts.Limits.NewConnections, now),
		connections: make(map[string]*connection),
		sockets:     make(map[*connection]struct{}),
		sweeping:    make(chan struct{}),
	}
	g.serving.Store(&all)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	go g.sweep()
	return g, nil
}

func (g *Gateway) stages() stages { return *g.serving.Load() }

// Connections returns how many connections are open, those still in $connect
// not counted.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.connections)
}

// Shutdown refuses new connections, closes the open ones with 1001, and lets
// $disconnect functions run until ctx ends. Then it drops what is left, cancels
// the context that functions were given, and returns ctx's error. Every call
// after the first only waits.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	if !g.stopping {
		g.stopping = true
		close(g.sweeping)
	}
	g.mu.Unlock()
	for _, c := range g.openSockets() {
		c.end(goingAway)
	}

	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	defer g.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, c := range g.openSockets() {
		c.drop()
	}
	return fmt.Errorf("shut down gateway: %w", ctx.Err())
}

func (g *Gateway) openSockets() []*connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.sockets))
}
