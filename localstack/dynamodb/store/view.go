package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// getItem returns the item with the given key, nil if there is none.
func getItem(r pebble.Reader, key []byte) (attr.Item, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	defer closer.Close()
	return decodeItem(value)
}

func decodeItem(value []byte) (attr.Item, error) {
	item, err := attr.DecodeItem(value)
	if err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	return item, nil
}

// Get returns the latest committed version of an item, nil if there is none.
func (s *Store) Get(t *Table, row []byte) (attr.Item, error) {
	key := rowKey(t.id, 0, row)
	item, err := getItem(s.db, key)
	if err != nil {
		return nil, err
	}
	// Only a writer of this item can have made a change visible that is not yet
	// on disk.
	if s.locks.busy(string(key)) {
		err = s.settle(t)
	}
	return item, err
}

// View is a snapshot of the store. It must be closed.
type View struct{ snapshot *pebble.Snapshot }

// View returns a snapshot of the present state for reading the given tables.
func (s *Store) View(tables ...*Table) (*View, error) {
	v := &View{snapshot: s.db.NewSnapshot()}
	if err := s.settle(tables...); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// Close releases the snapshot.
func (v *View) Close() error { return v.snapshot.Close() }

// Get returns an item, nil if there is none.
func (v *View) Get(t *Table, row []byte) (attr.Item, error) {
	return getItem(v.snapshot, rowKey(t.id, 0, row))
}

// Range is a part of a table or of one of its indexes.
type Range struct {
	Table   *Table
	Index   *Index // nil for the table itself
	Lower   []byte // the first row or entry; nil for the beginning
	Upper   []byte // the row or entry after the last; nil for the end
	Reverse bool
}

// Rows iterates over a range. It must be closed.
type Rows struct {
	iter    *pebble.Iterator
	reverse bool
	started bool
}

// Rows returns an iterator over the range r.
func (v *View) Rows(r Range) (*Rows, error) {
	var index uint32
	if r.Index != nil {
		index = r.Index.ID
	}
	prefix := indexPrefix(spaceRows, r.Table.id, index)
	opts := &pebble.IterOptions{LowerBound: rowKey(r.Table.id, index, r.Lower), UpperBound: After(prefix)}
	if r.Upper != nil {
		opts.UpperBound = rowKey(r.Table.id, index, r.Upper)
	}
	iter, err := v.snapshot.NewIter(opts)
	if err != nil {
		return nil, fmt.Errorf("range: %w", err)
	}
	return &Rows{iter: iter, reverse: r.Reverse}, nil
}

// Next advances to the next item. It returns false at the end or after an
// error, which Close returns.
func (r *Rows) Next() bool {
	first := !r.started
	r.started = true
	switch {
	case first && r.reverse:
		return r.iter.Last()
	case first:
		return r.iter.First()
	case r.reverse:
		return r.iter.Prev()
	default:
		return r.iter.Next()
	}
}

// Item returns the present item, or entry of an index.
func (r *Rows) Item() (attr.Item, error) {
	value, err := r.iter.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	return decodeItem(value)
}

// AppendJSON appends the present item as DynamoDB JSON to dst and returns the
// item's size too. It is faster than encoding the result of [Rows.Item].
func (r *Rows) AppendJSON(dst []byte) (appended []byte, size int, err error) {
	value, err := r.iter.ValueAndErr()
	if err == nil {
		appended, size, err = attr.AppendStoredJSON(dst, value)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("row: %w", err)
	}
	return appended, size, nil
}

// Close ends the iteration and returns its error.
func (r *Rows) Close() error {
	if err := r.iter.Close(); err != nil {
		return fmt.Errorf("range: %w", err)
	}
	return nil
}
