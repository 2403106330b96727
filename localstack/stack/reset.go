package stack

import (
	"context"
	"errors"
)

// Reset makes the stack as it was after Start, for the next of several tests:
// it disables all faults, closes all WebSockets, waits until the functions have
// ended and the streams are delivered, and removes all items of all tables. KMS
// keys stay, and so do the functions' instances with what they keep in memory.
// An asynchronous event that waits for its next attempt is still delivered.
//
// Nothing may use the stack meanwhile. Reset ends with an error when ctx ends.
func (s *Stack) Reset(ctx context.Context) error {
	s.deploying.Lock()
	defer s.deploying.Unlock()
	switch {
	case s.closed:
		return errClosed
	case s.sources == nil:
		return errors.New("the stack is not started")
	}
	s.faults.ClearAll()
	if s.gateway != nil {
		if err := s.gateway.Disconnect(ctx); err != nil {
			return err
		}
	}
	// A function may write to a table with a stream that invokes a function.
	for range 2 {
		if err := s.lambda.WaitIdle(ctx); err != nil {
			return err
		}
		if err := s.sources.WaitIdle(ctx); err != nil {
			return err
		}
	}
	tables, err := s.tables.Tables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := s.tables.EmptyTable(t.Name); err != nil {
			return err
		}
	}
	return nil
}
