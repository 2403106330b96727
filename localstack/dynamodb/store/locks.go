package store

import (
	"context"
	"hash/maphash"
	"sync"
)

// lockTable holds a lock for every item that is being written. Plain writers of
// an item get the lock in the order of arrival. A writer that meets a running
// transaction gets ErrConflict at once, as in DynamoDB. A caller must acquire
// several keys in ascending order, so that no deadlock can occur.
type lockTable struct {
	seed   maphash.Seed
	shards [64]lockShard
}

type lockShard struct {
	mu   sync.Mutex
	held map[string]*itemLock
}

type itemLock struct {
	transaction bool // the present holder is a transaction
	queue       []*lockWaiter
}

type lockWaiter struct {
	transaction bool
	granted     chan bool // one value: true is the lock, false a conflict
}

func newLockTable() *lockTable {
	t := &lockTable{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].held = make(map[string]*itemLock)
	}
	return t
}

func (t *lockTable) shard(key string) *lockShard {
	return &t.shards[maphash.String(t.seed, key)%uint64(len(t.shards))]
}

// acquire locks key. It returns ErrConflict if a transaction holds the lock,
// and the context's error if the context ends before the lock is free.
func (t *lockTable) acquire(ctx context.Context, key string, transaction bool) error {
	s := t.shard(key)
	s.mu.Lock()
	l, busy := s.held[key]
	if !busy {
		s.held[key] = &itemLock{transaction: transaction}
		s.mu.Unlock()
		return nil
	}
	if l.transaction {
		s.mu.Unlock()
		return ErrConflict
	}
	w := &lockWaiter{transaction: transaction, granted: make(chan bool, 1)}
	l.queue = append(l.queue, w)
	s.mu.Unlock()

	select {
	case ok := <-w.granted:
		if !ok {
			return ErrConflict
		}
		return nil
	case <-ctx.Done():
		t.abandon(key, w)
		return ctx.Err()
	}
}

// abandon removes a waiter from the queue. If the waiter has got the lock in
// the meantime, abandon releases it.
func (t *lockTable) abandon(key string, w *lockWaiter) {
	s := t.shard(key)
	s.mu.Lock()
	if l, ok := s.held[key]; ok {
		for i, q := range l.queue {
			if q == w {
				l.queue = append(l.queue[:i], l.queue[i+1:]...)
				s.mu.Unlock()
				return
			}
		}
	}
	s.mu.Unlock()
	if <-w.granted {
		t.release(key)
	}
}

// release passes the lock to the next waiter. If that is a transaction, the
// waiters behind it get ErrConflict.
func (t *lockTable) release(key string) {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.held[key]
	if len(l.queue) == 0 {
		delete(s.held, key)
		return
	}
	next := l.queue[0]
	l.queue = l.queue[1:]
	l.transaction = next.transaction
	next.granted <- true
	if next.transaction {
		for _, w := range l.queue {
			w.granted <- false
		}
		l.queue = nil
	}
}

// busy reports whether key is locked.
func (t *lockTable) busy(key string) bool {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.held[key]
	return ok
}
