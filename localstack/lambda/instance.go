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

// State is the state of an instance.
type State string

const (
	StateStarting  State = "starting"  // until it asks for its first event
	StateIdle      State = "idle"      // waits for an event
	StateRunning   State = "running"   // works on an event
	StateResponded State = "responded" // has responded, not yet asked for the next event
	stateGone      State = "gone"
)

// instance is one process of a function. Service.mu guards its fields from
// state on. Callers of its methods hold Service.mu, except for run and process.
type instance struct {
	id      string // part of the Runtime API's path, and its only secret
	fleet   *fleet
	bound   *invocation // the invocation that the initialization is part of, or nil
	created time.Time
	sandbox
	creds   Credentials
	out     *collector       // set before the process starts
	wake    chan *invocation // the event for the pending /next
	started chan struct{}    // closed when pid is known
	gone    chan struct{}    // closed when the end of the process has been handled

	state        State
	pid          int // 0 before the start and after the end
	inv          *invocation
	asking       bool                            // a /next is being served
	frozen       bool                            // its processes are stopped
	traced       bool                            // a debugger is attached
	ending       bool                            // is being stopped or has ended
	stopping     bool                            // is being stopped by shutdown
	cause        func(requestID string) *outcome // why it ends, or nil
	extensions   map[string]*extension           // by identifier
	whenIdle     chan struct{}                   // closed when all extensions are idle, or nil
	full         bool                            // its temporary files exceed the limit
	kept         bool                            // another instance gets its sandbox
	timer        *time.Timer
	responded    time.Time
	lastUsed     time.Time
	initDuration time.Duration
	lastDuration time.Duration // of the last ended invocation
	memory       int64         // peak resident size in bytes, 0 if unknown
	children     int64         // resident size of the process's children when last measured
	invocations  int
}

// start starts an instance. If bound is not nil, the initialization is part of
// that invocation and under its time limit: after a reset, or when a first
// attempt has failed.
func (f *fleet) start(bound *invocation) {
	f.s.makeRoom()
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (crypto/rand)
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
	in.setTimer(limit, func() {
		in.cause = func(requestID string) *outcome { return timeoutOutcome(requestID, limit) }
		in.kill()
	})
	if bound == nil {
		f.starting++
	}
	f.s.instances[in.id], f.s.keys[in.creds.AccessKeyID] = in, in
	f.s.processes.Add(1)
	go in.run()
}

// run starts the process, waits for its end and handles it.
func (in *instance) run() {
	s := in.fleet.s
	defer s.processes.Done()
	defer close(in.gone)
	state, err := in.process()

	s.mu.Lock()
	inv, initFailure := in.handleExit(state, err)
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
		s.log.Warn("failed to initialize the function", "function", in.fleet.fn.Name,
			"code", initFailure.errorType, "err", initFailure.crash)
	}
	if inv != nil {
		inv.finish()
	}
	if !kept {
		s.removeAll(in.fleet.fn.Name, in.tempDir)
	}
}

// process runs the executable. It returns when the process has ended and all
// its output has been passed on.
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
	// One pipe for both keeps the order of their lines, as on Lambda.
	cmd.Stdout, cmd.Stderr = out.w, out.w
	cmd.SysProcAttr = sysProcAttr()
	confined, err := launch(cmd, in.writableFolders(), in.gone)
	if err != nil {
		return nil, fmt.Errorf("start executable: %w", err)
	}
	if !confined {
		s.logUnconfined()
	}
	pid := cmd.Process.Pid
	s.mu.Lock()
	in.pid = pid
	close(in.started)
	s.wakeMemoryWatch()
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

// handleExit updates the state after the process has ended. It returns the
// invocation whose log must be finished, or nil, and the failure of the
// initialization, or nil.
func (in *instance) handleExit(state *os.ProcessState, err error) (inv *invocation, initFailure *outcome) {
	f := in.fleet
	was, stopping := in.state, in.stopping
	in.state, in.ending = stateGone, true
	in.cancelTimer()
	delete(f.s.instances, in.id)
	delete(f.s.keys, in.creds.AccessKeyID)
	f.remove(in)

	cause := in.cause
	if cause == nil {
		cause = func(requestID string) *outcome {
			if err != nil {
				return crashOutcome(requestID, "Runtime.InvalidEntrypoint", err.Error())
			}
			return exitOutcome(requestID, state)
		}
	}
	inv = in.inv
	if was != StateIdle && !stopping && !in.full && !f.retired && !f.s.halted {
		f.keep(in)
	}
	switch was {
	case StateStarting:
		if in.bound == nil {
			f.starting--
		}
		if !f.s.halted {
			initFailure = cause("")
		}
		f.startFailed(in, cause)
		inv = in.bound
	case StateRunning:
		if in.requeue() {
			inv = nil
			break
		}
		if inv != nil {
			inv.settle(cause(inv.id))
		}
	}
	f.grow()
	return inv, initFailure
}

// assign gives an invocation to the instance, for its current or next request
// of /next.
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
	in.setTimer(time.Until(inv.deadline), func() {
		in.cause = func(requestID string) *outcome { return timeoutOutcome(requestID, in.fleet.fn.Timeout) }
		in.kill()
	})
	in.thaw()
	in.fleet.s.wakeMemoryWatch()
	in.notifyExtensions(inv)
	in.wake <- inv
}

// handleResponse settles the running invocation. The instance is available when
// it asks for the next event; it is killed if it does not do so before the
// invocation's deadline.
func (in *instance) handleResponse(o *outcome) {
	in.setTimer(time.Until(in.inv.deadline), in.kill)
	in.state, in.responded = StateResponded, time.Now()
	in.fleet.settling = append(in.fleet.settling, in)
	in.inv.settle(o)
}

// requeue puts an invocation that has not reached the process back at the head
// of the queue. It returns false if there is none. The process died while idle,
// so the invocation must not fail.
func (in *instance) requeue() bool {
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

// markIdle marks the instance idle and freezes it. It stops after IdleTimeout
// without another invocation.
func (in *instance) markIdle() {
	in.freeze()
	in.state, in.lastUsed = StateIdle, time.Now()
	in.setTimer(in.fleet.s.opt.IdleTimeout, in.shutdown)
}

// shutdown stops the instance as Lambda does: with SIGTERM and a grace period
// if an extension is registered, otherwise with SIGKILL.
func (in *instance) shutdown() {
	if in.ending {
		return
	}
	in.ending, in.stopping = true, true
	in.fleet.remove(in)
	if in.fleet.s.halted {
		in.cause = func(string) *outcome { return &outcome{err: ErrClosed} }
	}
	if len(in.extensions) > 0 && in.pid != 0 && terminate(in.pid) {
		in.thaw() // a stopped process does not handle the signal
		in.setTimer(shutdownGrace, in.kill)
		return
	}
	in.kill()
}

// kill kills the process now, or as soon as it has started.
func (in *instance) kill() {
	in.ending = true
	in.fleet.remove(in)
	if in.pid != 0 {
		kill(in.pid)
	}
}

// setTimer replaces the instance's timer. f is called with Service.mu held.
func (in *instance) setTimer(d time.Duration, f func()) {
	in.cancelTimer()
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		in.fleet.s.mu.Lock()
		defer in.fleet.s.mu.Unlock()
		if in.timer == t {
			f()
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
