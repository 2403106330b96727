package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Totals counts the items of a table or an index.
type Totals struct {
	Items int64
	Bytes int64 // the sum of the item sizes as DynamoDB counts them, not on disk
}

func (t Totals) encode() []byte {
	return binary.AppendVarint(binary.AppendVarint(nil, t.Items), t.Bytes)
}

func decodeTotals(b []byte) (Totals, error) {
	items, n := binary.Varint(b)
	if n <= 0 {
		return Totals{}, fmt.Errorf("counter of %d bytes: items", len(b))
	}
	bytes, m := binary.Varint(b[n:])
	if m <= 0 {
		return Totals{}, fmt.Errorf("counter of %d bytes: bytes", len(b))
	}
	return Totals{Items: items, Bytes: bytes}, nil
}

func (t *Totals) add(u Totals) { t.Items += u.Items; t.Bytes += u.Bytes }

// sumMerger adds to counters without reading them first, so that concurrent
// writers of a table need no common lock. Pebble stores its name on disk, so
// the name must not change.
var sumMerger = &pebble.Merger{
	Name: "sotto.dynamodb.totals.v1",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		t, err := decodeTotals(value)
		return &totalsMerge{sum: t}, err
	},
}

type totalsMerge struct{ sum Totals }

func (m *totalsMerge) MergeNewer(value []byte) error {
	t, err := decodeTotals(value)
	m.sum.add(t)
	return err
}

func (m *totalsMerge) MergeOlder(value []byte) error { return m.MergeNewer(value) }

func (m *totalsMerge) Finish(bool) ([]byte, io.Closer, error) { return m.sum.encode(), nil, nil }

// tally collects the counter changes of one batch. There are few, so a slice is
// enough.
type tally []counter

type counter struct {
	table uint64
	index uint32
	sum   Totals
}

func (c *tally) add(table uint64, index uint32, t Totals) {
	i := slices.IndexFunc(*c, func(s counter) bool { return s.table == table && s.index == index })
	if i < 0 {
		*c = append(*c, counter{table, index, t})
		return
	}
	(*c)[i].sum.add(t)
}

func (c tally) write(b *pebble.Batch) error {
	for _, s := range c {
		if s.sum == (Totals{}) {
			continue
		}
		if err := b.Merge(indexPrefix(spaceCounters, s.table, s.index), s.sum.encode(), nil); err != nil {
			return fmt.Errorf("counter: %w", err)
		}
	}
	return nil
}

// Totals returns the counters of the index x of t, or of t itself if x is nil.
func (s *Store) Totals(t *Table, x *Index) (Totals, error) {
	var index uint32
	if x != nil {
		index = x.ID
	}
	value, closer, err := s.db.Get(indexPrefix(spaceCounters, t.id, index))
	if errors.Is(err, pebble.ErrNotFound) {
		return Totals{}, nil
	}
	if err != nil {
		return Totals{}, fmt.Errorf("counter: %w", err)
	}
	defer closer.Close()
	return decodeTotals(value)
}
