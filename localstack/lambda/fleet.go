package lambda

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// settleGrace is how long an invocation waits for an instance that has just
// responded and is about to ask for more work, before one is started for it.
// The function library takes well under a millisecond, on a machine that is
// not busy; a process takes tens. Who is slower than this does other things.
const settleGrace = 100 * time.Millisecond

// maxStarting bounds the instances of one function that initialize at once. In
// a burst the first ones to be ready serve the queue sooner than a hundred
// processes that compete for the processor would.
var maxStarting = max(4, 2*runtime.GOMAXPROCS(0))

// fleet is one function with its instances and queue. Everything but s and fn
// is guarded by Service.mu, which all methods but same and newFleet expect to
// be held.
type fleet struct {
	s      *Service
	fn     Function
	binary fileID

	idle     []*instance   // the most recently used last
	settling []*instance   // responded, not yet back for more
	waiting  []*invocation // the oldest first
	starting int
	inFlight int
	retired  bool

	sandboxes []sandbox     // of ended instances, for the next ones
	events    chan struct{} // slots of asynchronous invocations
}

// fileID tells whether an executable was built anew.
type fileID struct {
	size     int64
	modified time.Time
}

// newFleet validates a function and fills in its defaults.
func (s *Service) newFleet(fn Function) (*fleet, error) {
	switch {
	case fn.Name == "":
		return nil, fmt.Errorf("name is empty")
	case fn.Timeout < 0 || fn.Timeout > maxTimeout:
		return nil, fmt.Errorf("timeout %v is not within 1 s and %v", fn.Timeout, maxTimeout)
	case fn.ReservedConcurrency != nil && *fn.ReservedConcurrency < 0:
		return nil, fmt.Errorf("reserved concurrency %d is negative", *fn.ReservedConcurrency)
	}
	if n := fn.Async.MaximumRetryAttempts; n != nil && (*n < 0 || *n > 2) {
		return nil, fmt.Errorf("maximum retry attempts %d is not within 0 and 2", *n)
	}
	if age := fn.Async.MaximumEventAge; age != 0 && (age < minEventAge || age > maxEventAge) {
		return nil, fmt.Errorf("maximum event age %v is not within %v and %v", age, minEventAge, maxEventAge)
	}
	if mb := fn.MemoryMB; mb != 0 && (mb < minMemoryMB || mb > maxMemoryMB) {
		return nil, fmt.Errorf("memory size %d MB is not within %d and %d", mb, minMemoryMB, maxMemoryMB)
	}
	if err := checkEnv(fn.Env); err != nil {
		return nil, err
	}
	setDefault(&fn.ARN, s.arn(fn.Name))
	setDefault(&fn.Handler, "bootstrap")
	setDefault(&fn.MemoryMB, defaultMemoryMB)
	setDefault(&fn.Timeout, defaultTimeout)
	setDefault(&fn.Async.MaximumEventAge, maxEventAge)
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
		s:      s,
		fn:     fn,
		binary: fileID{info.Size(), info.ModTime()},
		events: make(chan struct{}, s.opt.AsyncConcurrency),
	}, nil
}

// same reports whether two fleets run the same code in the same way.
func (f *fleet) same(other *fleet) bool {
	a, b := f.fn, other.fn
	return f.binary == other.binary &&
		a.ARN == b.ARN && a.Binary == b.Binary && a.Dir == b.Dir && a.Handler == b.Handler &&
		maps.Equal(a.Env, b.Env) && a.MemoryMB == b.MemoryMB && a.Timeout == b.Timeout &&
		equal(a.ReservedConcurrency, b.ReservedConcurrency) &&
		equal(a.Async.MaximumRetryAttempts, b.Async.MaximumRetryAttempts) &&
		a.Async.MaximumEventAge == b.Async.MaximumEventAge && a.Async.OnFailure == b.Async.OnFailure &&
		a.Async.OnSuccess == b.Async.OnSuccess && a.DeadLetter == b.DeadLetter
}

func equal(a, b *int) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// dispatch gives an invocation to the instance that was used last, or queues
// it and starts an instance.
func (f *fleet) dispatch(inv *invocation) {
	for i, in := range slices.Backward(f.idle) {
		if !inv.shuns(in) {
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

// offer gives an instance that is ready the oldest invocation that waits.
func (f *fleet) offer(in *instance) {
	next := slices.IndexFunc(f.waiting, func(inv *invocation) bool { return !inv.shuns(in) })
	switch {
	case next >= 0:
		inv := f.waiting[next]
		f.waiting = slices.Delete(f.waiting, next, next+1)
		in.assign(inv)
	case f.retired || f.s.halted:
		in.shutdown()
	default:
		f.idle = append(f.idle, in)
		in.rest()
	}
	f.grow()
}

// grow starts instances for the invocations that no instance is about to take.
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
		// A reset environment initializes as a part of its next invocation.
		inv := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.start(inv)
	}
}

// startFailed decides what a failed initialization means: the oldest waiting
// invocation tries again under its own time limit (LDG "Lambda execution
// environment lifecycle"), and the failure of that attempt is its outcome.
func (f *fleet) startFailed(in *instance, why func(requestID string) *outcome) {
	if inv := in.bound; inv != nil {
		inv.settle(why(inv.id))
		return
	}
	if len(f.waiting) > 0 && !f.s.halted {
		inv := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.start(inv)
	}
}

// remove forgets an instance that is neither idle nor settling any more.
func (f *fleet) remove(in *instance) {
	is := func(other *instance) bool { return other == in }
	f.idle = slices.DeleteFunc(f.idle, is)
	f.settling = slices.DeleteFunc(f.settling, is)
}

// retire lets the instances go as soon as the queue is empty.
func (f *fleet) retire() {
	f.retired = true
	for _, in := range slices.Clone(f.idle) {
		in.shutdown()
	}
	f.dropSandboxes()
}

// abandon answers what still waits when the service is closed.
func (f *fleet) abandon() {
	for _, inv := range f.waiting {
		inv.settle(&outcome{err: ErrClosed})
		inv.finish()
	}
	f.waiting = nil
}
