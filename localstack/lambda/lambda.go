// Package lambda is a local Lambda service. It runs unmodified functions as
// processes of this machine and serves them the Runtime API and the Extensions
// API.
//
// Use it to invoke, in process or with any AWS SDK over HTTP, what would run as
// a provided.al2023 function on Lambda. As on AWS, an instance runs one
// invocation at a time, concurrent invocations run in several instances, and
// warm instances are reused and frozen in between. Time, memory and payload
// limits, throttling, asynchronous retries, destinations and schedules follow
// AWS as well.
//
// Some of this depends on the operating system. Instances are frozen by
// signals, on Unix only. Clocks do not stop meanwhile, so a timer of a function
// that expires while it is frozen fires when it is resumed. Memory is measured
// and limited on Linux only; elsewhere REPORT lines do not say how much was
// used. SIGTERM, which warns extensions of the end, does not exist on Windows.
//
// The package never runs containers, layers or external extensions, never
// checks permissions and never sends anything to queues, topics or event buses.
// It does not stream responses. Asynchronous events are in memory only.
//
// Files are those of the machine. Each instance has its own TMPDIR of limited
// size, which is measured and not enforced by the file system. On Linux with
// Landlock, a function can change files below TMPDIR and the machine's
// temporary folder only; elsewhere, or if the code is below that folder, it can
// change its own code too.
//
// LDG in comments means the Lambda Developer Guide.
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

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Function is the configuration of a function in a template, with its
// executable.
type Function struct {
	Name string
	// ARN is derived from the service's account and region if empty.
	ARN string
	// Binary is the path of the executable. Dir is the artifact directory,
	// which is the process's working directory and LAMBDA_TASK_ROOT; it is
	// Binary's if empty.
	Binary, Dir string
	// Versions are the published versions and Aliases the aliases, by name,
	// with the version that each means. All of them run Binary, in the same
	// instances as $LATEST.
	Versions []string
	Aliases  map[string]string
	// NotRun, if not empty, says why the function cannot run. It then has no
	// Binary, and each invocation is refused with this text.
	NotRun string
	// Handler is passed as _HANDLER; "bootstrap" if empty.
	Handler string
	// Env is the template's Environment: at most 4 KB, without reserved
	// variables.
	Env map[string]string
	// MemoryMB is 128 to 10,240; 0 means 128, Lambda's default. On Linux a
	// process that uses more is killed. Other systems have no limit.
	MemoryMB int
	// StorageMB bounds the temporary files, 512 to 10,240; 0 means 512,
	// Lambda's default. An instance that exceeds it is killed; on AWS the write
	// fails.
	StorageMB int
	// Logging configures the function's log (LoggingConfig).
	Logging Logging
	// Sampled makes requests without a tracing header sampled (TracingConfig,
	// Active).
	Sampled bool
	// Timeout bounds one invocation, at most 900 s; 0 means 3 s, Lambda's
	// default.
	Timeout time.Duration
	// ReservedConcurrency bounds the concurrent invocations of this function.
	// With nil the function shares the account's concurrency; with 0 it is
	// never invoked.
	ReservedConcurrency *int
	// Async configures asynchronous invocations (EventInvokeConfig).
	Async AsyncConfig
	// DeadLetter is the ARN of the queue or topic for discarded asynchronous
	// events (DeadLetterConfig). Nothing is sent there; the log has a line for
	// each event instead.
	DeadLetter string
}

// AsyncConfig is a function's EventInvokeConfig.
type AsyncConfig struct {
	// MaximumRetryAttempts is how often an event is retried after a function
	// error: 0 to 2; nil means 2.
	MaximumRetryAttempts *int
	// MaximumEventAge is how long an event is retried: 60 s to 6 h; 0 means
	// 6 h.
	MaximumEventAge time.Duration
	// OnSuccess and OnFailure are the ARNs of the destinations for the records
	// of events that were handled or discarded. A function of this service is
	// invoked with the record, asynchronously. Any other destination gets
	// nothing; the log has a line for the record instead.
	OnSuccess, OnFailure string
}

