package lambda

import "time"

// memoryInterval is the interval at which the memory of working instances is
// measured. On AWS the kernel enforces the limit. Here a process may exceed it
// for up to this long. Its peak is checked once more when the function
// responds, so a short excess is detected too.
const memoryInterval = 20 * time.Millisecond

// childrenEvery is the number of measurements after which the children of the
// process are measured again, which is more expensive.
const childrenEvery = 10

// usage is what the system reports about a process. It is zero if the system
// reports nothing or the process has ended.
type usage struct {
	peak   int64 // largest resident size so far, in bytes
	traced bool  // a debugger is attached
}

// watchMemory kills instances that use more memory than their function has. It
// sleeps while no instance works.
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
			busy = s.measureAll(n)
		}
	}
}

// measureAll measures the memory of all working instances and, at times, their
// temporary files. n counts the measurements. It reports whether there are any
// instances.
func (s *Service) measureAll(n int) bool {
	type process struct {
		in  *instance
		pid int
	}
	var busy []process
	s.mu.Lock()
	for _, in := range s.instances {
		if in.pid != 0 && in.state != StateIdle && !in.ending {
			busy = append(busy, process{in, in.pid})
		}
	}
	s.mu.Unlock()
	for _, p := range busy {
		own, children := residentMemory(p.pid), int64(-1)
		if n%childrenEvery == 0 {
			children = childrenMemory(p.pid)
		}
		s.mu.Lock()
		if children >= 0 {
			p.in.children = children
		}
		if p.in.pid == p.pid {
			p.in.recordMemory(own + p.in.children)
		}
		s.mu.Unlock()
		if n%storageEvery == storageEvery-1 {
			p.in.measureStorage()
		}
	}
	return len(busy) > 0
}

// wakeMemoryWatch wakes watchMemory if it sleeps. The caller may hold
// Service.mu.
func (s *Service) wakeMemoryWatch() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// recordMemory records a resident size in bytes and kills the instance if it is
// above the function's limit. The caller holds Service.mu.
func (in *instance) recordMemory(size int64) {
	in.memory = max(in.memory, size)
	if in.memory > int64(in.fleet.fn.MemoryMB)<<20 && !in.ending {
		in.cause = memoryOutcome
		in.kill()
	}
}

// measure records the peak memory of the process and whether a debugger is
// attached, and measures the temporary files.
func (in *instance) measure() {
	s := in.fleet.s
	s.mu.Lock()
	pid := in.pid
	s.mu.Unlock()
	if pid == 0 {
		return
	}
	in.measureStorage()
	u := measure(pid)
	s.mu.Lock()
	defer s.mu.Unlock()
	in.traced = u.traced
	in.recordMemory(u.peak) // without children, which may have ended
}
