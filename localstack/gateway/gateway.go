// Package gateway is a local Amazon API Gateway for WebSocket APIs: the socket endpoint that turns frames into Lambda proxy events, and the
// @connections API through which functions post back.
//
// Use it to run WebSocket routes and their Lambda functions on one machine, unmodified. It answers as API Gateway answers, down to the spacing of
// its error frames, so that what works here works there; where AWS publishes nothing, the behaviour is a field of [Inferred]. Tests are named
// after the statements they show (A: sockets, B: events, C: @connections).
//
// It never runs a function itself (that is the [Invoker]), never opens a listener, never reads the environment, and never writes a payload to
// the log.
package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// API is one stage of one WebSocket API. Two stages of an API are two values with the same ID.
type API struct {
	// ID names the API, as in {ID}.execute-api.{Region}.amazonaws.com.
	ID string
	// Stage is the first segment of the URL's path: letters, digits, "-" and "_", at most 128 (API Gateway quotas).
	Stage string
	// Region and Account are where the API claims to live.
	Region, Account string
	// RouteSelectionExpression picks a message's route, for example "$request.body.action".
	RouteSelectionExpression string
	// Routes by route key: "$connect", "$disconnect", "$default" or a value of the expression. All are optional.
	Routes map[string]Route
	// StageVariables are handed to every event, if there are any.
	StageVariables map[string]string
}

// domain is the host name that events carry, whatever name the client dialled: functions build ARNs and addresses from it.
func (a *API) domain() string {
	return a.ID + ".execute-api." + a.Region + ".amazonaws.com"
}

// Route binds a route key to a Lambda function by AWS_PROXY integration.
type Route struct {
	// Key is the route key, equal to its key in API.Routes.
	Key string
	// Function is passed to the Invoker as it stands.
	Function string
	// Timeout is the integration timeout, 50 ms to 29 s (API Gateway quotas); 0 means 29 s.
	Timeout time.Duration
	// RouteResponse makes the route two-way: the body of the function's result goes back to the client.
	RouteResponse bool
}

// Invoker runs a Lambda function synchronously.
type Invoker interface {
	// Invoke returns the function's result, or functionError ("Unhandled") with the error payload when the function failed, or err when it
	// could not be run. ctx ends only when the gateway gives up at shutdown: as on AWS, a function runs on after API Gateway has stopped
	// waiting for it.
	Invoke(ctx context.Context, function string, payload []byte) (result []byte, functionError string, err error)
}

// Gateway serves WebSocket APIs. Make one with [New]; it is safe for concurrent use.
type Gateway struct {
	opts Options
	apis []*API
	// selectors holds each API's parsed route selection expression.
	selectors map[*API]selector

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

// New checks the options and starts the gateway's clock. End it with [Gateway.Shutdown].
func New(opts Options) (*Gateway, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		opts:        opts,
		selectors:   make(map[*API]selector, len(opts.APIs)),
		connections: make(map[string]*connection),
		sockets:     make(map[*connection]struct{}),
		sweeping:    make(chan struct{}),
	}
	for i := range opts.APIs {
		api := &opts.APIs[i]
		selector, err := parseSelection(api.RouteSelectionExpression)
		if err != nil {
			return nil, fmt.Errorf("API %s: route selection expression %q: %w", api.ID, api.RouteSelectionExpression, err)
		}
		g.apis = append(g.apis, api)
		g.selectors[api] = selector
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	go g.sweep()
	return g, nil
}

// Connections returns how many connections are open, those still in $connect not counted.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.connections)
}

// Shutdown refuses new connections, closes the open ones with 1001, and lets $disconnect functions run until ctx ends. Then it drops what is
// left, cancels the context that functions were given, and returns ctx's error. Every call after the first only waits.
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
