package lambda

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// settleGrace is how long an invocation waits for an instance that has just
// responded, before another instance is started. On an idle machine the
// function library asks for the next event in less than a millisecond, while a
// new process takes tens of milliseconds. An instance that takes longer than
// this is doing other work.
const settleGrace = 100 * time.Millisecond

// maxStarting bounds the instances of one function that initialize
// concurrently. In a burst, a few instances that are ready soon serve the queue
// faster than a hundred processes that compete for the processor.
var maxStarting = max(4, 2*runtime.GOMAXPROCS(0))

// fleet is a function with its instances and queue. Service.mu guards all
// fields except s, fn and binary. Callers of its methods hold Service.mu,
// except for same.
type fleet struct {
	s      *Service
	fn     Function
	binary fileID

	idle     []*instance   // the most recently used is last
	settling []*instance   // have responded, but not asked for the next event
	waiting  []*invocation // the oldest is first
	starting int
	inFlight int
	// reserved is the reserved concurrency: the template's until the API
	// changes it.
	reserved *int
	retired  bool // the function was changed or removed

	sandboxes []sandbox     // sandboxes of ended instances, for the next ones
	events    chan struct{} // slots for asynchronous invocations
}

// fileID changes when an executable is built again.
type fileID struct {
	size     int64
	modified time.Time
}

// newFleet checks a function and fills in its defaults.
func (s *Service) newFleet(fn Function) (*fleet, error) {
	if err := fn.check(); err != nil {
		return nil, err
	}
	setDefault(&fn.ARN, s.arn(fn.Name))
	setDefault(&fn.Handler, "bootstrap")
	setDefault(&fn.StorageMB, minStorageMB)
	setDefault(&fn.MemoryMB, awsname.DefaultMemoryMB)
	setDefault(&fn.Timeout, awsname.DefaultTimeout)
	setDefault(&fn.Async.MaximumEventAge, awsname.MaxEventAge)
	if fn.NotRun != "" {
		return &fleet{s: s, fn: fn}, nil
	}
	binary, err := filepath.Abs(fn.Binary)
	if err != nil {
		return nil, fmt.Errorf("locate executable: %w", err)
	}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, fmt.Errorf("find executable: %w", err)
	}
	fn.Binary = binary
	setDefault(&fn.Dir, filepath.Dir(binary))
	fn.Env = maps.Clone(fn.Env)
	return &fleet{
		s:        s,
		fn:       fn,
		reserved: fn.ReservedConcurrency,
		binary:   fileID{info.Size(), info.ModTime()},
		events:   make(chan struct{}, s.opt.AsyncConcurrency),
	}, nil
}

// check returns an error for a function that Lambda would refuse.
func (fn Function) check() error {
	switch {
	case fn.Name == "":
		return errors.New("name is empty")
	case fn.Timeout < 0 || fn.Timeout > awsname.MaxTimeout:
		return fmt.Errorf("timeout %v is not between 1 s and %v", fn.Timeout, awsname.MaxTimeout)
	case fn.ReservedConcurrency != nil && *fn.ReservedConcurrency < 0:
		return fmt.Errorf("reserved concurrency %d is negative", *fn.ReservedConcurrency)
	}
	if mb := fn.MemoryMB; mb != 0 && (mb < awsname.MinMemoryMB || mb > awsname.MaxMemoryMB) {
		return fmt.Errorf("memory size %d MB is not between %d and %d", mb, awsname.MinMemoryMB, awsname.MaxMemoryMB)
	}
	if n := fn.Async.MaximumRetryAttempts; n != nil && (*n < 0 || *n > awsname.DefaultRetries) {
		return fmt.Errorf("maximum retry attempts %d is not between 0 and %d", *n, awsname.DefaultRetries)
	}
	age := fn.Async.MaximumEventAge
	if age != 0 && (age < awsname.MinEventAge || age > awsname.MaxEventAge) {
		return fmt.Errorf("maximum event age %v is not between %v and %v", age, awsname.MinEventAge,
			awsname.MaxEventAge)
	}
	if err := checkStorage(fn.StorageMB); err != nil {
		return err
	}
	return checkEnv(fn.Env)
}

