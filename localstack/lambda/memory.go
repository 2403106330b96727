package lambda

import "time"

// memoryInterval is how often the memory of instances that are at work is
// looked at. On AWS the kernel enforces the limit. Here a function may exceed
// it for less than this, unless it is its process's peak: that is looked at
// once more when it responds.
const memoryInterval = 20 * time.Millisecond

// childrenEvery is how many looks pass until children are looked for again,
// which costs more than all the rest.
const childrenEvery = 10

// usage is what the system tells about a process. The zero value means that it
// does not tell, or that the process is gone.
type usage struct {
	peak   int64 // largest resident size so far, bytes
	traced bool  // a debugger is attached
}

// watchMemory ends instances that use more memory than their function has. It
// sleeps while none is at work.
func (s *Service) watchMemory() {
	for {
		select {
		case <-s.work:
		case <-s.ended.Done():
			return
		}
		for n, busy := 0, true; busy; n++ {
			select {
			case <-time.After(memoryInterval):
			case <-s.ended.Done():
				return
			}
			busy = s.lookAtMemory(n%childrenEvery == 0)
		}
	}
}

// lookAtMemory looks at the instances that are at work, and reports whether
// there are any.
func (s *Service) lookAtMemory(withChildren bool) bool {
	type look struct {
		in  *instance
		pid int
	}
	var busy []look
	s.mu.Lock()
	for _, in := range s.instances {
		if in.pid != 0 && in.state != StateIdle && !in.ending {
			busy = append(busy, look{in, in.pid})
		}
	}
	s.mu.Unlock()
	for _, l := range busy {
		own, children := residentMemory(l.pid), int64(-1)
		if withChildren {
			children = childrenMemory(l.pid)
		}
		s.mu.Lock()
		if children >= 0 {
			l.in.children = children
		}
		if l.in.pid == l.pid {
			l.in.uses(own + l.in.children)
		}
		s.mu.Unlock()
	}
	return len(busy) > 0
}

// working wakes the watch, if it sleeps. Under Service.mu or not.
func (s *Service) working() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// uses records that the instance has, or had, a resident size in bytes, and
// ends it if that is too much. Under Service.mu.
func (in *instance) uses(size int64) {
	in.memory = max(in.memory, size)
	if in.memory > int64(in.fleet.fn.MemoryMB)<<20 && !in.ending {
		in.fault = outOfMemory
		in.kill()
	}
}

// measure looks at the peak of the process, and whether it is debugged.
func (in *instance) measure() {
	s := in.fleet.s
	s.mu.Lock()
	pid := in.pid
	s.mu.Unlock()
	if pid == 0 {
		return
	}
	u := measure(pid)
	s.mu.Lock()
	defer s.mu.Unlock()
	in.traced = u.traced
	in.uses(u.peak) // its children may be gone
}
