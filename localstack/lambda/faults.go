package lambda

import "time"

// Faults decides which invocations fail on purpose. Its methods are called
// concurrently and must not block, since the service may hold its lock.
type Faults interface {
	// Submitted is called for each invocation that no limit has refused. The
	// invocation waits for hold before an instance gets it. If twice is not
	// nil, a second instance gets the same event under the same request id, and
	// its result is dropped.
	Submitted(function string) (hold time.Duration, twice Strike)
	// Delivered is called when an instance is given an event. If kill is not
	// nil, the process is killed after this time; with 0, before it has read
	// any of the event.
	Delivered(function string) (after time.Duration, kill Strike)
	// Answered is called when a response has arrived. With kill, the process is
	// killed now. With kill and lost, the response is dropped too.
	Answered(function string) (kill, lost bool)
}

// Strike ends a fault; nil means no fault. The service calls it once and
// reports whether the fault has taken effect. For example, a function that
// answers before it would have been killed is not hit.
type Strike func(hit bool)

// Kill kills the processes of all instances of a function, or of all functions
// for "", and returns how many there were. Their invocations fail as after a
// crash.
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

// submit dispatches an invocation that no limit has refused, with the faults
// for it. The caller holds Service.mu.
func (f *fleet) submit(inv *invocation) {
	if f.s.opt.Faults == nil {
		f.dispatch(inv)
		return
	}
	hold, twice := f.s.opt.Faults.Submitted(f.fn.Name)
	if hold > 0 {
		f.dispatchAfter(inv, hold)
	} else {
		f.dispatch(inv)
	}
	if twice != nil {
		twice(f.dispatchTwin(inv))
	}
}

// dispatchAfter dispatches an invocation after a time, or when the service
// begins to close. To the caller this looks like a slow start.
func (f *fleet) dispatchAfter(inv *invocation, d time.Duration) {
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

// dispatchTwin dispatches a second delivery of an invocation, whose result is
// dropped. It returns false if a limit refuses it.
func (f *fleet) dispatchTwin(inv *invocation) bool {
	twin := newInvocation(inv.id, inv.payload)
	twin.version, twin.invokedARN = inv.version, inv.invokedARN
	twin.clientContext, twin.traceID = inv.clientContext, inv.traceID
	if f.admit(twin) != nil {
		return false
	}
	twin.twin, inv.twin = inv, twin
	f.dispatch(twin)
	return true
}

// excludes reports whether the instance has run the other delivery of the same
// event. The two deliveries must run in two instances.
func (inv *invocation) excludes(in *instance) bool { return inv.twin != nil && inv.twin.ranOn == in }

// mayDeliver applies the faults between the assignment of an event and its
// delivery to the process. It returns false if the process must not get the
// event.
func (in *instance) mayDeliver(inv *invocation) bool {
	s := in.fleet.s
	if s.opt.Faults == nil {
		return true
	}
	after, kill := s.opt.Faults.Delivered(in.fleet.fn.Name)
	if kill == nil {
		return true
	}
	if after == 0 {
		kill(in.killIfRunning(inv))
		return false
	}
	time.AfterFunc(after, func() { kill(in.killIfRunning(inv)) })
	return true
}

// killIfRunning kills the process if it still works on the invocation.
func (in *instance) killIfRunning(inv *invocation) bool {
	in.fleet.s.mu.Lock()
	defer in.fleet.s.mu.Unlock()
	if in.ending || in.state != StateRunning || in.inv != inv {
		return false
	}
	in.kill()
	return true
}
