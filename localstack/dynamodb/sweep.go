package dynamodb

import (
	"context"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

const (
	// maxExpiryAge is how long past its expiry an item still expires: older
	// values are taken for mistakes ("Using time to live" in the Developer
	// Guide).
	maxExpiryAge = 5 * 365 * 24 * time.Hour
	// sweepChunk is how many items one commit of the sweeper deletes.
	sweepChunk = 100
)

// sweepForever deletes expired items and tokens until Close.
func (e *Engine) sweepForever() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ticker := time.NewTicker(e.opts.SweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-ticker.C:
		}
		now := e.opts.Now()
		for _, name := range e.store.Names() {
			t, err := e.store.Table(name)
			if err != nil || t.Definition().TTL == "" {
				continue
			}
			if err := e.sweep(ctx, t, now); err != nil {
				e.opts.Log.Error("delete expired items", "table", name, "err", err)
			}
		}
		if err := e.sweepTokens(now); err != nil {
			e.opts.Log.Error("delete expired tokens", "err", err)
		}
		if err := e.store.TrimStreams(now.Add(-streamRetention)); err != nil {
			e.opts.Log.Error("delete old stream records", "err", err)
		}
	}
}

func (e *Engine) stopping() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// sweep deletes the items of t that expired before now.
func (e *Engine) sweep(ctx context.Context, t *store.Table, now time.Time) error {
	from, to := max(0, now.Add(-maxExpiryAge).Unix()), now.Unix()
	for !e.stopping() {
		rows, err := e.store.Expired(t, from, to, sweepChunk)
		if err != nil {
			return err
		}
		var deletes []store.Mutation
		for _, row := range rows {
			deletes = append(deletes, store.Mutation{
				Table: t,
				Row:   row,
				Decide: func(old attr.Item) (attr.Item, store.Action, error) {
					// It may have been given a new time since the look at the
					// index.
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
		changes, err := e.store.Write(ctx, deletes...)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.Err != nil {
				return nil // a transaction holds it: the next sweep's work
			}
		}
		if len(rows) < sweepChunk {
			return nil
		}
	}
	return nil
}

func (e *Engine) sweepTokens(now time.Time) error {
	for !e.stopping() {
		n, err := e.store.ForgetTokens(now, sweepChunk)
		if err != nil || n < sweepChunk {
			return err
		}
	}
	return nil
}
