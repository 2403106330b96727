// Package eventsource invokes functions with the records of DynamoDB streams,
// as Lambda's event source mappings do. The changes of an item arrive in order
// and at least once. A batch is retried until it succeeds, expires or has used
// up its attempts.
//
// Use it between a source of streams ([Reader]) and a service that runs
// functions ([Invoker]). It knows nothing else about either. The position of
// each mapping is in a file, so a restart continues there.
//
// It never polls an idle stream, never runs two batches with changes of the
// same item concurrently, and has no tumbling windows. A crash may deliver a
// batch again.
package eventsource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// The starting positions of a mapping that has no position yet.
const (
	TrimHorizon = "TRIM_HORIZON" // the oldest record in the stream
	Latest      = "LATEST"       // the first record after [Service.Set]
)

// Config configures one event source mapping. It has no defaults: zero means
// zero. The bounds are Lambda's (API reference, CreateEventSourceMapping).
type Config struct {
	UUID      string // identifies the mapping and its position file
	StreamARN string
	Function  string // name or ARN, for the Invoker
	// StartingPosition is TrimHorizon or Latest.
	StartingPosition string
	// BatchSize is the maximum number of records in an invocation, 1 to 10,000.
	BatchSize int
	// MaximumBatchingWindow is how long a batch waits until it has BatchSize
	// records, 0 s to 300 s.
	MaximumBatchingWindow time.Duration
	// ParallelizationFactor is how many batches may run concurrently, 1 to 10.
	ParallelizationFactor int
	// MaximumRetryAttempts is how often a batch is retried after the function
	// failed, up to 10,000; negative means until its records expire.
	MaximumRetryAttempts int
	// MaximumRecordAge is the age at which records are discarded, 60 s to 7
	// days; 0 means 24 hours, for which a stream keeps them.
	MaximumRecordAge time.Duration
	// BisectBatchOnFunctionError splits a failed batch in two, to isolate the
	// record that fails. A split does not count as a retry.
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures reads the failed records from the function's
	// response and retries from the first of them.
	ReportBatchItemFailures bool
	// FilterPatterns are event patterns in JSON. A record that matches none is
	// not delivered. Without patterns all records are delivered.
	FilterPatterns []string
	// OnFailure is the ARN of the destination for the documents about discarded
	// batches; empty for none.
	OnFailure string
	Enabled   bool
}

// Record is one change of an item.
type Record struct {
	SequenceNumber string
	ShardID        string
	Created        time.Time
	// Item identifies the item: it is the same in all its records.
	Item string
	// Event is the record in JSON, an element of the event's Records.
	Event []byte
}

// Reader reads streams.
type Reader interface {
	// Read returns at most limit records after a sequence number, in order, or
	// from the oldest if after is empty. It does not wait for records.
	Read(stream, after string, limit int) ([]Record, error)
	// End returns the sequence number after which all records are new.
	End(stream string) (string, error)
	// Changed returns a channel that is closed when new records arrive. Call it
	// before Read, so that no record is missed in between.
	Changed(stream string) (<-chan struct{}, error)
}

// Invoker runs functions.
type Invoker interface {
	// Invoke runs a function and waits for its end. An error means that the
	// function did not run, for example because it was throttled.
	Invoke(ctx context.Context, function string, payload []byte) (Response, error)
}

// Response is the result of an invocation.
type Response struct {
	Payload       []byte
	FunctionError string // empty if the function succeeded
	RequestID     string
}

// Options configure a [Service]. Dir, Reader and Invoker are required.
type Options struct {
	Dir     string // folder of the position files; created if absent
	Reader  Reader
	Invoker Invoker
	// Discarded gets the JSON document that AWS would send to a mapping's
	// destination when a batch is discarded: sequence numbers and times, no
	// items. It may be nil; the log has a line in any case.
	Discarded func(destination string, document []byte)
	Log       *slog.Logger // nil discards it
	// Now is the clock for the age of records; nil means time.Now.
	Now func() time.Time
	// RetryDelay is the pause before the first retry of a batch. It doubles
	// each time, up to 64 times its value; 0 means 1 s. AWS backs off as well,
	// but does not document the pauses.
	RetryDelay time.Duration
}

// Service runs event source mappings. Its methods may be called concurrently.
type Service struct {
	opts    Options
	log     *slog.Logger
	running context.Context // done at the end of Close; ends invocations
	abandon context.CancelFunc

	mu      sync.Mutex
	closed  bool
	pollers map[string]*poller // by UUID: the latest, even if it is stopping or has ended
}

var errClosed = errors.New("event sources are closed")

// New returns a service without mappings.
func New(opts Options) (*Service, error) {
	if opts.Dir == "" || opts.Reader == nil || opts.Invoker == nil {
		return nil, errors.New("event sources: Dir, Reader and Invoker are required")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.RetryDelay <= 0 {
		opts.RetryDelay = time.Second
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("event sources: create the folder for positions: %w", err)
	}
	s := &Service{opts: opts, log: opts.Log, pollers: make(map[string]*poller)}
	s.running, s.abandon = context.WithCancel(context.Background())
	return s, nil
}

// remove stops a mapping and removes its position. The caller holds mu.
func (s *Service) remove(uuid string) {
	before := s.pollers[uuid]
	if before.removed {
		return
	}
	before.retire()
	last := &poller{removed: true, stop: func() {}, done: make(chan struct{})}
	s.pollers[uuid] = last
	go func() {
		defer close(last.done)
		<-before.done
		if err := s.removePosition(uuid); err != nil {
			s.log.Error("failed to remove the position of an event source mapping", "mapping", uuid, "err", err)
		}
	}()
}

// Close stops reading and waits for the running batches until ctx is done. It
// abandons the rest, which the next start delivers again.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.pollers {
		p.retire()
	}
	s.mu.Unlock()
	// From here on pollers does not change.
	abandoned := 0
	for _, p := range s.pollers {
		select {
		case <-p.done:
			continue
		case <-ctx.Done():
		}
		select {
		case <-p.done:
			continue
		default:
		}
		s.abandon()
		<-p.done
		abandoned++
	}
	s.abandon()
	if abandoned > 0 {
		return fmt.Errorf("close event sources: %d were still running: %w", abandoned, context.Cause(ctx))
	}
	return nil
}
