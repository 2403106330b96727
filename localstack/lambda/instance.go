package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// State is what an instance is doing.
type State string

const (
	StateStarting  State = "starting"  // until it asks for its first event
	StateIdle      State = "idle"      // asks for an event
	StateRunning   State = "running"   // has one
	StateResponded State = "responded" // has answered it, not yet asked for more
	stateGone      State = "gone"
)

// instance is one process of a function. Service.mu guards its fields from
// state on, and all its methods expect it to be held, but for run and process.
type instance struct {
	id      string // the Runtime API's path and so its only secret
	fleet   *fleet
	bound   *invocation // whose time limit this initialization runs under, or nil
	created time.Time
	sandbox
	creds   Credentials
	out     *collector       // set before the process starts
	wake    chan *invocation // the event for the pending /next
	started chan struct{}    // closed when pid is known
	gone    chan struct{}    // closed when all is over

	state        State
	pid          int // 0 before the start and after the end
	inv          *invocation
	asking       bool // a /next is being served
	frozen       bool // its processes are stopped
	traced       bool // a debugger is attached
	ending       bool // is to be, or has been, stopped
	stopping     bool // is no longer needed
	fault        func(requestID string) *outcome
	extensions   map[string]*extension // by identifier
	quiet        chan struct{}         // to be closed when they are idle, or nil
	kept         bool                  // its sandbox goes to another instance
	timer        *time.Timer
	responded    time.Time
	lastUsed     time.Time
	initDuration time.Duration
	lastDuration time.Duration // of the last invocation that has ended
	memory       int64         // peak resident size in bytes, 0 if unknown
	children     int64         // resident size of the process's children, the last that is known
	invocations  int
}

// start begins an instance. With an invocation given, its initialization is a
// part of that one, under its time limit: after a reset, or when a first
// attempt has failed.
func (f *fleet) start(bound *invocation) {
	id := make([]byte, 16)
	rand.Read(id) // never fails
	now := time.Now()
	in := &instance{
		id:       hex.EncodeToString(id),
		fleet:    f,
		bound:    bound,
		created:  now,
		lastUsed: now,
		wake:     make(chan *invocation, 1),
		started:  make(chan struct{}),
		gone:     make(chan struct{}),
		state:    StateStarting,
	}
	box, again := f.takeSandbox()
	if !again {
		box = newSandbox(in)
	}
	in.sandbox = box
	in.creds = f.s.newCredentials(f.fn.Name, in.id)
	limit := f.s.opt.InitTimeout
	if bound != nil {
		bound.begin()
		limit = f.fn.Timeout
	}
	in.after(limit, func() {
		in.fault = func(requestID string) *outcome { return timedOut(requestID, limit) }
		in.kill()
	})
	if bound == nil {
		f.starting++
	}
	f.s.instances[in.id], f.s.keys[in.creds.AccessKeyID] = in, in
	f.s.processes.Add(1)
	go in.run()
}

// run is the instance's life.
func (in *instance) run() {
	s := in.fleet.s
	defer s.processes.Done()
	defer close(in.gone)
	state, err := in.process()

	s.mu.Lock()
	inv, initFailure := in.over(state, err)
	memory, kept := in.memory, in.kept
	s.mu.Unlock()
	if in.out != nil {
		if initFailure != nil {
			in.out.initFailed(time.Since(in.created), in.bound != nil, initFailure)
		}
		if inv != nil {
			in.out.report(inv, memory)
		}
		in.out.close()
	}
	if initFailure != nil {
		s.log.Warn("function did not initialize", "function", in.fleet.fn.Name,
			"error", initFailure.errorType, "detail", initFailure.crash)
	}
	if inv != nil {
		inv.finish()
	}
	if !kept {
		s.removeAll(in.fleet.fn.Name, in.tempDir)
	}
}

// process runs the executable and returns when it has ended and all that it
// wrote has been passed on.
func (in *instance) process() (*os.ProcessState, error) {
	s, fn := in.fleet.s, in.fleet.fn
	if err := os.MkdirAll(in.tempDir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory for temporary files: %w", err)
	}
	out, err := newCollector(s, fn)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	in.out = out
	s.mu.Unlock()
	if in.bound != nil {
		out.begin(in.bound)
	}
	cmd := exec.Command(fn.Binary)
	cmd.Dir = fn.Dir
	cmd.Env = in.environment()
	// One pipe for both, as on Lambda: it keeps the order of their lines.
	cmd.Stdout, cmd.Stderr = out.w, out.w
	cmd.SysProcAttr = sysProcAttr()
	if err := s.launcher.start(cmd); err != nil {
		return nil, fmt.Errorf("start executable: %w", err)
	}
	pid := cmd.Process.Pid
	s.mu.Lock()
	in.pid = pid
	close(in.started)
	s.working()
	if in.ending {
		kill(pid)
	}
	s.mu.Unlock()

	err = cmd.Wait()
	s.mu.Lock()
	in.pid = 0
	s.mu.Unlock()
	killChildren(pid)
	out.sync()
	if cmd.ProcessState == nil {
		return nil, fmt.Errorf("wait for process: %w", err)
	}
	return cmd.ProcessState, nil
}

