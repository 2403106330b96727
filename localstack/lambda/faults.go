package lambda

import "time"

// Faults says which invocations go wrong on purpose, so that tests see what
// becomes of them. Its methods may be called concurrently and must not block:
// some are called under the service's lock.
type Faults interface {
	// Submitted is asked about an invocation that no limit refused. It is held
	// back for a time before any instance may have it. With twice, the same
	// event goes, under the same request id, to another instance as well, and
	// what comes of that is dropped.
	Submitted(function string) (hold time.Duration, twice Strike)
	// Delivered is asked when an instance is given an event. With kill, its
	// process ends that much later; at 0 before it has seen any of the event.
	Delivered(function string) (after time.Duration, kill Strike)
	// Answered is asked when the response has arrived. With kill, the process
	// ends now; with lost as well, the response is as if it had never come.
	Answered(function string) (kill, lost bool)
}

// Strike is nil where no fault is to be. Otherwise it is called once, with
// whether the fault has taken effect: a function that has answered before it
// was to be killed, for one, goes unharmed.
type Strike func(hit bool)

// Kill ends the processes of all instances of a function, or of all functions
// for "", at once. What they were doing fails as it does when they crash. It
// returns how many there were.
func (s *Service) Kill(function string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	killed := 0
	for _, in := range s.instances {
		if !in.ending && (function == "" || in.fleet.fn.Name == function) {
			in.kill()
			killed++
		}
	}
	return killed
}

// submit dispatches an invocation that no limit refused, now or later, once or
// twice. Under Service.mu.
func (f *fleet) submit(inv *invocation) {
	if f.s.opt.Faults == nil {
		f.dispatch(inv)
		return
	}
	hold, twice := f.s.opt.Faults.Submitted(f.fn.Name)
	if hold > 0 {
		f.holdBack(inv, hold)
	} else {
		f.dispatch(inv)
	}
	if twice != nil {
		twice(f.repeat(inv))
	}
}

// holdBack dispatches an invocation after a time, or when the service begins to
// close. Whoever waits for it does not see a difference to a slow start.
func (f *fleet) holdBack(inv *invocation, d time.Duration) {
	go func() {
		select {
		case <-time.After(d):
		case <-f.s.stopped.Done():
		}
		f.s.mu.Lock()
		defer f.s.mu.Unlock()
		if f.s.halted {
			inv.settle(&outcome{err: ErrClosed})
			inv.finish()
			return
		}
		f.dispatch(inv)
	}()
}

// repeat dispatches an invocation a second time, for nobody, unless a limit
// forbids.
func (f *fleet) repeat(inv *invocation) bool {
	again := newInvocation(inv.id, inv.payload)
	again.clientContext, again.traceID = inv.clientContext, inv.traceID
	if f.admit(again) != nil {
		return false
	}
	again.twin, inv.twin = inv, again
	f.dispatch(again)
	return true
}

// shuns reports whether the instance has run the other one of two deliveries,
// which are for two instances.
func (inv *invocation) shuns(in *instance) bool { return inv.twin != nil && inv.twin.ranOn == in }

// delivered is called between an instance's taking an event and its process's
// getting it. False means that it does not get it.
func (in *instance) delivered(inv *invocation) bool {
	s := in.fleet.s
	if s.opt.Faults == nil {
		return true
	}
	after, kill := s.opt.Faults.Delivered(in.fleet.fn.Name)
	if kill == nil {
		return true
	}
	if after == 0 {
		kill(in.killDuring(inv))
		return false
	}
	time.AfterFunc(after, func() { kill(in.killDuring(inv)) })
	return true
}

// killDuring ends the process if it still works on the invocation.
func (in *instance) killDuring(inv *invocation) bool {
	in.fleet.s.mu.Lock()
	defer in.fleet.s.mu.Unlock()
	if in.ending || in.state != StateRunning || in.inv != inv {
		return false
	}
	in.kill()
	return true
}
