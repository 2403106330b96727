package dynamodb

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// pendingTables are the tables and indexes that requests have created within
// Options.TableDelay. They are stored and complete; until their time has come
// the engine answers as AWS does while it creates them. They are not kept
// across a restart.
type pendingTables struct {
	last atomic.Int64 // the latest time in until, in Unix nanoseconds; 0 for none

	mu    sync.Mutex
	until map[pendingTable]time.Time
}

// pendingTable names an index of a table, or the table if index is empty.
type pendingTable struct {
	table *store.Table
	index string
}

// add starts the delay of a table or an index.
func (p *pendingTables) add(t *store.Table, index string, delay time.Duration) {
	if delay <= 0 {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = make(map[pendingTable]time.Time)
	}
	for key, end := range p.until {
		if !end.After(now) {
			delete(p.until, key)
		}
	}
	end := now.Add(delay)
	p.until[pendingTable{t, index}] = end
	p.last.Store(max(p.last.Load(), end.UnixNano()))
}

// has reports whether a table, or its index unless that is empty, is being
// created.
func (p *pendingTables) has(t *store.Table, index string) bool {
	last := p.last.Load()
	if last == 0 {
		return false
	}
	now := time.Now()
	if now.UnixNano() >= last {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until[pendingTable{t, index}].After(now)
}

// hasIndex reports whether any index of a table is being created.
func (p *pendingTables) hasIndex(t *store.Table) bool {
	for _, x := range t.Definition().Indexes {
		if p.has(t, x.Name) {
			return true
		}
	}
	return false
}

// checkCreated refuses a change of a table that is being created.
func (e *Engine) checkCreated(t *store.Table) error {
	if e.pending.has(t, "") {
		return inUse("created", t)
	}
	return nil
}

// checkActive refuses a change of a table that is being created or updated.
func (e *Engine) checkActive(t *store.Table) error {
	if err := e.checkCreated(t); err != nil {
		return err
	}
	if e.pending.hasIndex(t) {
		return inUse("updated", t)
	}
	return nil
}

func inUse(state string, t *store.Table) error {
	return clientError("ResourceInUseException",
		"Attempt to change a resource which is still in use: Table is being %s: %s", state, t.Definition().Name)
}
