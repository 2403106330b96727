package lambda

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Instance is the state of one instance.
type Instance struct {
	ID       string
	Function string
	// PID is 0 until the process has started.
	PID   int
	State State
	// Frozen is true while the process is stopped, until the next event.
	Frozen bool
	// RequestID is the request id of the invocation that the instance runs or
	// has just answered.
	RequestID   string
	Created     time.Time
	LastUsed    time.Time
	Invocations int
	// Init is how long the initialization took, 0 until it has ended.
	// LastDuration is how long the last ended invocation took.
	Init, LastDuration time.Duration
	// Memory is the largest resident size so far in bytes, 0 if unknown.
	Memory int64
	// AccessKeyID is the access key id of the process's credentials.
	AccessKeyID string
}

// Instances returns all instances, sorted by function and age.
func (s *Service) Instances() []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Instance, 0, len(s.instances))
	for _, in := range s.instances {
		info := Instance{
			ID:           in.id,
			Function:     in.fleet.fn.Name,
			PID:          in.pid,
			State:        in.state,
			Created:      in.created,
			LastUsed:     in.lastUsed,
			Invocations:  in.invocations,
			Frozen:       in.frozen,
			Init:         in.initDuration,
			LastDuration: in.lastDuration,
			Memory:       in.memory,
			AccessKeyID:  in.creds.AccessKeyID,
		}
		if in.inv != nil {
			info.RequestID = in.inv.id
		}
		list = append(list, info)
	}
	slices.SortFunc(list, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// function returns the function with its present reserved concurrency. The
// caller holds Service.mu.
func (f *fleet) function() Function {
	fn := f.fn
	fn.ReservedConcurrency = f.reserved
	return fn
}

// Functions returns the deployed functions that can run, with their defaults,
// sorted by name.
func (s *Service) Functions() []Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Function, 0, len(s.fleets))
	for _, name := range slices.Sorted(maps.Keys(s.fleets)) {
		if f := s.fleets[name]; f.fn.NotRun == "" {
			list = append(list, f.function())
		}
	}
	return list
}
