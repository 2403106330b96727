package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Deploy replaces the set of functions. Instances of unchanged functions are
// kept. Those of changed or removed functions finish the invocations that they
// have accepted, then stop. An invalid function is an error and changes
// nothing.
func (s *Service) Deploy(functions []Function) error {
	fleets, err := s.newFleets(functions)
	if err != nil {
		return err
	}
	return s.replaceFleets(fleets)
}

// Prepare is the first half of [Service.Deploy] with schedules: it checks
// functions and schedules and changes nothing. An expression that AWS would
// refuse is an error. The second half is commit, which has no effect after
// Close. To abandon the update, do not call commit.
//
// commit replaces the running schedules. The first occurrence of a rate is one
// period later. If several occurrences pass while the machine sleeps, the
// schedule fires once afterwards.
func (s *Service) Prepare(functions []Function, schedules []Schedule) (commit func(), err error) {
	fleets, err := s.newFleets(functions)
	if err != nil {
		return nil, err
	}
	timed, err := s.parseSchedules(schedules, func(to target) bool {
		f := fleets[to.name]
		if f == nil {
			return false
		}
		_, ok := f.fn.version(to.qualifier)
		return ok
	})
	if err != nil {
		return nil, err
	}
	return func() {
		if s.replaceFleets(fleets) == nil { // otherwise the service is closed
			_ = s.replaceSchedules(timed) // as above
		}
	}, nil
}

// newFleets checks functions and returns their fleets by name.
func (s *Service) newFleets(functions []Function) (map[string]*fleet, error) {
	fleets := make(map[string]*fleet, len(functions))
	reserved := 0
	for _, fn := range functions {
		f, err := s.newFleet(fn)
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", fn.Name, err)
		}
		if fleets[fn.Name] != nil {
			return nil, fmt.Errorf("function %s is listed twice", fn.Name)
		}
		fleets[fn.Name] = f
		if n := fn.ReservedConcurrency; n != nil {
			reserved += *n
		}
	}
	if reserved > s.opt.Concurrency {
		return nil, fmt.Errorf("reserved concurrency of all functions is %d, more than the account's limit %d",
			reserved,
			s.opt.Concurrency)
	}
	return fleets, nil
}

// replaceFleets replaces all fleets but those of unchanged functions.
func (s *Service) replaceFleets(fleets map[string]*fleet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrClosed
	}
	for name, old := range s.fleets {
		if f := fleets[name]; f != nil && f.same(old) {
			fleets[name] = old
			continue
		}
		old.retire()
	}
	s.fleets = fleets
	return nil
}

// timedSchedule is a schedule with its parsed expression.
type timedSchedule struct {
	Schedule
	trigger trigger
}

// parseSchedules checks schedules, fills in their defaults and returns those
// that are enabled. exists reports whether the target of a schedule is
// deployed.
func (s *Service) parseSchedules(schedules []Schedule, exists func(target) bool) ([]timedSchedule, error) {
	var list []timedSchedule
	for _, sch := range schedules {
		setDefault(&sch.Name, sch.Function)
		setDefault(&sch.Source, fromEvents)
		if sch.Source != fromEvents && sch.Source != fromScheduler {
			return nil, fmt.Errorf("schedule %s: source %q is not %s or %s",
				sch.Name, sch.Source, fromEvents, fromScheduler)
		}
		t, err := parseSchedule(sch.Expression, sch.Timezone)
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", sch.Name, err)
		}
		if sch.Input != "" && !json.Valid([]byte(sch.Input)) {
			return nil, fmt.Errorf("schedule %s: input is not JSON", sch.Name)
		}
		to, err := s.resolve(sch.Function, "")
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", sch.Name, err)
		}
		if !exists(to) {
			return nil, fmt.Errorf("schedule %s: %w", sch.Name, notFound(to.qualify(s.arn(to.name))))
		}
		if sch.Enabled {
			list = append(list, timedSchedule{sch, t})
		}
	}
	return list, nil
}

// replaceSchedules stops the running schedules and starts these.
func (s *Service) replaceSchedules(list []timedSchedule) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return ErrClosed
	}
	if s.stopSchedules != nil {
		s.stopSchedules()
	}
	previous := s.schedules
	ctx, stop := context.WithCancel(s.stopped)
	running := new(sync.WaitGroup)
	s.stopSchedules, s.schedules = stop, running
	start := time.Now()
	for _, sch := range list {
		s.events.Add(1)
		running.Go(func() {
			defer s.events.Done()
			s.runSchedule(ctx, sch.Schedule, sch.trigger, start)
		})
	}
	s.mu.Unlock()
	if previous != nil {
		previous.Wait()
	}
	return nil
}
