package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// TableStream is the latest stream in a table's definition. It is immutable; a
// change of the stream is another TableStream.
type TableStream struct {
	ID      uint64 // assigned by the store; 0 in a change means the stream with the label
	Label   string
	View    string // a View constant
	Enabled bool
}

// The parts of an item that records hold besides its keys (DynamoDB
// StreamViewType).
const (
	ViewKeysOnly        = "KEYS_ONLY"
	ViewNewImage        = "NEW_IMAGE"
	ViewOldImage        = "OLD_IMAGE"
	ViewNewAndOldImages = "NEW_AND_OLD_IMAGES"
)

// streaming reports whether changes of the table's items are recorded.
func (d *Definition) streaming() bool { return d.Stream != nil && d.Stream.Enabled }

// StreamDefinition describes a stream. It remains when the stream is disabled
// or the table dropped. A published definition is immutable.
type StreamDefinition struct {
	ID      uint64 // unique among the present streams
	Table   string
	Label   string
	View    string
	Key     KeySchema
	Created time.Time
	Closed  time.Time `json:",omitzero"` // zero while the stream is enabled
	Shards  []Shard   // in order; only the last can be open
	Trimmed uint64    // records up to this number have been removed
}

// Shard is the part of a stream from when it was enabled until it was disabled.
type Shard struct {
	ID    string
	First uint64 // the number of the first record, which need not exist yet
	Last  uint64 // the number of the last record; 0 while the shard is open
}

// Stream is a handle of one stream.
type Stream struct {
	def atomic.Pointer[StreamDefinition]

	mu       sync.Mutex
	next     uint64        // the number of the next record
	inFlight []uint64      // the numbers of records not yet on disk, ascending
	changed  chan struct{} // closed when more records can be read; nil if there is no reader
}

// Definition returns the stream's present definition. The caller must not
// change it.
func (st *Stream) Definition() *StreamDefinition { return st.def.Load() }

// reserve returns the number for a record that will be committed. The caller
// holds the lock of the item, so the records of an item have the order of its
// changes.
func (st *Stream) reserve() uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	n := st.next
	st.next++
	st.inFlight = append(st.inFlight, n)
	return n
}

// settle removes the record n from inFlight after its commit has ended.
func (st *Stream) settle(n uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	i, _ := slices.BinarySearch(st.inFlight, n)
	st.inFlight = slices.Delete(st.inFlight, i, i+1)
	if i == 0 && st.changed != nil {
		close(st.changed)
		st.changed = nil
	}
}

// End returns the number up to which records can be read. All records up to it
// are on disk, and no more will be added among them.
func (st *Stream) End() uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.inFlight) > 0 {
		return st.inFlight[0] - 1
	}
	return st.next - 1
}

// Changed returns a channel that is closed when End increases. Call it before
// reading, so that no increase is missed.
func (st *Stream) Changed() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.changed == nil {
		st.changed = make(chan struct{})
	}
	return st.changed
}

// Stream returns the stream with the given table name and label, or
// ErrNoStream.
func (s *Store) Stream(table, label string) (*Stream, error) {
	s.streamsMu.RLock()
	defer s.streamsMu.RUnlock()
	if st := s.stream(table, label); st != nil {
		return st, nil
	}
	return nil, ErrNoStream
}

func (s *Store) stream(table, label string) *Stream {
	for _, st := range s.streams {
		if def := st.Definition(); def.Table == table && def.Label == label {
			return st
		}
	}
	return nil
}

// Streams returns the streams of all tables, including dropped ones, sorted by
// the table's name and the label.
func (s *Store) Streams() []*StreamDefinition {
	s.streamsMu.RLock()
	defer s.streamsMu.RUnlock()
	defs := make([]*StreamDefinition, 0, len(s.streams))
	for _, st := range s.streams {
		defs = append(defs, st.Definition())
	}
	slices.SortFunc(defs, func(a, b *StreamDefinition) int {
		return slices.Compare([]string{a.Table, a.Label}, []string{b.Table, b.Label})
	})
	return defs
}

// loadStreams reads the streams and finds the next number of each. The tables
// have been loaded.
func (s *Store) loadStreams() error {
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{spaceStreams},
		UpperBound: []byte{spaceStreams + 1},
	})
	if err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		def := new(StreamDefinition)
		if err := json.Unmarshal(iter.Value(), def); err != nil {
			return errors.Join(fmt.Errorf("definition of stream %d: %w",
				binary.BigEndian.Uint64(iter.Key()[1:]), err), iter.Close())
		}
		st := new(Stream)
		st.def.Store(def)
		s.streams[def.ID] = st
		s.lastStream = max(s.lastStream, def.ID)
	}
	if err := iter.Close(); err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	for _, st := range s.streams {
		if st.next, err = s.nextNumber(st.Definition()); err != nil {
			return fmt.Errorf("end of a stream of table %s: %w", st.Definition().Table, err)
		}
	}
	for _, t := range s.tables {
		if def := t.Definition(); def.streaming() {
			t.stream = s.streams[def.Stream.ID]
		}
	}
	return nil
}

