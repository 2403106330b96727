package gateway

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Faults says which posts go wrong on purpose, so that tests see what senders
// make of it. It may be called concurrently and must not block.
type Faults interface {
	// Post is asked about each post to an open connection.
	Post(connectionID string) PostFault
}

// PostFault is what becomes of a post. The zero value is none.
type PostFault struct {
	// Delay is how much later it is taken.
	Delay time.Duration
	// Status answers it instead of delivering it: 429 (LimitExceededException)
	// or 410 (GoneException), while the connection stays open. 0 is none.
	Status int
	// Drop drops the client's socket as Gateway.Drop does. The post is answered
	// 200, as for a client that is lost and not yet missed.
	Drop bool
}

// ConnectionIDs lists the open connections, those still in $connect not
// counted, in order.
func (g *Gateway) ConnectionIDs() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.connections))
}

// Drop ends a connection's socket without a close frame, as a network does that
// fails. False means that there is no such connection.
func (g *Gateway) Drop(connectionID string) bool {
	c := g.lookup(connectionID)
	if c == nil {
		return false
	}
	c.drop()
	return true
}

// faulted does to a post what Options.Faults says. True means that it is
// answered.
func (c *connection) faulted(w http.ResponseWriter, r *http.Request) bool {
	if c.gateway.opts.Faults == nil {
		return false
	}
	f := c.gateway.opts.Faults.Post(c.id)
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	switch {
	case f.Drop:
		c.drop()
		w.WriteHeader(http.StatusOK)
	case f.Status == http.StatusTooManyRequests:
		refuse(w, f.Status, "LimitExceededException", "Rate exceeded")
	case f.Status == http.StatusGone:
		gone(w)
	default:
		return false
	}
	return true
}
