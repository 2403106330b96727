package lambda

import (
	"context"
	"fmt"
)

// WaitIdle waits until no invocation is in progress, or until ctx ends, which
// is an error. It does not wait for asynchronous events that are between two
// attempts.
func (s *Service) WaitIdle(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wake := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer wake()
	for s.inFlight > 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("wait for %d invocations to end: %w", s.inFlight, ctx.Err())
		}
		s.changed.Wait()
	}
	return nil
}