// nextNumber returns a number that is greater than all the stream has used.
func (s *Store) nextNumber(def *StreamDefinition) (uint64, error) {
	next := max(def.Trimmed+1, def.Shards[len(def.Shards)-1].First)
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: recordKey(def.ID, next),
		UpperBound: After(streamPrefix(def.ID)),
	})
	if err != nil {
		return 0, err
	}
	if iter.Last() {
		next = recordNumber(iter.Key()) + 1
	}
	return next, iter.Close()
}

// streamSwitch is a change of a table's stream that is part of a batch.
type streamSwitch struct {
	updates []func() // to be called after the commit
	present *Stream  // the stream that records the table's changes after the commit
}

// switchStream adds the changes of streams to batch when a table's definition
// changes from old (nil for a new table) to def (nil for a dropped table). It
// sets the stream's ID in def. The caller holds streamsMu and the table's lock,
// so there are no records in flight. It calls publish after the commit of
// batch.
func (s *Store) switchStream(batch *pebble.Batch, old, def *Definition) (*streamSwitch, error) {
	var w streamSwitch
	if old != nil && old.streaming() {
		w.present = s.streams[old.Stream.ID]
	}
	if old != nil && def != nil && old.Stream == def.Stream {
		return &w, nil
	}
	before := w.present
	w.present = nil
	if def != nil && def.streaming() {
		st, opened := s.openStream(def)
		ts := *def.Stream
		ts.ID = opened.ID
		def.Stream = &ts
		w.present = st
		if err := w.put(batch, st, opened); err != nil {
			return nil, err
		}
		w.updates = append(w.updates, func() { s.streams[opened.ID] = st })
	}
	if before != nil && before != w.present {
		closed := *before.Definition()
		closed.Closed = s.now()
		closed.Shards = slices.Clone(closed.Shards)
		closed.Shards[len(closed.Shards)-1].Last = before.End()
		if err := w.put(batch, before, &closed); err != nil {
			return nil, err
		}
	}
	return &w, nil
}

func (w *streamSwitch) put(batch *pebble.Batch, st *Stream, def *StreamDefinition) error {
	w.updates = append(w.updates, func() { st.def.Store(def) })
	return putStream(batch, def)
}

// publish makes the change visible after its commit.
func (w *streamSwitch) publish(t *Table) {
	for _, update := range w.updates {
		update()
	}
	t.stream = w.present
}

func putStream(batch *pebble.Batch, def *StreamDefinition) error {
	value, err := json.Marshal(def)
	if err != nil {
		return fmt.Errorf("definition of a stream: %w", err)
	}
	return batch.Set(streamKey(def.ID), value, nil)
}

// openStream returns the stream for def. It creates the stream, or opens the
// one with the same label again: with the view of def, and with a new shard if
// it was closed.
func (s *Store) openStream(def *Definition) (*Stream, *StreamDefinition) {
	now := s.now()
	st := s.stream(def.Name, def.Stream.Label)
	if st == nil {
		s.lastStream++
		// Numbers start at the time, so that the numbers of an earlier stream
		// or of a deleted store are not valid for this one.
		first := uint64(max(now.UnixMilli(), 1)) * 1_000_000
		st = &Stream{next: first}
		st.def.Store(&StreamDefinition{
			ID:      s.lastStream,
			Table:   def.Name,
			Label:   def.Stream.Label,
			Created: now,
			Closed:  now,
			Trimmed: first - 1,
		})
	}
	opened := *st.Definition()
	opened.View, opened.Key = def.Stream.View, def.Key
	if !opened.Closed.IsZero() {
		opened.Closed = time.Time{}
		opened.Shards = append(slices.Clone(opened.Shards), Shard{ID: shardID(&opened, now, st.next), First: st.next})
	}
	return st, &opened
}

// shardID returns an id in the form of DynamoDB: 20 digits of a time and 8 of a
// hash.
func shardID(def *StreamDefinition, now time.Time, first uint64) string {
	h := fnv.New32a()
	fmt.Fprint(h, def.Table, "/", def.Label, "/", first)
	return fmt.Sprintf("shardId-%020d-%08x", max(now.UnixMilli(), 0), h.Sum32())
}
