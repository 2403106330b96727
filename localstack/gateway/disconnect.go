package gateway

import (
	"context"
	"fmt"
)

// Disconnect closes all open connections with 1001 and waits until their
// $disconnect functions and all messages in progress have ended, or until ctx
// ends, which is an error. Handshakes wait meanwhile.
func (g *Gateway) Disconnect(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.opening.Lock() // running.Add from zero must not happen during running.Wait
		defer g.opening.Unlock()
		for _, c := range g.openSockets() {
			c.end(goingAway)
		}
		g.running.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close all connections: %w", ctx.Err())
	}
}
