package dynamodb

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Options say how to open an [Engine]. Only Dir has no default.
type Options struct {
	Dir     string       // folder of the data; made if need be
	Account string       // in table ARNs; default 000000000000
	Region  string       // in table ARNs; default us-east-1
	Log     *slog.Logger // default: nothing is logged
	// Now is the clock for expiry, tokens and creation times; default time.Now.
	Now func() time.Time
	// SweepInterval is how often expired items are looked for and deleted;
	// default 10 s. AWS promises days.
	SweepInterval time.Duration
	// Concurrency bounds the requests that are worked on at the same time;
	// others wait. Default 256.
	Concurrency int
	// Unsynced answers writes when the operating system has them, without
	// waiting for the disk. What was answered still survives the end of the
	// process, by kill -9 too; a failure of power or the system may take the
	// last moments of it. Writes are several times as fast.
	Unsynced bool
	// Trace is told of every request when it has ended; default: nobody is.
	Trace trace.Sink
	// Faults makes requests go wrong on purpose; default: none do.
	Faults Faults
}

const (
	defaultSweepInterval = 10 * time.Second
	// defaultConcurrency is far above what two dozen cores use, and small
	// enough that as many pages of 1 MB fit into memory.
	defaultConcurrency = 256
)

// Engine is an open engine. It is an http.Handler; all its methods may be used
// by many goroutines at once.
type Engine struct {
	opts  Options
	store *store.Store
	slots chan struct{} // one per request being worked on

	mu      sync.RWMutex // held for reading by whoever uses the store
	closed  bool
	stop    chan struct{}
	sweeper sync.WaitGroup
}

var errClosed = errors.New("the engine is closed")

// Open opens the engine on its folder, which one process at a time may use.
func Open(opts Options) (*Engine, error) {
	if opts.Dir == "" {
		return nil, errors.New("open DynamoDB: no folder given")
	}
	if opts.Account == "" {
		opts.Account = "000000000000"
	}
	if opts.Region == "" {
		opts.Region = "us-east-1"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Trace == nil {
		opts.Trace = trace.Discard
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.SweepInterval <= 0 {
		opts.SweepInterval = defaultSweepInterval
	}
	if opts.Concurrency <= 0 {
		opts.Concurrency = defaultConcurrency
	}
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
		stop:  make(chan struct{}),
	}
	e.sweeper.Go(e.sweepForever)
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
	close(e.stop)
	e.sweeper.Wait()
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
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", e.opts.Region, e.opts.Account, table)
}
