package dynamodb

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

const (
	// maxExpiryAge is how long past its expiry time an item still expires.
	// DynamoDB ignores older values ("Using time to live" in the Developer
	// Guide).
	maxExpiryAge = 5 * 365 * 24 * time.Hour
	// streamRetention is how long stream records stay readable ("DynamoDB
	// Streams" in the Developer Guide: 24 hours). It also holds for a stream
	// that was disabled or whose table was deleted.
	streamRetention = 24 * time.Hour
	// sweepChunk is how many items one commit of the sweeper deletes.
	sweepChunk = 100
)

// sweeper deletes expired items, transaction tokens and stream records in the
// background.
type sweeper struct {
	store    *store.Store
	log      *slog.Logger
	now      func() time.Time
	interval time.Duration
	stop     chan struct{}
	running  sync.WaitGroup
}

// newSweeper returns a running sweeper. Stop it with close.
func newSweeper(st *store.Store, opts *Options) *sweeper {
	w := &sweeper{
		store:    st,
		log:      opts.Log,
		now:      opts.Now,
		interval: opts.SweepInterval,
		stop:     make(chan struct{}),
	}
	w.running.Go(w.run)
	return w
}

// close stops the sweeper and waits for its current commit.
func (w *sweeper) close() {
	close(w.stop)
	w.running.Wait()
}

// run sweeps at every interval until close.
func (w *sweeper) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		now := w.now()
		for _, name := range w.store.Names() {
			t, err := w.store.Table(name)
			if err != nil || t.Definition().TTL == "" {
				continue
			}
			if err := w.sweep(ctx, t, now); err != nil {
				w.log.Error("failed to delete expired items", "table", name, "err", err)
			}
		}
		if err := w.sweepTokens(now); err != nil {
			w.log.Error("failed to delete expired transaction tokens", "err", err)
		}
		if err := w.store.TrimStreams(now.Add(-streamRetention)); err != nil {
			w.log.Error("failed to delete old stream records", "err", err)
		}
	}
}

func (w *sweeper) stopping() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}

// sweep deletes the items of t that expired before now, sweepChunk at a time.
func (w *sweeper) sweep(ctx context.Context, t *store.Table, now time.Time) error {
	from, to := max(0, now.Add(-maxExpiryAge).Unix()), now.Unix()
	for !w.stopping() {
		rows, err := w.store.Expired(t, from, to, sweepChunk)
		if err != nil {
			return err
		}
		var deletes []store.Mutation
		for _, row := range rows {
			deletes = append(deletes, store.Mutation{
				Table: t,
				Row:   row,
				Decide: func(old attr.Item) (attr.Item, store.Action, error) {
					// The item may have a new expiry time since the index was
					// read.
					if at, ok := t.Definition().Expires(old); ok && at >= from && at < to {
						return nil, store.Delete, nil
					}
					return nil, store.Keep, nil
				},
				Expired: true,
			})
		}
		if len(deletes) == 0 {
			return nil
		}
		changes, err := w.store.Write(ctx, deletes...)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.Err != nil {
				return nil // a transaction holds it; the next sweep deletes it
			}
		}
		if len(rows) < sweepChunk {
			return nil
		}
	}
	return nil
}

func (w *sweeper) sweepTokens(now time.Time) error {
	for !w.stopping() {
		n, err := w.store.RemoveExpiredTokens(now, sweepChunk)
		if err != nil || n < sweepChunk {
			return err
		}
	}
	return nil
}