// same reports whether two fleets have the same code and configuration.
func (f *fleet) same(other *fleet) bool {
	a, b := f.fn, other.fn
	return f.binary == other.binary && a.NotRun == b.NotRun &&
		a.ARN == b.ARN && a.Binary == b.Binary && a.Dir == b.Dir && a.Handler == b.Handler &&
		maps.Equal(a.Env, b.Env) && a.MemoryMB == b.MemoryMB && a.StorageMB == b.StorageMB && a.Logging == b.Logging &&
		a.Sampled == b.Sampled && a.Timeout == b.Timeout &&
		equal(a.ReservedConcurrency, b.ReservedConcurrency) &&
		equal(a.Async.MaximumRetryAttempts, b.Async.MaximumRetryAttempts) &&
		slices.Equal(a.Versions, b.Versions) && maps.Equal(a.Aliases, b.Aliases) &&
		a.Async.MaximumEventAge == b.Async.MaximumEventAge && a.Async.OnFailure == b.Async.OnFailure &&
		a.Async.OnSuccess == b.Async.OnSuccess && a.DeadLetter == b.DeadLetter
}

// equal compares the values of two pointers.
func equal(a, b *int) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// dispatch assigns an invocation to the idle instance that was used last.
// Without one it queues the invocation and may start an instance.
func (f *fleet) dispatch(inv *invocation) {
	for i, in := range slices.Backward(f.idle) {
		if !inv.excludes(in) {
			f.idle = slices.Delete(f.idle, i, i+1)
			in.assign(inv)
			return
		}
	}
	f.waiting = append(f.waiting, inv)
	if len(f.settling) > 0 {
		time.AfterFunc(settleGrace, func() {
			f.s.mu.Lock()
			defer f.s.mu.Unlock()
			f.grow()
		})
	}
	f.grow()
}

// offer assigns the oldest waiting invocation to an instance that is ready.
func (f *fleet) offer(in *instance) {
	next := slices.IndexFunc(f.waiting, func(inv *invocation) bool { return !inv.excludes(in) })
	switch {
	case next >= 0:
		inv := f.waiting[next]
		f.waiting = slices.Delete(f.waiting, next, next+1)
		in.assign(inv)
	case f.retired || f.s.halted:
		in.shutdown()
	default:
		f.idle = append(f.idle, in)
		in.markIdle()
	}
	f.grow()
}

// grow starts instances for the waiting invocations that no settling instance
// is about to take.
func (f *fleet) grow() {
	now := time.Now()
	soon := 0
	for _, in := range f.settling {
		if now.Sub(in.responded) < settleGrace {
			soon++
		}
	}
	for f.starting < len(f.waiting)-soon && f.starting < maxStarting && !f.s.halted {
		if len(f.sandboxes) == 0 {
			f.start(nil)
			continue
		}
		// After a reset, the initialization is part of the next invocation.
		inv := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.start(inv)
	}
}

// startFailed handles a failed initialization. After a first attempt, the
// oldest waiting invocation initializes another instance under its own time
// limit (LDG "Lambda execution environment lifecycle"). If that fails too, the
// failure is the invocation's outcome.
func (f *fleet) startFailed(in *instance, cause func(requestID string) *outcome) {
	if inv := in.bound; inv != nil {
		inv.settle(cause(inv.id))
		return
	}
	if len(f.waiting) > 0 && !f.s.halted {
		inv := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.start(inv)
	}
}

// remove removes an instance that is no longer idle or settling.
func (f *fleet) remove(in *instance) {
	is := func(other *instance) bool { return other == in }
	f.idle = slices.DeleteFunc(f.idle, is)
	f.settling = slices.DeleteFunc(f.settling, is)
}

// retire stops the instances as soon as the queue is empty.
func (f *fleet) retire() {
	f.retired = true
	for _, in := range slices.Clone(f.idle) {
		in.shutdown()
	}
	f.dropSandboxes()
}

// refuseWaiting ends the waiting invocations with ErrClosed.
func (f *fleet) refuseWaiting() {
	for _, inv := range f.waiting {
		inv.settle(&outcome{err: ErrClosed})
		inv.finish()
	}
	f.waiting = nil
}