// Options configure a Service. RuntimeAPI is required.
type Options struct {
	// Account and Region are those of the ARNs; awsname.DefaultAccount and
	// awsname.DefaultRegion if empty.
	Account, Region string
	// RuntimeAPI is the host[:port][/prefix] at which RuntimeHandler is served.
	RuntimeAPI string
	// Env has variables for all functions, such as AWS_ENDPOINT_URL. They
	// override those of the template; Lambda's own variables override both.
	Env map[string]string
	// FunctionEnv returns further variables for one function, by its name. They
	// override Env.
	FunctionEnv func(function string) map[string]string
	// Log gets messages for the operator of the stack; nil discards them.
	Log *slog.Logger
	// Output gets the functions' log: one Write per line, "<function> <first 8
	// digits of the request id, or -> <line>"; nil discards it.
	Output io.Writer
	// Line, if not nil, gets the functions' log instead of Output. requestID is
	// empty outside invocations. Calls do not overlap.
	Line func(function, requestID, line string)
	// Trace gets a trace.Invoke event for each invocation that has ended; nil
	// discards them. The service holds no lock during the call.
	Trace trace.Sink
	// NoFreeze lets instances run between invocations, for debuggers that
	// cannot handle stopped processes. On Linux it is not needed: an instance
	// with a debugger is never frozen.
	NoFreeze bool
	// TempDir is where each instance gets its own directory for temporary
	// files, which is removed with it; os.TempDir if empty.
	TempDir string
	// IdleTimeout is how long an idle instance is kept; 0 means 10 min.
	IdleTimeout time.Duration
	// InitTimeout bounds the initialization of an instance; 0 means 10 s (LDG
	// "Lambda execution environment lifecycle").
	InitTimeout time.Duration
	// Concurrency is the account's limit; 0 means 1000 (Lambda quotas).
	Concurrency int
	// Processes bounds the processes of all functions, and so the invocations
	// at a time: above it they are throttled, as above Concurrency. 0 means as
	// many as the free memory has room for, at most 1000.
	Processes int
	// AsyncConcurrency bounds the concurrent asynchronous invocations of one
	// function; 0 means 32, enough for a laptop. AWS has no such bound.
	AsyncConcurrency int
	// RetryDelays are the pauses before an asynchronous invocation is retried
	// after a function error; nil means 1 and 2 minutes, as on AWS.
	RetryDelays []time.Duration
	// Faults injects faults; nil injects none.
	Faults Faults
	// ThrottleDelay is the first pause after a throttled asynchronous
	// invocation. It doubles each time, up to 300 times its value; 0 means 1 s,
	// as on AWS.
	ThrottleDelay time.Duration
}

// Defaults and bounds that only this package needs; package awsname has the
// others (Lambda quotas; API reference, CreateFunction).
const (
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
	stopped   context.Context // done when Close begins
	stop      context.CancelFunc
	processes sync.WaitGroup // one per instance, until its process is gone
	events    sync.WaitGroup // asynchronous invocations and schedules

	outputMu sync.Mutex // one line at a time

	unconfined sync.Once // guards a line of the log
	crowded    sync.Once // guards another
	refused    sync.Map  // the operations whose refusal has been logged

	work  chan struct{}   // wakes watchMemory: an instance is at work
	ended context.Context // done when no instance is left
	end   context.CancelFunc

	mu         sync.Mutex // guards all below and the state of fleets and instances
	changed    *sync.Cond // inFlight has decreased
	fleets     map[string]*fleet
	instances  map[string]*instance
	keys       map[string]*instance // by access key id
	inFlight   int                  // invocations without an outcome
	unreserved int                  // of these, those of functions without reserved concurrency
	closing    bool                 // new work is refused
	halted     bool                 // new instances are not started either

	schedules     *sync.WaitGroup // counts the running schedules, or nil
	stopSchedules context.CancelFunc
}

// New returns a service without functions. RuntimeHandler must be served at
// Options.RuntimeAPI before the first invocation.
func New(opt Options) (*Service, error) {
	if opt.RuntimeAPI == "" {
		return nil, errors.New("lambda: Options.RuntimeAPI is required")
	}
	opt.RuntimeAPI = strings.TrimSuffix(opt.RuntimeAPI, "/")
	setDefault(&opt.Account, awsname.DefaultAccount)
	setDefault(&opt.Region, awsname.DefaultRegion)
	setDefault(&opt.Log, slog.New(slog.DiscardHandler))
	setDefault(&opt.IdleTimeout, 10*time.Minute)
	setDefault(&opt.InitTimeout, defaultInitTimeout)
	setDefault(&opt.Concurrency, defaultConcurrency)
	setDefault(&opt.Processes, defaultProcesses(freeMemory()))
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

// setDefault replaces a zero value.
func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Close refuses new work, waits for invocations in progress until ctx is done,
// and stops every instance. When it returns, no process is left. Asynchronous
// events that wait for a retry are dropped, with a line in the log. Close may
// be called again with another context, to stop the wait of the first call.
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
		f.refuseWaiting()
	}
	for _, in := range s.instances {
		in.fleet.refuseWaiting() // also fleets that Deploy has replaced
		in.shutdown()
	}
	s.mu.Unlock()

	s.events.Wait()
	s.processes.Wait()
	s.end()
	if err := os.RemoveAll(s.tempDir); err != nil {
		return fmt.Errorf("remove temporary files: %w", err)
	}
	return nil
}
