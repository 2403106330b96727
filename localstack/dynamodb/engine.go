package dynamodb

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// Engine is an open engine. It is an http.Handler. All its methods may be
// called concurrently.
type Engine struct {
	opts  Options
	store *store.Store
	slots chan struct{} // one per request in progress

	pending pendingTables

	mu      sync.RWMutex // held for reading while the store is in use
	closed  bool
	sweeper *sweeper
}

// Open opens the engine on opts.Dir. One process at a time may use the folder.
// Close the engine after use.
func Open(opts Options) (*Engine, error) {
	if opts.Dir == "" {
		return nil, errors.New("open DynamoDB: no data folder given")
	}
	opts.setDefaults()
	s, err := store.Open(opts.Dir, opts.Log, opts.Now, opts.Fatal)
	if err != nil {
		return nil, fmt.Errorf("open DynamoDB: %w", err)
	}
	e := &Engine{
		opts:  opts,
		store: s,
		slots: make(chan struct{}, opts.Concurrency),
	}
	e.sweeper = newSweeper(s, &e.opts)
	return e, nil
}

// Close waits for requests in progress, stops background work and closes the
// store. Later requests are answered with 503. A second Close does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.sweeper.close()
	if err := e.store.Close(); err != nil {
		return fmt.Errorf("close DynamoDB: %w", err)
	}
	return nil
}

// enter keeps the store open until leave is called. It fails after Close.
func (e *Engine) enter() (leave func(), err error) {
	e.mu.RLock()
	if e.closed {
		e.mu.RUnlock()
		return nil, errClosed
	}
	return e.mu.RUnlock, nil
}

func (e *Engine) tableARN(table string) string {
	return awsname.ARN("dynamodb", e.opts.Region, e.opts.Account, "table/"+table)
}
