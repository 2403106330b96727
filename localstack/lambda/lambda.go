// Package lambda is a local Lambda service: it runs unmodified functions as
// processes of this machine and serves them the Runtime API and the Extensions
// API.
//
// Use it to invoke, in process or with any AWS SDK over HTTP, what would run
// as a provided.al2023 function on Lambda: one invocation at a time per
// instance, as many instances as there are concurrent invocations, warm ones
// reused and frozen in between, time, memory and payload limits, throttling,
// asynchronous retries, destinations and schedules as on AWS.
//
// Some of it depends on the operating system. Instances are frozen on Unix, by
// signals, not on Windows; clocks go on meanwhile, so that timers of a function
// which run out while it is frozen fire when it is thawed. Memory is known and
// bounded on Linux only: elsewhere REPORT lines do not say how much was used.
// SIGTERM, which announces the end to extensions, does not exist on Windows.
//
// It never runs containers, layers or external extensions, never checks
// permissions or bounds the size of temporary files (TMPDIR is an instance's
// own, /tmp is the machine's), never sends anything to queues, topics or event
// buses, never streams responses, and keeps asynchronous events in memory only.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Function is what a template says of one function, with its executable.
type Function struct {
	Name string
	// ARN is made of the service's account and region when empty.
	ARN string
	// Binary is the path of the executable, Dir the artifact directory: the
	// process's working directory and LAMBDA_TASK_ROOT.
	Binary, Dir string
	// Handler is passed as _HANDLER; "bootstrap" when empty.
	Handler string
	// Env is the template's Environment: at most 4 KB, without the variables
	// that Lambda reserves.
	Env map[string]string
	// MemoryMB is 128 to 10,240; 0 means 128, Lambda's default. On Linux a
	// process that uses more is killed; elsewhere nobody can tell.
	MemoryMB int
	// Timeout bounds one invocation: 0 means 3 s, Lambda's default; at most 900
	// s.
	Timeout time.Duration
	// ReservedConcurrency bounds the concurrent invocations of this function;
	// nil means that it shares the account's, 0 that it is never invoked.
	ReservedConcurrency *int
	// Async configures asynchronous invocations (EventInvokeConfig).
	Async AsyncConfig
	// DeadLetter is the ARN of the queue or topic that gets the discarded
	// events of asynchronous invocations (DeadLetterConfig); the log says what
	// would have been sent there.
	DeadLetter string
}

// AsyncConfig is a function's EventInvokeConfig.
type AsyncConfig struct {
	// MaximumRetryAttempts after a function error: 0 to 2; nil means 2.
	MaximumRetryAttempts *int
	// MaximumEventAge is how long a throttled event is kept: 60 s to 6 h;
	// 0 means 6 h.
	MaximumEventAge time.Duration
	// OnSuccess and OnFailure are the ARNs of the destinations that get a
	// record of an event which has been handled, or discarded. A function of
	// this service is invoked with it, asynchronously; for any other the log
	// says what would have been sent.
	OnSuccess, OnFailure string
}

// Options configure a Service. RuntimeAPI is required.
type Options struct {
	// Account and Region name what the service makes: "000000000000" and
	// "us-east-1" when empty.
	Account, Region string
	// RuntimeAPI is host[:port][/prefix] under which RuntimeHandler is served.
	RuntimeAPI string
	// Env has variables for all functions, such as AWS_ENDPOINT_URL. They win
	// over a template's, and lose against Lambda's own.
	Env map[string]string
	// FunctionEnv has more such variables for one function, by its name, such
	// as a proxy that is told who asks. They win over Env.
	FunctionEnv func(function string) map[string]string
	// Log gets what the operator of the stack should know; nil discards it.
	Log *slog.Logger
	// Output gets the functions' log: one Write per line, "<function> <first 8
	// digits of the request id, or -> <line>". nil discards it.
	Output io.Writer
	// Line gets the functions' log instead of Output, in parts, for machines;
	// requestID is empty outside invocations. Calls do not overlap.
	Line func(function, requestID, line string)
	// Trace gets a trace.Invoke event for each invocation that has ended; nil
	// discards them. It is not called under any lock.
	Trace trace.Sink
	// NoFreeze lets instances run on between invocations. It is of use with
	// programs that cannot bear to be stopped, such as debuggers of other
	// systems than Linux: there a traced process is recognized, and left alone.
	NoFreeze bool
	// TempDir is where every instance gets a directory of its own for
	// temporary files, removed with it; the system's place when empty.
	TempDir string
	// IdleTimeout is how long an instance is kept without work; 0 means 10 min.
	IdleTimeout time.Duration
	// InitTimeout bounds the initialization of an instance; 0 means 10 s (LDG
	// "Lambda execution environment lifecycle").
	InitTimeout time.Duration
	// Concurrency is the account's limit; 0 means 1000 (Lambda quotas).
	Concurrency int
	// AsyncConcurrency bounds the asynchronous invocations of one function that
	// run at once; 0 means 32, a number for a laptop: AWS has no such bound.
	AsyncConcurrency int
	// RetryDelays are the pauses before an asynchronous invocation is repeated
	// after a function error; nil means 1 and 2 minutes, as on AWS.
	RetryDelays []time.Duration
	// Faults makes invocations go wrong on purpose; nil leaves them alone.
	Faults Faults
	// ThrottleDelay is the first pause after a throttled asynchronous
	// invocation, doubled up to 300 times itself; 0 means 1 s, as on AWS.
	ThrottleDelay time.Duration
}