// over draws the consequences of the process's end. It returns the invocation
// whose log is to be finished, and the failure of an initialization, if any.
func (in *instance) over(state *os.ProcessState, err error) (inv *invocation, initFailure *outcome) {
	f := in.fleet
	was, stopping := in.state, in.stopping
	in.state, in.ending = stateGone, true
	in.cancelTimer()
	delete(f.s.instances, in.id)
	delete(f.s.keys, in.creds.AccessKeyID)
	f.remove(in)

	why := in.fault
	if why == nil {
		why = func(requestID string) *outcome {
			if err != nil {
				return faulted(requestID, "Runtime.InvalidEntrypoint", err.Error())
			}
			return exited(requestID, state)
		}
	}
	inv = in.inv
	if was != StateIdle && !stopping && !f.retired && !f.s.halted {
		f.keep(in)
	}
	switch was {
	case StateStarting:
		if in.bound == nil {
			f.starting--
		}
		if !f.s.halted {
			initFailure = why("")
		}
		f.startFailed(in, why)
		inv = in.bound
	case StateRunning:
		if in.reclaim() {
			inv = nil
			break
		}
		if inv != nil {
			inv.settle(why(inv.id))
		}
	}
	f.grow()
	return inv, initFailure
}

// assign gives an invocation to the instance's pending, or coming, /next.
func (in *instance) assign(inv *invocation) {
	if inv.start.IsZero() {
		inv.begin()
	}
	if in.invocations == 0 && in.bound == nil {
		inv.initDuration = in.initDuration
	}
	in.invocations++
	inv.ranOn = in
	in.state, in.inv, in.lastUsed = StateRunning, inv, time.Now()
	in.after(time.Until(inv.deadline), func() {
		in.fault = func(requestID string) *outcome { return timedOut(requestID, in.fleet.fn.Timeout) }
		in.kill()
	})
	in.thaw()
	in.fleet.s.working()
	in.tellExtensions(inv)
	in.wake <- inv
}

// answered settles the running invocation. The instance is free as soon as it
// asks for the next event, which it must before the invocation's deadline.
func (in *instance) answered(o *outcome) {
	in.after(time.Until(in.inv.deadline), in.kill)
	in.state, in.responded = StateResponded, time.Now()
	in.fleet.settling = append(in.fleet.settling, in)
	in.inv.settle(o)
}

// reclaim puts an invocation that never reached the process back in front of
// the queue: the instance died while idle, which is not the event's fault.
func (in *instance) reclaim() bool {
	select {
	case inv := <-in.wake:
		in.inv = nil
		in.cancelTimer()
		if inv.outcome != nil {
			return false
		}
		inv.start, inv.initDuration = time.Time{}, 0
		in.fleet.waiting = slices.Insert(in.fleet.waiting, 0, inv)
		in.fleet.grow()
		return true
	default:
		return false
	}
}

// rest marks the instance idle, and freezes it, until it is used again or too
// old.
func (in *instance) rest() {
	in.freeze()
	in.state, in.lastUsed = StateIdle, time.Now()
	in.after(in.fleet.s.opt.IdleTimeout, in.shutdown)
}

// shutdown stops the instance as Lambda does: with a warning if an extension
// is registered, at once otherwise.
func (in *instance) shutdown() {
	if in.ending {
		return
	}
	in.ending, in.stopping = true, true
	in.fleet.remove(in)
	if in.fleet.s.halted {
		in.fault = func(string) *outcome { return &outcome{err: ErrClosed} }
	}
	if len(in.extensions) > 0 && in.pid != 0 && terminate(in.pid) {
		in.thaw() // to get the signal
		in.after(shutdownGrace, in.kill)
		return
	}
	in.kill()
}

// kill ends the process at once, or as soon as it has been started.
func (in *instance) kill() {
	in.ending = true
	in.fleet.remove(in)
	if in.pid != 0 {
		kill(in.pid)
	}
}

// after replaces the instance's timer; what runs holds Service.mu.
func (in *instance) after(d time.Duration, what func()) {
	in.cancelTimer()
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		in.fleet.s.mu.Lock()
		defer in.fleet.s.mu.Unlock()
		if in.timer == t {
			what()
		}
	})
	in.timer = t
}

func (in *instance) cancelTimer() {
	if in.timer != nil {
		in.timer.Stop()
		in.timer = nil
	}
}
