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

// Action is what a [Mutation] does with its item.
type Action int

// The actions of mutations.
const (
	Keep   Action = iota // write nothing
	Put                  // write the item that was returned
	Delete               // remove the item
)

// Mutation is the part of a commit for one item.
type Mutation struct {
	Table *Table
	Row   []byte // see [Definition.Row]
	// Decide gets the present item, nil if there is none, and returns the new
	// item and the action. It must not modify old. No other writer can change
	// the item before the commit. If Decide returns an error, the item stays
	// unchanged.
	Decide func(old attr.Item) (attr.Item, Action, error)
	// Expired says that a deletion removes an expired item. The record in the
	// table's stream says so too.
	Expired bool
}

// Change is the result of a commit for one item.
type Change struct {
	Old, New attr.Item // nil if there is none; New is Old if nothing was written
	Indexes  []IndexWrite
	Err      error // ErrConflict, or the error of Decide
}

// Write commits mutations of different items together and returns their changes
// in the same order. It leaves out mutations with an error; see [Change].
func (s *Store) Write(ctx context.Context, mutations ...Mutation) ([]Change, error) {
	return s.commit(ctx, mutations, false, nil)
}

// Transact commits mutations of different items if none has an error; committed
// reports whether it did. token may be nil. If the error is ErrTokenBusy,
// ErrTokenReplayed or ErrTokenMismatch, nothing was written.
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
		defer records.settle()
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
	if err := s.write(batch, pebble.Sync); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// tablesOf returns the tables of a commit without duplicates, in the order in
// which all commits lock them.
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

// lockRows locks the items in ascending order of their keys and records
// conflicts in changes. The caller calls release even if there is an error.
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

// apply reads the item of a mutation, calls Decide and adds the writes to e.
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