// Defaults and bounds of Lambda (Lambda quotas; API reference, CreateFunction).
const (
	defaultTimeout     = 3 * time.Second
	maxTimeout         = 900 * time.Second
	defaultMemoryMB    = 128
	minMemoryMB        = 128
	maxMemoryMB        = 10_240
	minEventAge        = time.Minute
	maxEventAge        = 6 * time.Hour
	defaultInitTimeout = 10 * time.Second
	defaultConcurrency = 1000
	maxSyncPayload     = 6 << 20   // request of a synchronous invocation, bytes
	maxAsyncPayload    = 1 << 20   // request of an asynchronous invocation, bytes
	maxResponse        = 6_291_556 // response, bytes: 6 MiB and room for an envelope
)

// Service runs functions. Its methods may be called concurrently.
type Service struct {
	opt       Options
	log       *slog.Logger
	tempDir   string
	launcher  *launcher
	stopped   context.Context // ends when Close begins
	stop      context.CancelFunc
	processes sync.WaitGroup // one per instance, until its process is gone
	events    sync.WaitGroup // asynchronous invocations and schedules

	outputMu sync.Mutex // one line at a time

	work  chan struct{}   // an instance has something to do
	ended context.Context // ends when no instance is left
	end   context.CancelFunc

	mu         sync.Mutex // all below, and the state of fleets and instances
	changed    *sync.Cond // inFlight went down
	fleets     map[string]*fleet
	instances  map[string]*instance
	keys       map[string]*instance // by access key id
	inFlight   int                  // invocations not yet answered
	unreserved int                  // those of functions without reserved concurrency
	closing    bool                 // no new work
	halted     bool                 // no new instances either

	schedules     *sync.WaitGroup // the running schedules, or nil
	stopSchedules context.CancelFunc
}

// New returns a service without functions. RuntimeHandler must be served at
// Options.RuntimeAPI before the first invocation.
func New(opt Options) (*Service, error) {
	if opt.RuntimeAPI == "" {
		return nil, errors.New("lambda: Options.RuntimeAPI is required")
	}
	opt.RuntimeAPI = strings.TrimSuffix(opt.RuntimeAPI, "/")
	setDefault(&opt.Account, "000000000000")
	setDefault(&opt.Region, "us-east-1")
	setDefault(&opt.Log, slog.New(slog.DiscardHandler))
	setDefault(&opt.IdleTimeout, 10*time.Minute)
	setDefault(&opt.InitTimeout, defaultInitTimeout)
	setDefault(&opt.Concurrency, defaultConcurrency)
	setDefault(&opt.AsyncConcurrency, 32)
	setDefault(&opt.ThrottleDelay, time.Second)
	setDefault(&opt.Trace, trace.Discard)
	if opt.Output == nil {
		opt.Output = io.Discard
	}
	if opt.RetryDelays == nil {
		opt.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if opt.TempDir != "" {
		if err := os.MkdirAll(opt.TempDir, 0o700); err != nil {
			return nil, fmt.Errorf("make directory for temporary files: %w", err)
		}
	}
	tempDir, err := os.MkdirTemp(opt.TempDir, "lambda-")
	if err != nil {
		return nil, fmt.Errorf("make directory for temporary files: %w", err)
	}
	s := &Service{
		opt:       opt,
		log:       opt.Log,
		tempDir:   tempDir,
		launcher:  newLauncher(),
		fleets:    make(map[string]*fleet),
		instances: make(map[string]*instance),
		keys:      make(map[string]*instance),
		work:      make(chan struct{}, 1),
	}
	s.changed = sync.NewCond(&s.mu)
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.ended, s.end = context.WithCancel(context.Background())
	if knowsMemory {
		go s.watchMemory()
	}
	return s, nil
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Close refuses new work, waits for invocations in progress until ctx ends,
// and stops every instance; when it returns none of their processes is left.
// Asynchronous events that wait for a retry are dropped, which the log says.
// Close may be called again, to wait less long.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	wake := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer wake()
	s.stop()
	for s.inFlight > 0 && ctx.Err() == nil {
		s.changed.Wait()
	}
	s.halted = true
	for _, f := range s.fleets {
		f.abandon()
	}
	for _, in := range s.instances {
		in.fleet.abandon() // also those that Deploy has replaced
		in.shutdown()
	}
	s.mu.Unlock()

	s.events.Wait()
	s.processes.Wait()
	s.end()
	s.launcher.close()
	if err := os.RemoveAll(s.tempDir); err != nil {
		return fmt.Errorf("remove temporary files: %w", err)
	}
	return nil
}
