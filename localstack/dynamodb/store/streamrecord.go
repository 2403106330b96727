package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Event is the kind of a change.
type Event byte

// The events (DynamoDB eventName).
const (
	Insert Event = iota + 1
	Modify
	Remove
)

func (e Event) String() string { return [...]string{"", "INSERT", "MODIFY", "REMOVE"}[e] }

// StreamRecord is one change of one item.
type StreamRecord struct {
	Number  uint64 // ascending in its stream, with gaps
	Event   Event
	Expired bool // the item was deleted because it had expired
	View    string
	Created time.Time // to the millisecond
	Size    int       // of the keys and images in bytes, as DynamoDB counts it
	Keys    attr.Item
	New     attr.Item // nil if the view has no new image or the item was deleted
	Old     attr.Item // nil if the view has no old image or the item is new
}

// change is a change of an item that has not been committed yet.
type change struct {
	table    *Table
	old, new attr.Item
	expired  bool
}

// record adds a change of an item to e if its table has a stream. Writing an
// equal item is not a change.
func (e *editor) record(m Mutation, old, item attr.Item) {
	if m.Table.stream == nil || old != nil && item != nil && old.Equal(item) {
		return
	}
	e.changes = append(e.changes, change{m.Table, old, item, m.Expired})
}

// reservations are the numbers of the records in a commit that has not ended.
type reservations []reservation

type reservation struct {
	stream *Stream
	number uint64
}

// settle must be called when the commit has ended, even if it failed.
func (r reservations) settle() {
	for _, x := range r {
		x.stream.settle(x.number)
	}
}

// writeRecords adds the records of the commit to its batch.
func (e *editor) writeRecords(now time.Time) (reservations, error) {
	r := make(reservations, 0, len(e.changes))
	for _, c := range e.changes {
		st := c.table.stream
		n := st.reserve()
		r = append(r, reservation{st, n})
		if err := e.batch.Set(recordKey(st.Definition().ID, n), c.record(now).encode(), nil); err != nil {
			r.settle()
			return nil, fmt.Errorf("stream record: %w", err)
		}
	}
	return r, nil
}

func (c change) record(now time.Time) *StreamRecord {
	def := c.table.Definition()
	r := &StreamRecord{Event: Modify, Expired: c.expired, View: def.Stream.View, Created: now, Keys: make(attr.Item, 2)}
	image := c.new
	switch {
	case c.old == nil:
		r.Event = Insert
	case c.new == nil:
		r.Event, image = Remove, c.old
	}
	for _, k := range def.Key.Attributes() {
		r.Keys[k.Name] = image[k.Name]
	}
	if r.View == ViewNewImage || r.View == ViewNewAndOldImages {
		r.New = c.new
	}
	if r.View == ViewOldImage || r.View == ViewNewAndOldImages {
		r.Old = c.old
	}
	r.Size = r.Keys.Size() + r.New.Size() + r.Old.Size()
	return r
}

// Storage form: event, expired (0 or 1), view, time in milliseconds, size, then
// keys, new image and old image, each after its length, which is 0 for none.
// The first three are bytes, the numbers unsigned varints.
var views = [...]string{ViewKeysOnly, ViewNewImage, ViewOldImage, ViewNewAndOldImages}

func (r *StreamRecord) encode() []byte {
	b := make([]byte, 3, 64+2*r.Size)
	b[0] = byte(r.Event)
	if r.Expired {
		b[1] = 1
	}
	for i, v := range views {
		if v == r.View {
			b[2] = byte(i)
		}
	}
	b = binary.AppendUvarint(b, uint64(max(r.Created.UnixMilli(), 0)))
	b = binary.AppendUvarint(b, uint64(r.Size))
	var scratch []byte
	for _, item := range []attr.Item{r.Keys, r.New, r.Old} {
		scratch = scratch[:0]
		if item != nil {
			scratch = item.AppendBinary(scratch)
		}
		b = binary.AppendUvarint(b, uint64(len(scratch)))
		b = append(b, scratch...)
	}
	return b
}

var errRecord = errors.New("malformed stream record")

func decodeRecord(number uint64, b []byte) (StreamRecord, error) {
	if len(b) < 3 || b[0] < byte(Insert) || b[0] > byte(Remove) || int(b[2]) >= len(views) {
		return StreamRecord{}, errRecord
	}
	r := StreamRecord{Number: number, Event: Event(b[0]), Expired: b[1] == 1, View: views[b[2]]}
	b = b[3:]
	var fields [2]uint64
	for i := range fields {
		n := 0
		if fields[i], n = binary.Uvarint(b); n <= 0 {
			return r, errRecord
		}
		b = b[n:]
	}
	r.Created, r.Size = time.UnixMilli(int64(fields[0])), int(fields[1])
	for _, item := range []*attr.Item{&r.Keys, &r.New, &r.Old} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return r, errRecord
		}
		b = b[n:]
		if size > 0 {
			var err error
			if *item, err = attr.DecodeItem(b[:size]); err != nil {
				return r, fmt.Errorf("stream record: %w", err)
			}
		}
		b = b[size:]
	}
	return r, nil
}

// ReadStream returns records with numbers from after (exclusive) to upTo, in
// order: at most limit, and at most maxBytes by their sizes, but at least one
// if there is one. It returns ErrTrimmed if a record after the first number has
// been removed.
func (s *Store) ReadStream(st *Stream, after, upTo uint64, limit, maxBytes int) (records []StreamRecord, err error) {
	s.streamsMu.RLock() // excludes TrimStreams
	defer s.streamsMu.RUnlock()
	def := st.Definition()
	if after < def.Trimmed {
		return nil, ErrTrimmed
	}
	upTo = min(upTo, st.End())
	if after >= upTo {
		return nil, nil
	}
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: recordKey(def.ID, after+1),
		UpperBound: recordKey(def.ID, upTo+1),
	})
	if err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	size := 0
	for ok := iter.First(); ok && len(records) < limit; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return nil, fmt.Errorf("stream record: %w", err)
		}
		r, err := decodeRecord(recordNumber(iter.Key()), value)
		if err != nil {
			return nil, err
		}
		if size += r.Size; size > maxBytes && len(records) > 0 {
			break
		}
		records = append(records, r)
	}
	return records, nil
}
