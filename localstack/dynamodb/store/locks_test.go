package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// waiters returns the number of waiters for key.
func (t *lockTable) waiters(key string) int {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.held[key]; ok {
		return len(l.queue)
	}
	return 0
}

func waitForWaiters(t *lockTable, key string, n int) {
	for t.waiters(key) != n {
		runtime.Gosched()
	}
}

func TestPlainWritersGetTheLockInOrder(t *testing.T) {
	locks := newLockTable()
	if err := locks.acquire(t.Context(), "k", false); err != nil {
		t.Fatal(err)
	}
	var order []int
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			if err := locks.acquire(t.Context(), "k", false); err != nil {
				t.Error(err)
				return
			}
			order = append(order, i)
			locks.release("k")
		})
		waitForWaiters(locks, "k", i+1)
	}
	locks.release("k")
	all.Wait()
	for i, got := range order {
		if got != i {
			t.Fatalf("got order %v, want ascending", order)
		}
	}
	if locks.busy("k") {
		t.Error("the key is still locked after its release")
	}
}

func TestTransactionsConflict(t *testing.T) {
	locks := newLockTable()
	if err := locks.acquire(t.Context(), "k", true); err != nil {
		t.Fatal(err)
	}
	for _, transaction := range []bool{false, true} {
		if err := locks.acquire(t.Context(), "k", transaction); !errors.Is(err, ErrConflict) {
			t.Errorf("acquire, transaction %t: got %v, want ErrConflict", transaction, err)
		}
	}
	locks.release("k")

	// A transaction waits for a plain writer. The waiters behind it get a
	// conflict when it starts.
	if err := locks.acquire(t.Context(), "k", false); err != nil {
		t.Fatal(err)
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- locks.acquire(t.Context(), "k", true) }()
	waitForWaiters(locks, "k", 1)
	go func() { second <- locks.acquire(t.Context(), "k", false) }()
	waitForWaiters(locks, "k", 2)
	locks.release("k")
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-second; !errors.Is(err, ErrConflict) {
		t.Errorf("acquire behind a transaction: got %v, want ErrConflict", err)
	}
	locks.release("k")
	if locks.busy("k") {
		t.Error("the key is still locked after its release")
	}
}

func TestAcquireEndsWithTheContext(t *testing.T) {
	locks := newLockTable()
	if err := locks.acquire(t.Context(), "k", false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- locks.acquire(ctx, "k", false) }()
	waitForWaiters(locks, "k", 1)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("acquire after cancel: got %v, want context.Canceled", err)
	}
	locks.release("k")
	if locks.busy("k") {
		t.Error("the key is still locked after its release")
	}
}
