package gateway

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Faults makes posts fail on purpose, so that tests see how senders handle it.
// It may be called concurrently and must not block.
type Faults interface {
	// Post is called for each post to an open connection and returns its fault.
	Post(connectionID string) PostFault
}

// PostFault is the fault of one post. The zero value is none.
type PostFault struct {
	// Delay is how long the post waits before it is handled.
	Delay time.Duration
	// Status is the answer instead of a delivery: 429 (LimitExceededException)
	// or 410 (GoneException). The connection stays open. 0 means none.
	Status int
	// Drop drops the client's socket as Gateway.Drop does. The post is answered
	// with 200, as for a client whose loss has not been noticed.
	Drop bool
}

// ConnectionIDs returns the ids of the open connections in order. Those in
// $connect are not among them.
func (g *Gateway) ConnectionIDs() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.connections))
}

// Drop closes a connection's socket without a close frame, like a network that
// fails. It returns false if there is no such connection.
func (g *Gateway) Drop(connectionID string) bool {
	c := g.lookup(connectionID)
	if c == nil {
		return false
	}
	c.drop()
	return true
}

// applyFault applies the fault that Options.Faults has for a post. It returns
// true if it has answered the post.
func (c *connection) applyFault(w http.ResponseWriter, r *http.Request) bool {
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
