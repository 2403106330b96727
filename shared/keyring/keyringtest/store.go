// Package keyringtest has a Store and a KMS in memory, for tests of code that
// uses a keyring, and the suite that every Store passes.
package keyringtest

import (
	"bytes"
	"context"
	"sync"

	"github.com/sotto-chat/sotto/shared/keyring"
)

// Store is a keyring.Store in memory. It is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	records map[recordKey]keyring.Record
}

type recordKey struct {
	kind keyring.Kind
	id   string
}

var _ keyring.Store = (*Store)(nil)

// NewStore returns an empty Store.
func NewStore() *Store { return &Store{records: map[recordKey]keyring.Record{}} }

// List implements keyring.Store.
func (s *Store) List(ctx context.Context) ([]keyring.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []keyring.Record
	for _, r := range s.records {
		all = append(all, cloned(r))
	}
	return all, nil
}

// Get implements keyring.Store.
func (s *Store) Get(ctx context.Context, kind keyring.Kind, id string) (keyring.Record, error) {
	if err := ctx.Err(); err != nil {
		return keyring.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[recordKey{kind, id}]
	if !ok {
		return keyring.Record{}, keyring.ErrNotFound
	}
	return cloned(r), nil
}

// Create implements keyring.Store.
func (s *Store) Create(ctx context.Context, r keyring.Record) error {
	return s.write(ctx, r, func(_ keyring.Record, exists bool) bool { return !exists })
}

// Replace implements keyring.Store.
func (s *Store) Replace(ctx context.Context, r keyring.Record) error {
	return s.write(ctx, r, func(old keyring.Record, exists bool) bool {
		return exists && old.Generation == r.Generation-1
	})
}

func (s *Store) write(ctx context.Context, r keyring.Record, allowed func(old keyring.Record, exists bool) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := recordKey{r.Kind, r.ID}
	if old, exists := s.records[key]; !allowed(old, exists) {
		return keyring.ErrConflict
	}
	s.records[key] = cloned(r)
	return nil
}

// Delete implements keyring.Store.
func (s *Store) Delete(ctx context.Context, kind keyring.Kind, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, recordKey{kind, id})
	return nil
}

func cloned(r keyring.Record) keyring.Record {
	r.Value = bytes.Clone(r.Value)
	return r
}
