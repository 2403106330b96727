package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// IndexWrite describes the writes of a commit in one index. Moving an entry to
// another key is two writes.
type IndexWrite struct {
	Index *Index
	Sizes []int // the size of each write in bytes, as DynamoDB counts it
}

// project returns the attributes of item that an entry of x holds.
func (d *Definition) project(x *Index, item attr.Item) attr.Item {
	if x.Projection == ProjectAll {
		return item
	}
	entry := make(attr.Item)
	for name, v := range item {
		if d.Projects(x, name) {
			entry[name] = v
		}
	}
	return entry
}

// editor collects the writes of one commit.
type editor struct {
	db    *pebble.DB
	batch *pebble.Batch
	tally tally
	// changes will be recorded in streams.
	changes []change
}

func newEditor(s *Store) *editor {
	return &editor{db: s.db, batch: s.db.NewBatch()}
}

// replace replaces one item and everything that derives from it: index entries,
// expiry and counters. A nil item means there is none.
func (e *editor) replace(d *Definition, row []byte, old, item attr.Item) ([]IndexWrite, error) {
	var err error
	key := rowKey(d.ID, 0, row)
	var change Totals
	var stored []byte
	if old != nil {
		change.add(Totals{Items: -1, Bytes: -int64(old.Size())})
	}
	if item == nil {
		err = e.batch.Delete(key, nil)
	} else {
		change.add(Totals{Items: 1, Bytes: int64(item.Size())})
		stored = storedForm(item)
		err = e.batch.Set(key, stored, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	e.tally.add(d.ID, 0, change)

	var writes []IndexWrite
	for _, x := range d.Indexes {
		sizes, err := e.reindex(d, x, old, item, stored)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", x.Name, err)
		}
		if len(sizes) > 0 {
			writes = append(writes, IndexWrite{Index: x, Sizes: sizes})
		}
	}
	if err := e.reschedule(d, row, old, item); err != nil {
		return nil, fmt.Errorf("expiry: %w", err)
	}
	return writes, nil
}

// storedForm returns the stored value of an item or index entry.
func storedForm(item attr.Item) []byte {
	size := item.Size()
	return item.AppendBinary(make([]byte, 0, size+size/8+64)) // room for lengths and types
}

// reindex updates the entry of one index from old to item. stored is the stored
// form of item. It returns the sizes of the writes.
func (e *editor) reindex(d *Definition, x *Index, old, item attr.Item, stored []byte) ([]int, error) {
	var before, after attr.Item
	var from, to []byte
	if old != nil && x.Key.indexes(old) {
		before, from = d.project(x, old), rowKey(d.ID, x.ID, d.Entry(x, old))
	}
	if item != nil && x.Key.indexes(item) {
		after, to = d.project(x, item), rowKey(d.ID, x.ID, d.Entry(x, item))
	}
	same := from != nil && to != nil && string(from) == string(to)
	if same && before.Equal(after) {
		return nil, nil
	}
	var sizes []int
	var change Totals
	var errs []error
	if from != nil {
		counted, err := e.counted(x, from)
		if err != nil {
			return nil, err
		}
		if counted {
			change.add(Totals{Items: -1, Bytes: -int64(before.Size())})
		}
		if !same {
			sizes = append(sizes, before.Size())
			errs = append(errs, e.batch.Delete(from, nil))
		}
	}
	if to != nil {
		size := after.Size()
		change.add(Totals{Items: 1, Bytes: int64(size)})
		if same {
			size = max(size, before.Size())
		}
		sizes = append(sizes, size)
		if x.Projection != ProjectAll {
			stored = storedForm(after)
		}
		errs = append(errs, e.batch.Set(to, stored, nil))
	}
	e.tally.add(d.ID, x.ID, change)
	return sizes, errors.Join(errs...)
}

// counted reports whether an entry exists, and so is part of the counters.
// While an index is being filled, an item may not have its entry yet.
func (e *editor) counted(x *Index, entry []byte) (bool, error) {
	if !x.Filling {
		return true, nil
	}
	_, closer, err := e.db.Get(entry)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, closer.Close()
}

// reschedule updates the expiry index from old to item.
func (e *editor) reschedule(d *Definition, row []byte, old, item attr.Item) error {
	from, had := d.Expires(old)
	to, has := d.Expires(item)
	if had && has && from == to {
		return nil
	}
	if had {
		if err := e.batch.Delete(expiryKey(d.ID, from, row), nil); err != nil {
			return err
		}
	}
	if has {
		return e.batch.Set(expiryKey(d.ID, to, row), nil, nil)
	}
	return nil
}
