package eventsource

import (
	"fmt"
	"reflect"
)

// Set replaces the set of mappings. Those that stay the same run on; a changed
// one goes on where it was, once the batches it has begun are done; of a
// removed one the position is forgotten, as on AWS. When Set returns, every
// record that is written later reaches new mappings. A mapping that is refused
// changes nothing.
func (s *Service) Set(configs []Config) error {
	commit, err := s.Prepare(configs)
	if err != nil {
		return err
	}
	commit()
	return nil
}

// Prepare is the first half of [Service.Set]: it checks the mappings and writes
// the starting positions of new ones. commit is the second half. It may be
// dropped before another Prepare; the starting positions then remain. It has no
// effect after Close.
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
			continue // it takes over the position when the poller before it has ended
		}
		// After a crash from here on, the mapping begins at the same position.
		if err := p.restore(); err != nil {
			return nil, fmt.Errorf("event source mapping %s: %w", p.config.UUID, err)
		}
	}
	return func() { s.replace(wanted, begin) }, nil
}

func (s *Service) replace(wanted map[string]Config, begin []*poller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if err := s.forget(wanted); err != nil { // the next deployment tries again
		s.log.Error("failed to remove positions of event source mappings that are gone", "err", err)
	}
	for id, p := range s.pollers {
		if c, stays := wanted[id]; !stays {
			s.remove(id)
		} else if !reflect.DeepEqual(p.config, c) {
			p.leave()
		}
	}
	for _, p := range begin {
		before := s.pollers[p.config.UUID]
		s.pollers[p.config.UUID] = p
		go p.run(before)
	}
}
