package eventsource

import (
	"fmt"
	"reflect"
)

// Set replaces the set of mappings. Unchanged mappings run on. A changed
// mapping finishes its running batches and continues at its position. A removed
// mapping loses its position, as on AWS. New mappings get every record that is
// written after Set returns. An invalid mapping is an error and changes
// nothing.
func (s *Service) Set(configs []Config) error {
	commit, err := s.Prepare(configs)
	if err != nil {
		return err
	}
	commit()
	return nil
}

// Prepare is the first half of [Service.Set]: it checks the mappings and writes
// the starting positions of new ones. The second half is commit, which has no
// effect after Close. To abandon the change, do not call commit; the starting
// positions then remain. Do not prepare another change before this one is
// committed or given up.
func (s *Service) Prepare(configs []Config) (commit func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	wanted := make(map[string]Config, len(configs))
	var begin []*poller
	for _, c := range configs {
		if _, twice := wanted[c.UUID]; twice {
			return nil, fmt.Errorf("event source mapping %s is listed twice", c.UUID)
		}
		wanted[c.UUID] = c
		p, err := s.newPoller(c)
		if err != nil {
			return nil, fmt.Errorf("event source mapping %s: %w", c.UUID, err)
		}
		if p != nil {
			begin = append(begin, p)
		}
	}
	for _, p := range begin {
		if s.pollers[p.config.UUID] != nil {
			continue // it reads its position when the previous poller has ended
		}
		// From here on a crash does not change where the mapping begins.
		if err := p.restore(); err != nil {
			return nil, fmt.Errorf("event source mapping %s: %w", p.config.UUID, err)
		}
	}
	return func() { s.replace(wanted, begin) }, nil
}

// replace stops changed and removed mappings and starts new and changed ones.
func (s *Service) replace(wanted map[string]Config, begin []*poller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if err := s.removeStale(wanted); err != nil { // the next deployment tries again
		s.log.Error("failed to remove the positions of removed event source mappings", "err", err)
	}
	for id, p := range s.pollers {
		if c, stays := wanted[id]; !stays {
			s.remove(id)
		} else if !reflect.DeepEqual(p.config, c) {
			p.retire()
		}
	}
	for _, p := range begin {
		before := s.pollers[p.config.UUID]
		s.pollers[p.config.UUID] = p
		go p.run(before)
	}
}
