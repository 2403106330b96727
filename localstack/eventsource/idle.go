package eventsource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// idlePoll is the interval at which WaitIdle polls.
const idlePoll = 5 * time.Millisecond

// WaitIdle waits until every running mapping has settled all records of its
// stream. It returns an error if ctx is done first.
func (s *Service) WaitIdle(ctx context.Context) error {
	s.mu.Lock()
	pollers := slices.Collect(maps.Values(s.pollers))
	s.mu.Unlock()
	for _, p := range pollers {
		for {
			idle, err := p.idle()
			if err != nil {
				return fmt.Errorf("event source mapping %s: %w", p.config.UUID, err)
			}
			if idle {
				break
			}
			select {
			case <-time.After(idlePoll):
			case <-ctx.Done():
				return fmt.Errorf("wait for event source mapping %s, which still has records to deliver: %w",
					p.config.UUID, ctx.Err())
			}
		}
	}
	return nil
}

// idle reports whether there is no record after the position, or whether the
// poller has ended.
func (p *poller) idle() (bool, error) {
	select {
	case <-p.done:
		return true, nil
	default:
	}
	if p.removed {
		return true, nil
	}
	p.mu.Lock()
	after := p.after
	p.mu.Unlock()
	records, err := p.s.opts.Reader.Read(p.config.StreamARN, after, 1)
	return len(records) == 0, err
}
