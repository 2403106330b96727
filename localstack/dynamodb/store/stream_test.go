package store

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// A reader that follows a stream with many writers misses no record, although
// commits do not end in the order of their records' numbers.
func TestFollowStream(t *testing.T) {
	const writers, steps = 16, 150
	s := openStore(t, t.TempDir())
	defer s.Close()
	def := &Definition{
		Name:   "followed",
		Key:    KeySchema{Hash: KeyAttribute{Name: "pk", Type: "S"}},
		Stream: &TableStream{Label: "label", View: ViewNewImage, Enabled: true},
	}
	table, err := s.Create(def)
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.Stream("followed", "label")
	if err != nil {
		t.Fatal(err)
	}
	after, read := st.End(), 0 // there are no records yet
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for i := range steps {
				it := attr.Item{"pk": attr.String(fmt.Sprint(w)), "v": attr.Int(int64(i))}
				if _, err := s.Write(t.Context(), Mutation{
					Table:  table,
					Row:    def.Row(it),
					Decide: func(attr.Item) (attr.Item, Action, error) { return it, Put, nil },
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	deadline := time.After(time.Minute)
	for read < writers*steps {
		changed := st.Changed()
		records, err := s.ReadStream(st, after, math.MaxUint64, 1000, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) > 0 {
			read += len(records)
			after = records[len(records)-1].Number
			continue
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("got %d records in a minute, want %d", read, writers*steps)
		}
	}
	running.Wait()
}

// The numbers of a stream continue after a restart, even if all its records
// have been trimmed.
func TestStreamNumbersAfterRestart(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	def := &Definition{
		Name:   "numbered",
		Key:    KeySchema{Hash: KeyAttribute{Name: "pk", Type: "S"}},
		Stream: &TableStream{Label: "label", View: ViewKeysOnly, Enabled: true},
	}
	s := openStore(t, dir)
	if _, err := s.Create(def); err != nil {
		t.Fatal(err)
	}
	var last uint64
	for i, trim := range []bool{false, true, false} {
		if i > 0 {
			s = openStore(t, dir)
		}
		table, err := s.Table("numbered")
		if err != nil {
			t.Fatal(err)
		}
		it := attr.Item{"pk": attr.String(fmt.Sprint(i))}
		if _, err := s.Write(t.Context(), Mutation{
			Table:  table,
			Row:    def.Row(it),
			Decide: func(attr.Item) (attr.Item, Action, error) { return it, Put, nil },
		}); err != nil {
			t.Fatal(err)
		}
		st, err := s.Stream("numbered", "label")
		if err != nil {
			t.Fatal(err)
		}
		records, err := s.ReadStream(st, max(last, st.Definition().Trimmed), math.MaxUint64, 10, 1<<20)
		if err != nil || len(records) != 1 || records[0].Number <= last {
			t.Fatalf("ReadStream: got %v, %v, want one record after %d", records, err, last)
		}
		last = records[0].Number
		if trim {
			if err := s.TrimStreams(now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
