package dynamodb

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// Engine is an open engine. It is an http.Handler; all its methods may be used
// by many goroutines at once.
type Engine struct {
	opts  Options
	store *store.Store
	slots chan struct{} // one per request being worked on

	mu      sync.RWMutex // held for reading by whoever uses the store
	closed  bool
	sweeper *sweeper
}

// Open opens the engine on its folder, which one process at a time may use.
func Open(opts Options) (*Engine, error) {
	if opts.Dir == "" {
		return nil, errors.New("open DynamoDB: no folder given")
	}
	opts.setDefaults()
	openStore := store.Open
	if opts.Unsynced {
		openStore = store.OpenUnsynced
	}
	s, err := openStore(opts.Dir, opts.Log, opts.Now)
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

// Close waits for the requests being worked on, stops background work and
// closes the store. Later requests get a 503. A second Close does nothing.
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

// enter keeps the store open until leave is called.
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
