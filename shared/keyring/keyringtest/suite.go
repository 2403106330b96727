package keyringtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sotto-chat/sotto/shared/keyring"
)

// Run is the suite that every implementation of keyring.Store passes. The
// factory returns a store with no records in it.
func Run(t *testing.T, factory func(t *testing.T) keyring.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s keyring.Store)
	}{
		{"Empty", testEmpty},
		{"CreateOnce", testCreateOnce},
		{"ReplaceNext", testReplaceNext},
		{"ListShowsAll", testListShowsAll},
		{"KindsAreApart", testKindsAreApart},
		{"Delete", testDelete},
		{"ValuesAreCopies", testValuesAreCopies},
		{"LargeValue", testLargeValue},
		{"OneCreatorWins", testOneCreatorWins},
		{"OneReplacerWins", testOneReplacerWins},
		{"EndedContext", testEndedContext},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, factory(t)) })
	}
}

func record(kind keyring.Kind, id string, generation int64, value string) keyring.Record {
	return keyring.Record{Kind: kind, ID: id, Generation: generation, Value: []byte(value)}
}

func equal(a, b keyring.Record) bool {
	return a.Kind == b.Kind && a.ID == b.ID && a.Generation == b.Generation && bytes.Equal(a.Value, b.Value)
}

func mustCreate(t *testing.T, s keyring.Store, records ...keyring.Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatalf("create %s %s: %v", r.Kind, r.ID, err)
		}
	}
}

func wantRecord(t *testing.T, s keyring.Store, want keyring.Record) {
	t.Helper()
	got, err := s.Get(t.Context(), want.Kind, want.ID)
	if err != nil || !equal(got, want) {
		t.Errorf("got %s %s generation %d of %d bytes, %v; want generation %d of %d bytes",
			got.Kind, got.ID, got.Generation, len(got.Value), err, want.Generation, len(want.Value))
	}
}

func wantList(t *testing.T, s keyring.Store, want ...keyring.Record) {
	t.Helper()
	got, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	if len(got) != len(want) {
		t.Errorf("listed %d records, want %d", len(got), len(want))
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g keyring.Record) bool { return equal(g, w) }) {
			t.Errorf("%s %s of generation %d is not listed as it was written", w.Kind, w.ID, w.Generation)
		}
	}
}

func testEmpty(t *testing.T, s keyring.Store) {
	wantList(t, s)
	if _, err := s.Get(t.Context(), keyring.KindService, "service"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("get: %v, want ErrNotFound", err)
	}
	if err := s.Replace(t.Context(), record(keyring.KindKeySet, "current", 1,
		"x")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("replace generation 0: %v, want ErrConflict", err)
	}
	if err := s.Replace(t.Context(), record(keyring.KindKeySet, "current", 2,
		"x")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("replace generation 1: %v, want ErrConflict", err)
	}
	wantList(t, s)
}

func testCreateOnce(t *testing.T, s keyring.Store) {
	first := record(keyring.KindServer, "1", 1, "first")
	mustCreate(t, s, first)
	for _, again := range []keyring.Record{first, record(keyring.KindServer, "1", 2, "second")} {
		if err := s.Create(t.Context(), again); !errors.Is(err, keyring.ErrConflict) {
			t.Errorf("created again: %v, want ErrConflict", err)
		}
	}
	wantRecord(t, s, first)
}

func testReplaceNext(t *testing.T, s keyring.Store) {
	mustCreate(t, s, record(keyring.KindKeySet, "current", 1, "one"))
	two := record(keyring.KindKeySet, "current", 2, "two")
	if err := s.Replace(t.Context(), two); err != nil {
		t.Fatalf("replace: %v", err)
	}
	for _, generation := range []int64{1, 2, 4} {
		if err := s.Replace(t.Context(), record(keyring.KindKeySet, "current", generation,
			"other")); !errors.Is(err, keyring.ErrConflict) {
			t.Errorf("generation %d over 2: %v, want ErrConflict", generation, err)
		}
	}
	wantRecord(t, s, two)
	wantList(t, s, two)
}

