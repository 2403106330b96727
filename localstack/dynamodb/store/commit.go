package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Action is what a mutation does with its item.
type Action int

// The actions.
const (
	Keep   Action = iota // write nothing
	Put                  // write the item that was returned
	Delete               // remove the item
)

// Mutation is one item's part of a commit.
type Mutation struct {
	Table *Table
	Row   []byte // see [Definition.Row]
	// Decide gets the present item (nil if absent; not to be changed), which
	// no other writer can change before the commit, and returns what is to
	// become of it. An error leaves the item as it is.
	Decide func(old attr.Item) (attr.Item, Action, error)
	// Expired marks a deletion because the item's time to live is over, for the
	// table's stream.
	Expired bool
}

// Change is what a commit did, or would not do, with one item.
type Change struct {
	Old, New attr.Item // nil if absent; New is Old where nothing was written
	Indexes  []IndexWrite
	Err      error // ErrConflict, or what Decide returned
}

// Write commits mutations of different items together. Those with an error are
// left out; the caller sees it in the change of the same place.
func (s *Store) Write(ctx context.Context, mutations ...Mutation) ([]Change, error) {
	return s.commit(ctx, mutations, false, nil)
}

// Transact commits mutations of different items, all or, if any has an error,
// none: committed says which. token may be nil. With ErrTokenBusy,
// ErrTokenReplayed or ErrTokenMismatch, nothing was done.
func (s *Store) Transact(ctx context.Context, mutations []Mutation,
	token *Token) (changes []Change, committed bool, err error) {
	if token != nil {
		key := string(token.key())
		if err := s.locks.acquire(ctx, key, true); err != nil {
			if errors.Is(err, ErrConflict) {
				err = ErrTokenBusy
			}
			return nil, false, err
		}
		defer s.locks.release(key)
		if err := s.checkToken(token); err != nil {
			return nil, false, err
		}
	}
	changes, err = s.commit(ctx, mutations, true, token)
	return changes, err == nil && !failed(changes), err
}

func failed(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Err != nil })
}

func (s *Store) commit(ctx context.Context, mutations []Mutation, transaction bool, token *Token) ([]Change, error) {
	tables := tablesOf(mutations)
	for _, t := range tables {
		t.mu.RLock()
		defer t.mu.RUnlock()
	}
	for _, t := range tables {
		if t.dropped {
			return nil, ErrNoTable
		}
	}
	changes := make([]Change, len(mutations))
	release, err := s.lockRows(ctx, mutations, changes, transaction)
	defer release()
	if err != nil {
		return nil, err
	}

	e := newEditor(s)
	defer e.batch.Close()
	for i, m := range mutations {
		if changes[i].Err == nil {
			if err := s.apply(e, m, &changes[i]); err != nil {
				return nil, fmt.Errorf("table %s: %w", m.Table.Definition().Name, err)
			}
		}
	}
	if transaction && failed(changes) {
		return changes, nil
	}
	if err := e.tally.write(e.batch); err != nil {
		return nil, err
	}
	if len(e.changes) > 0 {
		records, err := e.writeRecords(s.now())
		if err != nil {
			return nil, err
		}
		defer records.landed()
	}
	if token != nil {
		if err := token.write(e.batch); err != nil {
			return nil, err
		}
	}
	if e.batch.Empty() {
		return changes, nil
	}
	return changes, s.sync(e.batch, tables)
}

// sync commits batch and returns when it is on disk.
func (s *Store) sync(batch *pebble.Batch, tables []*Table) error {
	for _, t := range tables {
		t.pending.Add(1)
		defer t.pending.Add(-1)
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// tablesOf lists the tables of a commit once each, in the order in which
// everybody locks them.
func tablesOf(mutations []Mutation) []*Table {
	tables := make([]*Table, 0, 1)
	for _, m := range mutations {
		if !slices.Contains(tables, m.Table) {
			tables = append(tables, m.Table)
		}
	}
	slices.SortFunc(tables, func(a, b *Table) int { return cmp.Compare(a.id, b.id) })
	return tables
}

// lockRows takes the items in ascending order and marks conflicts in changes.
func (s *Store) lockRows(ctx context.Context, mutations []Mutation, changes []Change,
	transaction bool) (release func(), err error) {
	type place struct {
		key string
		at  int
	}
	places := make([]place, len(mutations))
	for i, m := range mutations {
		places[i] = place{string(rowKey(m.Table.id, 0, m.Row)), i}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.key, b.key) })
	held := make([]string, 0, len(places))
	release = func() {
		for _, key := range held {
			s.locks.release(key)
		}
	}
	for _, p := range places {
		switch err := s.locks.acquire(ctx, p.key, transaction); {
		case errors.Is(err, ErrConflict):
			changes[p.at].Err = err
		case err != nil:
			return release, err
		default:
			held = append(held, p.key)
		}
	}
	return release, nil
}

// apply reads one item, asks what is to become of it and adds that to e.
func (s *Store) apply(e *editor, m Mutation, c *Change) error {
	old, err := getItem(s.db, rowKey(m.Table.id, 0, m.Row))
	if err != nil {
		return err
	}
	c.Old, c.New = old, old
	item, action, err := m.Decide(old)
	switch {
	case err != nil:
		c.Err = err
		return nil
	case action == Keep, action == Delete && old == nil:
		return nil
	case action == Delete:
		item = nil
	}
	c.New = item
	c.Indexes, err = e.replace(m.Table.Definition(), m.Row, old, item)
	e.record(m, old, item)
	return err
}
