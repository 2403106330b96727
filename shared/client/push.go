package client

import (
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// maxPushes bounds the numbers of pushes that a session remembers. Only a
// faulty service sends so many within the window.
const maxPushes = 4096

// pushes lets a session handle each push once: a push is fresh if its time is
// near the service's and its number was not seen. A number needs to be kept
// only as long as its time is near. The zero value knows no time and finds
// nothing fresh.
type pushes struct {
	mu       sync.Mutex
	serverAt int64     // the service's time in Unix ms …
	localAt  time.Time // … at this local time
	seen     map[string]int64
}

// anchor records the service's time, as a welcome or a pong tells it.
func (p *pushes) anchor(at int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serverAt, p.localAt = at, now
}

// take reports whether a push is fresh, and remembers it. late means that its
// time is far from the service's: it is a replay, or this computer has slept.
func (p *pushes) take(f frame.Push, now time.Time) (fresh, late bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	window := chat.PushWindow.Milliseconds()
	service := p.serverAt + now.Sub(p.localAt).Milliseconds()
	if p.localAt.IsZero() || f.At < service-window || f.At > service+window {
		return false, true
	}
	if _, again := p.seen[f.N]; again || f.N == "" {
		return false, false
	}
	if p.seen == nil {
		p.seen = map[string]int64{}
	}
	if len(p.seen) >= maxPushes {
		for n, at := range p.seen {
			if at < service-window {
				delete(p.seen, n)
			}
		}
	}
	if len(p.seen) >= maxPushes {
		return false, false
	}
	p.seen[f.N] = f.At
	return true, false
}

// isFresh reports whether a push may be handled. For a late one it has the
// session ping, which tells the service's time again.
func (s *session) isFresh(data []byte) bool {
	var f frame.Push
	if strict.Unmarshal(data, &f) != nil {
		return false
	}
	fresh, late := s.pushes.take(f, time.Now())
	if late {
		select {
		case s.askTime <- struct{}{}:
		default: // it is about to ping
		}
	}
	return fresh
}
