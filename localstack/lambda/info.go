package lambda

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Instance says what one instance is doing.
type Instance struct {
	ID       string
	Function string
	// PID is 0 while the process is being started.
	PID   int
	State State
	// Frozen says that the process is stopped until the next event.
	Frozen bool
	// RequestID is that of the invocation it runs or has just answered.
	RequestID   string
	Created     time.Time
	LastUsed    time.Time
	Invocations int
	// Init is how long the initialization took, 0 while it lasts; LastDuration
	// is that of the last invocation that has ended.
	Init, LastDuration time.Duration
	// Memory is the largest resident size so far in bytes, 0 if unknown.
	Memory int64
	// AccessKeyID is that of the credentials the process has.
	AccessKeyID string
}

// Instances lists all instances by function and age.
func (s *Service) Instances() []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Instance, 0, len(s.instances))
	for _, in := range s.instances {
		info := Instance{
			ID:          in.id,
			Function:    in.fleet.fn.Name,
			PID:         in.pid,
			State:       in.state,
			Created:     in.created,
			LastUsed:    in.lastUsed,
			Invocations: in.invocations,

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

// Functions lists the deployed functions by name, with defaults filled in.
func (s *Service) Functions() []Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Function, 0, len(s.fleets))
	for _, name := range slices.Sorted(maps.Keys(s.fleets)) {
		list = append(list, s.fleets[name].fn)
	}
	return list
}