func testListShowsAll(t *testing.T, s keyring.Store) {
	all := []keyring.Record{
		record(keyring.KindService, "service", 1, "s"),
		record(keyring.KindKeySet, "current", 1, "k"),
	}
	for i := range 40 {
		all = append(all, record(keyring.KindServer, fmt.Sprint(i+1), 1, strings.Repeat("s", 3000)))
		all = append(all, record(keyring.KindData, fmt.Sprint(i+1), 1, strings.Repeat("d", 300)))
	}
	mustCreate(t, s, all...)
	wantList(t, s, all...)
}

func testKindsAreApart(t *testing.T, s keyring.Store) {
	server, data := record(keyring.KindServer, "1", 1, "server"), record(keyring.KindData, "1", 1, "data")
	mustCreate(t, s, server, data)
	wantRecord(t, s, server)
	wantRecord(t, s, data)
	if err := s.Delete(t.Context(), keyring.KindServer, "1"); err != nil {
		t.Fatal(err)
	}
	wantList(t, s, data)
}

func testDelete(t *testing.T, s keyring.Store) {
	r := record(keyring.KindServer, "7", 1, "x")
	mustCreate(t, s, r)
	for range 2 {
		if err := s.Delete(t.Context(), keyring.KindServer, "7"); err != nil {
			t.Errorf("delete: %v", err)
		}
		if _, err := s.Get(t.Context(), keyring.KindServer, "7"); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("get: %v, want ErrNotFound", err)
		}
	}
	wantList(t, s)
	mustCreate(t, s, r)
	wantRecord(t, s, r)
}

func testValuesAreCopies(t *testing.T, s keyring.Store) {
	written := record(keyring.KindData, "1", 1, "value")
	mustCreate(t, s, written)
	written.Value[0] = 'X'
	want := record(keyring.KindData, "1", 1, "value")
	wantRecord(t, s, want)
	got, err := s.Get(t.Context(), keyring.KindData, "1")
	if err != nil {
		t.Fatal(err)
	}
	got.Value[0] = 'X'
	wantRecord(t, s, want)
}

func testLargeValue(t *testing.T, s keyring.Store) {
	value := make([]byte, 64<<10)
	for i := range value {
		value[i] = byte(i)
	}
	r := keyring.Record{Kind: keyring.KindKeySet, ID: "current", Generation: 1, Value: value}
	mustCreate(t, s, r)
	wantRecord(t, s, r)
}

// race runs write in many goroutines and returns the winners' numbers.
func race(t *testing.T, write func(caller int) error) []int {
	t.Helper()
	var callers sync.WaitGroup
	var mu sync.Mutex
	var winners []int
	var failed atomic.Pointer[error]
	start := make(chan struct{})
	for i := range 16 {
		callers.Go(func() {
			<-start
			switch err := write(i); {
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				winners = append(winners, i)
			case !errors.Is(err, keyring.ErrConflict):
				failed.Store(&err)
			}
		})
	}
	close(start)
	callers.Wait()
	if err := failed.Load(); err != nil {
		t.Fatalf("a loser got %v, want ErrConflict", *err)
	}
	return winners
}

func testOneCreatorWins(t *testing.T, s keyring.Store) {
	value := func(i int) keyring.Record { return record(keyring.KindService, "service", 1, fmt.Sprint(i)) }
	winners := race(t, func(i int) error { return s.Create(t.Context(), value(i)) })
	if len(winners) != 1 {
		t.Fatalf("%d creators won, want 1", len(winners))
	}
	wantRecord(t, s, value(winners[0]))
}

func testOneReplacerWins(t *testing.T, s keyring.Store) {
	mustCreate(t, s, record(keyring.KindKeySet, "current", 1, "one"))
	value := func(i int) keyring.Record { return record(keyring.KindKeySet, "current", 2, fmt.Sprint(i)) }
	winners := race(t, func(i int) error { return s.Replace(t.Context(), value(i)) })
	if len(winners) != 1 {
		t.Fatalf("%d replacers won, want 1", len(winners))
	}
	wantRecord(t, s, value(winners[0]))
}

func testEndedContext(t *testing.T, s keyring.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := record(keyring.KindServer, "1", 1, "x")
	if err := s.Create(ctx, r); err == nil {
		t.Error("created although the context had ended")
	}
	if _, err := s.List(ctx); err == nil {
		t.Error("listed although the context had ended")
	}
	if _, err := s.Get(ctx, r.Kind, r.ID); err == nil || errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("get: %v, want the context's error", err)
	}
	wantList(t, s)
}
