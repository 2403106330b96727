// Package eventsource feeds functions with the records of DynamoDB streams, as
// Lambda's event source mappings do: batches in the order of each item's
// changes, at least once, retried until they succeed, expire or are given up.
//
// Use it between an engine that has streams ([Reader]) and a service that runs
// functions ([Invoker]), of which it knows nothing else. Where it has got to is
// in a file for each mapping, so that a restart goes on from there.
//
// It never polls an idle stream, never runs two batches with changes of one
// item at once, and has no tumbling windows. A batch may come again after a
// crash.
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

// Starting positions of a mapping that has not read yet.
const (
	TrimHorizon = "TRIM_HORIZON" // the oldest record that is left
	Latest      = "LATEST"       // what is written after [Service.Set]
)

// Config is one event source mapping. Defaults are the template reader's to
// apply: zero means zero. The bounds are Lambda's (API reference,
// CreateEventSourceMapping).
type Config struct {
	UUID      string // identifies the mapping and its position
	StreamARN string
	Function  string // name or ARN, for the Invoker
	// StartingPosition is TrimHorizon or Latest.
	StartingPosition string
	// BatchSize is the most records in an invocation, 1 to 10,000.
	BatchSize int
	// MaximumBatchingWindow is how long records are gathered until there are
	// BatchSize of them, 0 s to 300 s.
	MaximumBatchingWindow time.Duration
	// ParallelizationFactor is how many batches may run at once, 1 to 10.
	ParallelizationFactor int
	// MaximumRetryAttempts is how often a batch is tried again after the
	// function failed, up to 10,000; negative is until its records expire.
	MaximumRetryAttempts int
	// MaximumRecordAge is the age at which records are given up, 60 s to 7
	// days; zero leaves them the 24 hours that a stream keeps them.
	MaximumRecordAge time.Duration
	// BisectBatchOnFunctionError halves a batch that failed, to find the record
	// at fault. It costs no retry attempt.
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures takes the first record that failed from the
	// function's response, and retries from there.
	ReportBatchItemFailures bool
	// FilterPatterns are event patterns in JSON: a record that matches none of
	// them is passed over. Without patterns every record is delivered.
	FilterPatterns []string
	// OnFailure is the ARN of the destination for what is known of batches that
	// were given up; empty for none.
	OnFailure string
	Enabled   bool
}

// Record is one change of an item.
type Record struct {
	SequenceNumber string
	ShardID        string
	Created        time.Time
	// Item is the same for all records of one item.
	Item string
	// Event is the JSON of the record, an element of the event's Records.
	Event []byte
}

// Reader reads streams.
type Reader interface {
	// Read returns at most limit records after a sequence number, in order;
	// from the oldest on if after is empty. It returns none if there are none
	// yet.
	Read(stream, after string, limit int) ([]Record, error)
	// End is the sequence number after which only new records come.
	End(stream string) (string, error)
	// Changed returns a channel that is closed when there are new records. It
	// is asked for before Read, so that nothing comes between.
	Changed(stream string) (<-chan struct{}, error)
}

// Invoker runs functions.
type Invoker interface {
	// Invoke runs a function and waits for its end. An error means that it did
	// not run, for example because it was throttled.
	Invoke(ctx context.Context, function string, payload []byte) (Response, error)
}

// Response is the end of an invocation.
type Response struct {
	Payload       []byte
	FunctionError string // empty if the function succeeded
	RequestID     string
}

// Options say how a [Service] works. Dir, Reader and Invoker are required.
type Options struct {
	Dir     string // folder of the positions; made if need be
	Reader  Reader
	Invoker Invoker
	// Discarded gets the JSON document that AWS would send to a mapping's
	// destination when a batch is given up: sequence numbers and times, no
	// items. nil leaves it to the log, which has the essentials anyway.
	Discarded func(destination string, document []byte)
	Log       *slog.Logger // nil discards it
	// Now is the clock for the age of records; default time.Now.
	Now func() time.Time
	// RetryDelay is the pause before a batch is tried again, doubled each time
	// up to 64 times itself; default 1 s. AWS backs off too, and does not say
	// how.
	RetryDelay time.Duration
}

// Service runs event source mappings. Its methods may be called concurrently.
type Service struct {
	opts Options
	log  *slog.Logger
	hard context.Context // ends what runs, at the end of Close
	cut  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	pollers map[string]*poller // by UUID: the latest, also one that leaves or has left
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
		return nil, fmt.Errorf("event sources: make folder for positions: %w", err)
	}
	s := &Service{opts: opts, log: opts.Log, pollers: make(map[string]*poller)}
	s.hard, s.cut = context.WithCancel(context.Background())
	return s, nil
}

// remove ends a mapping and forgets its position. Under mu.
func (s *Service) remove(uuid string) {
	before := s.pollers[uuid]
	if before.removed {
		return
	}
	before.leave()
	last := &poller{removed: true, stop: func() {}, done: make(chan struct{})}
	s.pollers[uuid] = last
	go func() {
		defer close(last.done)
		<-before.done
		if err := s.removePosition(uuid); err != nil {
			s.log.Error("event source mapping is not forgotten", "mapping", uuid, "err", err)
		}
	}()
}

// Close reads no further, waits for the batches that run until ctx ends, and
// gives up those that are left: they come again at the next start.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.pollers {
		p.leave()
	}
	s.mu.Unlock()
	// Nothing is added to pollers any more.
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
		s.cut()
		<-p.done
		abandoned++
	}
	s.cut()
	if abandoned > 0 {
		return fmt.Errorf("close event sources: %d were still running: %w", abandoned, context.Cause(ctx))
	}
	return nil
}
