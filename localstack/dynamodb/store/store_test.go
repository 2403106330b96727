package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenRefusesOtherFormats(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if err := s.db.Set([]byte{spaceFormat}, binary.AppendUvarint(nil, 7), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, slog.New(slog.DiscardHandler), time.Now, nil)
	if err == nil || !strings.Contains(err.Error(), "format 7") {
		t.Errorf("Open: got %v, want an error that names format 7", err)
	}
}

func TestAfter(t *testing.T) {
	for _, tt := range []struct{ prefix, want []byte }{
		{[]byte("a"), []byte("b")},
		{[]byte("a\xff\xff"), []byte("b")},
		{[]byte{0xff}, nil},
		{nil, nil},
	} {
		if got := After(tt.prefix); !bytes.Equal(got, tt.want) {
			t.Errorf("After(%q) = %q, want %q", tt.prefix, got, tt.want)
		}
	}
}

// The slot is part of the format. If it changed, all rows would be lost.
func TestSlotIsStable(t *testing.T) {
	for text, want := range map[string]string{"": "b3686036", "ada": "7cdc015f"} {
		if got := fmt.Sprintf("%x", Partition(attr.String(text))[:slotLen]); got != want {
			t.Errorf("slot of %q: got %s, want %s", text, got, want)
		}
	}
}

func TestDropRemovesAllKeys(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	hash := KeyAttribute{Name: "pk", Type: "S"}
	table, err := s.Create(&Definition{
		Name: "gone",
		Key:  KeySchema{Hash: hash},
		TTL:  "ttl",
		Indexes: []*Index{{
			Name:       "by-ttl",
			Key:        KeySchema{Hash: KeyAttribute{Name: "ttl", Type: "N"}},
			Projection: ProjectAll,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		it := attr.Item{"pk": attr.String(fmt.Sprint(i)), "ttl": attr.Int(int64(i + 1))}
		if _, err := s.Write(t.Context(), Mutation{
			Table:  table,
			Row:    table.Definition().Row(it),
			Decide: func(attr.Item) (attr.Item, Action, error) { return it, Put, nil },
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Drop("gone", func(*Definition) error { return nil }); err != nil {
		t.Fatal(err)
	}
	iter, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer iter.Close()
	for ok := iter.First(); ok; ok = iter.Next() {
		if space := iter.Key()[0]; space != spaceFormat && space != spaceNextTable {
			t.Errorf("Drop left the key %q", iter.Key())
		}
	}
	_, err = s.Write(t.Context(), Mutation{
		Table:  table,
		Row:    []byte("x"),
		Decide: func(attr.Item) (attr.Item, Action, error) { return nil, Keep, nil },
	})
	if !errors.Is(err, ErrNoTable) {
		t.Errorf("Write to a dropped table: got %v, want ErrNoTable", err)
	}
}

// The filler stops when its table is dropped, and Close does not hang.
func TestDropWhileFilling(t *testing.T) {
	s := openStore(t, t.TempDir())
	for i := range 20 {
		table, err := s.Create(&Definition{Name: "gone", Key: KeySchema{Hash: KeyAttribute{Name: "pk", Type: "S"}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Alter(table, func(def *Definition) error {
			def.Indexes = append(def.Indexes, &Index{
				Name:       fmt.Sprint("x", i),
				Key:        KeySchema{Hash: KeyAttribute{Name: "a", Type: "N"}},
				Projection: ProjectAll,
			})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Drop("gone", func(*Definition) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
