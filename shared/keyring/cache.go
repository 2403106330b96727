package keyring

import (
	"context"
	"sync"
)

// gate admits one goroutine at a time. Unlike with a mutex, a goroutine that
// waits gives up when its context ends.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// secrets holds unwrapped keys by id. Concurrent callers of one id share one
// unwrapping. A failure is not cached.
type secrets[T any] struct {
	unwrapping gate
	mu         *sync.RWMutex
	byID       map[string]*T
}

func newSecrets[T any]() secrets[T] {
	return secrets[T]{unwrapping: newGate(), mu: new(sync.RWMutex), byID: map[string]*T{}}
}

// get returns the key, and calls unwrap the first time.
func (s secrets[T]) get(ctx context.Context, id string, unwrap func() (*T, error)) (*T, error) {
	if v := s.peek(id); v != nil {
		return v, nil
	}
	if err := s.unwrapping.enter(ctx); err != nil {
		return nil, err
	}
	defer s.unwrapping.leave()
	if v := s.peek(id); v != nil {
		return v, nil
	}
	v, err := unwrap()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id] = v
	return v, nil
}

func (s secrets[T]) peek(id string) *T {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

// keepOnly drops every key that keep does not name.
func (s secrets[T]) keepOnly(keep func(id string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.byID {
		if !keep(id) {
			delete(s.byID, id)
		}
	}
}
