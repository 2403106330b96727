package lambda

import (
	"slices"
)

// memoryOfProcess is what a process of a Go function uses of the machine's
// memory, generously: 620 of them were measured at 6.5 MB each.
const memoryOfProcess = 16 << 20

// fewestProcesses is the default bound of a machine with little free memory.
// Below it, ordinary templates would wait for themselves.
const fewestProcesses = 32

// defaultProcesses returns how many processes the memory has room for, at most
// an account's concurrency. free is the free memory in bytes, or 0 if it is
// unknown.
func defaultProcesses(free int64) int {
	if free == 0 {
		return 256 // 4 GB
	}
	return min(max(int(free/memoryOfProcess), fewestProcesses), defaultConcurrency)
}

// hasRoom reports whether one more invocation may run. Each needs a process,
// and more than Options.Processes could use up the machine's memory, which no
// account of AWS can do. The first refusal is logged. The caller holds
// Service.mu.
func (s *Service) hasRoom(f *fleet) bool {
	if s.inFlight < s.opt.Processes {
		return true
	}
	s.crowded.Do(func() {
		s.log.Warn("an invocation was throttled: all function processes that this machine has memory for are at work; "+
			"localstack -processes N permits more", "function", f.fn.Name, "code", CodeThrottled,
			"status", throttled("").Status)
	})
	return false
}

// makeRoom stops the instance that has been idle for the longest, if the number
// of processes is at its bound. Those of all functions count. The caller holds
// Service.mu.
func (s *Service) makeRoom() {
	running := 0
	var idle []*instance
	for _, in := range s.instances {
		if !in.ending {
			running++
		}
		if in.state == StateIdle && !in.ending {
			idle = append(idle, in)
		}
	}
	if running < s.opt.Processes || len(idle) == 0 {
		return
	}
	slices.MinFunc(idle, func(a, b *instance) int { return a.lastUsed.Compare(b.lastUsed) }).shutdown()
}
