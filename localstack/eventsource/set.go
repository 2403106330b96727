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
	c, err := s.Prepare(configs)
	if err != nil {
		return err
	}
	c.Commit()
	return nil
}

// Change is a set of mappings that [Service.Prepare] has checked. End it with
// Commit or Abort.
type Change struct {
	s      *Service
	wanted map[string]Config
	begin  []*poller
	placed []*poller // of begin, those whose position file Prepare made
}

// Prepare is the first half of [Service.Set]: it checks the mappings, and the
// new ones get their starting positions. Only one change may be prepared at a
// time.
func (s *Service) Prepare(configs []Config) (*Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	c := &Change{s: s, wanted: make(map[string]Config, len(configs))}
	for _, config := range configs {
		if _, twice := c.wanted[config.UUID]; twice {
			c.abort()
			return nil, fmt.Errorf("event source mapping %s is listed twice", config.UUID)
		}
		c.wanted[config.UUID] = config
		if err := c.add(config); err != nil {
			c.abort()
			return nil, fmt.Errorf("event source mapping %s: %w", config.UUID, err)
		}
	}
	return c, nil
}

// add prepares one mapping. Under mu.
func (c *Change) add(config Config) error {
	p, err := c.s.newPoller(config)
	if err != nil || p == nil {
		return err
	}
	c.begin = append(c.begin, p)
	if c.s.pollers[config.UUID] != nil {
		return nil // it takes over the position when the poller before it has ended
	}
	// After a crash from here on, the mapping begins at the same position.
	placed, err := p.restore()
	if placed {
		c.placed = append(c.placed, p)
	}
	return err
}

// Commit is the second half of [Service.Set]. It has no effect after Close.
func (c *Change) Commit() {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if err := s.forget(c.wanted); err != nil {
		s.log.Error("failed to forget removed event source mappings", "err", err) // the next start tries again
	}
	for id, p := range s.pollers {
		if config, stays := c.wanted[id]; !stays {
			s.remove(id)
		} else if !reflect.DeepEqual(p.config, config) {
			p.leave()
		}
	}
	for _, p := range c.begin {
		before := s.pollers[p.config.UUID]
		s.pollers[p.config.UUID] = p
		go p.run(before)
	}
}

// Abort drops the change, as if it had not been prepared.
func (c *Change) Abort() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.abort()
}

func (c *Change) abort() {
	for _, p := range c.begin {
		p.stop()
	}
	for _, p := range c.placed {
		if err := c.s.removePosition(p.config.UUID); err != nil {
			c.s.log.Error("failed to forget an event source mapping", "mapping", p.config.UUID, "err", err)
		}
	}
}
