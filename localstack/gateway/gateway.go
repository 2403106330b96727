// Package gateway is a local Amazon API Gateway for WebSocket APIs: the
// endpoint that turns frames into Lambda proxy events, and the @connections API
// with which functions post to connections.
//
// Use it to run WebSocket routes and their unmodified Lambda functions on one
// machine. It answers as API Gateway does, down to the spacing of error frames.
// Where AWS documents nothing, the behaviour is inferred, and a field of
// [Inferred] selects the other one.
//
// Numbers such as A8.3 or F2.4 in comments and test names are statements about
// AWS. docs/aws-fidelity.md lists them with their sources and tests: A is about
// WebSocket APIs, B about events, C about @connections, F about templates.
//
// The package never runs a function itself (that is the [Invoker]), decides
// what a caller may do (Options.Permit), opens a listener, reads the
// environment, or logs a payload.
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
	// Invoke runs a function. It returns an error if the function could not be
	// run; a failure of the function is in the result. As on AWS, the function
	// continues after API Gateway has stopped waiting for it, so ctx ends only
	// when a shutdown has taken too long.
	Invoke(ctx context.Context, function string, payload []byte) (Result, error)
}

// Result is how an invocation ended.
type Result struct {
	// Payload is what the function returned, or the error object if
	// FunctionError is set.
	Payload []byte
	// FunctionError is "Unhandled" if the function failed, and empty otherwise.
	FunctionError string
	// RequestID is the Lambda request id. It links frames and invocations in
	// the trace and the log.
	RequestID string
}

// Gateway serves WebSocket APIs. Make one with [New]; it is safe for concurrent
// use.
type Gateway struct {
	opts Options
	// serving are the stages of the last Update, or of New.
	serving atomic.Pointer[stages]
	// account is the bucket of all requests; connects is that of new
	// connections.
	account, connects *bucket

	// ctx is the context of invocations; cancel ends it.
	ctx    context.Context
	cancel context.CancelFunc

	// running counts handlers, messages and functions. Shutdown waits for them.
	running sync.WaitGroup
	// stopSweep is closed to end sweep.
	stopSweep chan struct{}

	// opening is held for reading to count a handshake in, and by Disconnect to
	// keep handshakes waiting.
	opening sync.RWMutex

	mu          sync.Mutex
	connections map[string]*connection   // that can be posted to, by id
	sockets     map[*connection]struct{} // whose $disconnect has not begun
	stopping    bool
}

// New returns a gateway, or an error if the options are not valid. It starts a
// goroutine; end it with [Gateway.Shutdown].
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
		stopSweep:   make(chan struct{}),
	}
	g.serving.Store(&all)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	go g.sweep()
	return g, nil
}

func (g *Gateway) stages() stages { return *g.serving.Load() }

// Connections returns how many connections are open. Those in $connect do not
// count.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.connections)
}

// Shutdown refuses new connections, closes the open ones with 1001, and waits
// for running functions, $disconnect included. If ctx ends first, it drops the
// open sockets, cancels the context of the invocations and returns ctx's error.
// Every call after the first only waits.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	if !g.stopping {
		g.stopping = true
		close(g.stopSweep)
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
