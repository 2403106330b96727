package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// A new index of a table with rows is filled in the background. Every commit
// updates it as soon as it is in the definition, and the filler adds the older
// rows between commits, in steps. After a crash it starts again at the first
// row, because adding an entry twice has no effect. Writers of the table wait
// for at most one step.
const (
	fillRows  = 256     // rows per step
	fillBytes = 2 << 20 // bytes of rows per step
)

func (s *Store) wakeFiller() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fillForever fills indexes until the store is closed. It runs in one
// goroutine.
func (s *Store) fillForever() {
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		}
		for _, name := range s.Names() {
			t, err := s.Table(name)
			if err != nil {
				continue
			}
			for t.Definition().Filling() && !s.stopping() {
				err := s.fill(t)
				if errors.Is(err, ErrNoTable) {
					break // the table was dropped
				}
				if err != nil {
					s.log.Error("failed to fill an index", "table", name, "err", err)
					break
				}
			}
		}
	}
}

func (s *Store) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// fill reads the rows of t once and fills all indexes that are incomplete when
// it begins.
func (s *Store) fill(t *Table) error {
	goal := t.Definition()
	var from []byte
	for !s.stopping() {
		next, done, err := s.fillStep(t, goal, from)
		if err != nil || done {
			return err
		}
		from = next
	}
	return nil
}

// fillStep adds the entries of the next rows. After the last row it marks the
// indexes of goal as complete.
func (s *Store) fillStep(t *Table, goal *Definition, from []byte) (next []byte, done bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dropped {
		return nil, false, ErrNoTable
	}
	def := t.Definition().Clone()
	e := newEditor(s)
	defer e.batch.Close()
	next, err = s.fillChunk(e, def, goal, from)
	if err != nil {
		return nil, false, err
	}
	if next == nil {
		for _, x := range def.Indexes {
			if pendingIn(goal, x) {
				x.Filling = false
			}
		}
		if def.TTLFill == goal.TTLFill {
			def.TTLFill = 0
		}
		if err := putDefinition(e.batch, def); err != nil {
			return nil, false, err
		}
	}
	if err := errors.Join(e.tally.write(e.batch), s.sync(e.batch, []*Table{t})); err != nil {
		return nil, false, err
	}
	if next == nil {
		t.def.Store(def)
	}
	return next, next == nil, nil
}

// pendingIn reports whether x was incomplete in the definition goal.
func pendingIn(goal *Definition, x *Index) bool {
	g := goal.Index(x.Name)
	return g != nil && g.ID == x.ID && g.Filling
}

// fillChunk adds entries for the rows after from. It returns the last row that
// it read, nil after the end of the table.
func (s *Store) fillChunk(e *editor, def, goal *Definition, from []byte) (last []byte, err error) {
	prefix := indexPrefix(spaceRows, def.ID, 0)
	lower := prefix
	if from != nil {
		lower = append(append([]byte(nil), from...), 0)
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: After(prefix)})
	if err != nil {
		return nil, fmt.Errorf("rows: %w", err)
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	rows, bytes := 0, 0
	for ok := iter.First(); ok; ok = iter.Next() {
		if rows == fillRows || bytes >= fillBytes {
			return last, nil
		}
		value, err := iter.ValueAndErr()
		if err != nil {
			return nil, fmt.Errorf("row: %w", err)
		}
		item, err := decodeItem(value)
		if err != nil {
			return nil, err
		}
		last = append(last[:0], iter.Key()...)
		rows, bytes = rows+1, bytes+len(value)
		if err := s.fillRow(e, def, goal, last[rowPrefixLen:], item); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (s *Store) fillRow(e *editor, def, goal *Definition, row []byte, item attr.Item) error {
	for _, x := range def.Indexes {
		if !pendingIn(goal, x) || !x.Key.indexes(item) {
			continue
		}
		key := rowKey(def.ID, x.ID, def.Entry(x, item))
		counted, err := e.counted(x, key)
		if err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		if counted {
			continue // a commit has written it since the index was created
		}
		entry := def.project(x, item)
		if err := e.batch.Set(key, storedForm(entry), nil); err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		e.tally.add(def.ID, x.ID, Totals{Items: 1, Bytes: int64(entry.Size())})
	}
	if seconds, ok := def.Expires(item); ok && def.TTLFill != 0 {
		if err := e.batch.Set(expiryKey(def.ID, seconds, row), nil, nil); err != nil {
			return fmt.Errorf("expiry: %w", err)
		}
	}
	return nil
}
