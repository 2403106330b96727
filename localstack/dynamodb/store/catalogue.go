package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// loadCatalogue reads the table definitions. Its time grows with the number of
// tables, not with their size.
func (s *Store) loadCatalogue() error {
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{spaceTables},
		UpperBound: []byte{spaceTables + 1},
	})
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		def := new(Definition)
		if err := json.Unmarshal(iter.Value(), def); err != nil {
			return errors.Join(fmt.Errorf("definition of table %q: %w", iter.Key()[1:], err), iter.Close())
		}
		t := &Table{id: def.ID}
		t.def.Store(def)
		s.tables[def.Name] = t
	}
	if err := iter.Close(); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}

// Table returns the table with the given name, or ErrNoTable.
func (s *Store) Table(name string) (*Table, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t, ok := s.tables[name]; ok {
		return t, nil
	}
	return nil, ErrNoTable
}

// Names returns the sorted names of the tables.
func (s *Store) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, 0, len(s.tables))
	for name := range s.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Create creates a table from a copy of def, and assigns the identifiers of the
// table and its indexes. It returns ErrTableExists if the name is taken.
func (s *Store) Create(def *Definition) (*Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.tables[def.Name]; taken {
		return nil, ErrTableExists
	}
	id, err := s.nextTable()
	if err != nil {
		return nil, err
	}
	def = def.Clone()
	def.ID = id
	for _, x := range def.Indexes {
		def.NextIndex++
		x.ID = def.NextIndex
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	streams, err := s.switchStream(batch, nil, def)
	if err != nil {
		return nil, fmt.Errorf("create table %s: %w", def.Name, err)
	}
	if err := errors.Join(
		batch.Set([]byte{spaceNextTable}, binary.BigEndian.AppendUint64(nil, id+1), nil),
		putDefinition(batch, def),
		s.write(batch, pebble.Sync),
	); err != nil {
		return nil, fmt.Errorf("create table %s: %w", def.Name, err)
	}
	t := &Table{id: id}
	t.def.Store(def)
	streams.publish(t)
	s.tables[def.Name] = t
	return t, nil
}

func (s *Store) nextTable() (uint64, error) {
	value, closer, err := s.db.Get([]byte{spaceNextTable})
	if errors.Is(err, pebble.ErrNotFound) {
		return 1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("next table identifier: %w", err)
	}
	defer closer.Close()
	return binary.BigEndian.Uint64(value), nil
}

func putDefinition(batch *pebble.Batch, def *Definition) error {
	value, err := json.Marshal(def)
	if err != nil {
		return fmt.Errorf("definition: %w", err)
	}
	return batch.Set(append([]byte{spaceTables}, def.Name...), value, nil)
}

// Drop removes a table with all its data and closes its stream, which stays
// readable. It is one commit, which takes the same time for any size. Drop
// first calls check with the last definition and removes nothing if that
// returns an error.
func (s *Store) Drop(name string, check func(*Definition) error) (*Definition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tables[name]
	if !ok {
		return nil, ErrNoTable
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	def := t.Definition()
	if err := check(def); err != nil {
		return nil, err
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	errs := []error{batch.Delete(append([]byte{spaceTables}, name...), nil)}
	for _, space := range []byte{spaceCounters, spaceRows, spaceExpiry} {
		errs = append(errs, deletePrefix(batch, tablePrefix(space, t.id)))
	}
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	streams, err := s.switchStream(batch, def, nil)
	if err != nil {
		return nil, fmt.Errorf("drop table %s: %w", name, err)
	}
	errs = append(errs, s.write(batch, pebble.Sync))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("drop table %s: %w", name, err)
	}
	t.dropped = true
	streams.publish(t)
	delete(s.tables, name)
	return def, nil
}

func deletePrefix(batch *pebble.Batch, prefix []byte) error {
	return batch.DeleteRange(prefix, After(prefix), nil)
}

// Alter changes the definition of t. change modifies a copy of it:
//
//   - An index without an ID is new; it is filled in the background.
//   - A removed index is dropped with its entries.
//   - If TTL changes, the expiry index is dropped and filled again.
//   - Another Stream closes the present one, unless it has the same label.
//
// Alter returns an error of change unwrapped.
func (s *Store) Alter(t *Table, change func(*Definition) error) (*Definition, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dropped {
		return nil, ErrNoTable
	}
	old := t.Definition()
	def := old.Clone()
	if err := change(def); err != nil {
		return nil, err
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	var errs []error
	for _, x := range old.Indexes {
		if !slices.ContainsFunc(def.Indexes, func(y *Index) bool { return y.ID == x.ID }) {
			errs = append(errs,
				deletePrefix(batch, indexPrefix(spaceRows, t.id, x.ID)),
				deletePrefix(batch, indexPrefix(spaceCounters, t.id, x.ID)))
		}
	}
	for _, x := range def.Indexes {
		if x.ID == 0 {
			def.NextIndex++
			x.ID, x.Filling = def.NextIndex, true
		}
	}
	if def.TTL != old.TTL {
		errs = append(errs, deletePrefix(batch, tablePrefix(spaceExpiry, t.id)))
		def.TTLFill = 0
		if def.TTL != "" {
			def.NextIndex++
			def.TTLFill = def.NextIndex
		}
	}
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	streams, err := s.switchStream(batch, old, def)
	if err != nil {
		return nil, fmt.Errorf("alter table %s: %w", def.Name, err)
	}
	errs = append(errs, putDefinition(batch, def), s.write(batch, pebble.Sync))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("alter table %s: %w", def.Name, err)
	}
	t.def.Store(def)
	streams.publish(t)
	s.wakeFiller()
	return def, nil
}
