package client

import (
	"errors"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// maxFruitless bounds how often the history is asked for a message that it does
// not give. After that the place counts as seen: one lost message must not hide
// all that follow.
const maxFruitless = 5

// errWithheld is the problem of a message that exists and does not come.
var errWithheld = errors.New("the service does not give it out")

// follow yields messages until the subscription ends (protocol §6).
func (s *Subscription) follow() {
	defer func() {
		s.client.mu.Lock()
		delete(s.client.subs, s)
		s.client.mu.Unlock()
	}()
	settled := false
	for s.ctx.Err() == nil {
		m, gap := s.next()
		switch {
		case m != nil:
			settled = false
			opened, err := s.client.device.OpenMessage(*m)
			if err == nil {
				s.client.announce(opened)
				s.yield(opened)
				continue
			}
			// The history seals it anew, to the newest key.
			s.client.log.Info("a message is asked for again", "room", s.room, "seq", m.Seq, "err", err)
			s.fill()
		case !gap:
			settled = false
			select {
			case <-s.wake:
			case <-s.ctx.Done():
			}
		case !settled:
			settled = true
			s.settle()
		default:
			s.fill()
		}
	}
}

// next returns the frame to yield next, if it is there, or whether it is
// missing.
func (s *Subscription) next() (m *frame.Message, gap bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, s.floor-1) // nothing to wait for below the floor
	for seq := range s.pending {
		if seq <= s.last {
			delete(s.pending, seq)
		}
	}
	if m, ok := s.pending[s.last+1]; ok {
		return &m, false
	}
	return nil, s.head > s.last
}

// settle gives an overtaken message a moment to arrive. Where none is on its
// way, because nothing came after it, there is nothing to wait for.
func (s *Subscription) settle() {
	s.mu.Lock()
	overtaken := len(s.pending) > 0
	s.mu.Unlock()
	if !overtaken {
		return
	}
	deadline := time.NewTimer(s.client.timing.grace)
	defer deadline.Stop()
	for {
		select {
		case <-deadline.C:
			return
		case <-s.ctx.Done():
			return
		case <-s.wake:
			if m, _ := s.next(); m != nil {
				return
			}
		}
	}
}

// yield gives a message to the consumer if it is the next one, and waits until
// the consumer takes it.
func (s *Subscription) yield(m Message) {
	s.mu.Lock()
	due := m.Epoch == s.epoch && m.Seq == s.last+1
	s.mu.Unlock()
	if !due {
		return
	}
	select {
	case s.out <- m:
	case <-s.ctx.Done():
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Epoch == s.epoch { // a new epoch may have begun meanwhile
		s.last = m.Seq
	}
	s.fruitless = 0
}

// fill asks for one page of history after the last message and yields it.
func (s *Subscription) fill() {
	s.mu.Lock()
	epoch, after := s.epoch, s.last
	s.mu.Unlock()
	gen := s.client.device.Gen()
	var page frame.History
	_, err := s.client.call(s.ctx, frame.TypeHistory, &page, func(*session) (frame.Request, error) {
		return frame.Request{
			Action: frame.ActionHistory,
			Room:   s.room,
			After:  after,
			Limit:  chat.MaxHistoryLimit,
		}, nil
	})
	if wire, ok := errors.AsType[*wireError](err); ok && !wire.retry {
		s.fail(wire.cause)
		return
	}
	if err != nil {
		// call has tried for a while; what is wrong with the service may pass.
		s.client.log.Warn("the history cannot be read", "room", s.room, "err", err)
		_ = wait(s.ctx, s.client.timing.reconnect.delay(tries))
		return
	}
	if err := device.CheckPage(page); err != nil {
		s.client.log.Warn("the history is unusable", "room", s.room, "err", err)
		s.fruitlessly(page)
		return
	}
	s.observe(page.Epoch, page.Head, page.Floor)
	if page.Epoch != epoch {
		return // the page lies behind a seq of the old log: ask again
	}
	s.next() // moves up to the floor
	messages, err := s.read(page)
	if err != nil && s.client.device.Gen() != gen {
		return // rotations have overtaken the page: it comes again, to the newest key
	}
	for _, m := range messages {
		s.yield(m)
	}
	if !s.hasPassed(epoch, after) {
		s.fruitlessly(page)
	}
}

// hasPassed says whether the subscription has come past a place in the log.
func (s *Subscription) hasPassed(epoch chat.Epoch, seq chat.Seq) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch != epoch || s.last > seq
}

// read opens a page. If it does not open, each of its messages is a
// placeholder: to ask once more would bring the same, unless the key has
// changed meanwhile.
func (s *Subscription) read(page frame.History) ([]Message, error) {
	messages, err := s.client.device.OpenHistory(page)
	if err == nil {
		for _, m := range messages {
			s.client.announce(m)
		}
		return messages, nil
	}
	s.client.log.Warn("a page of history cannot be opened", "room", s.room, "from", page.From, "to",
		page.To, "err", err)
	for seq := page.From; seq <= page.To; seq++ {
		messages = append(messages, Message{Room: page.Room, Epoch: page.Epoch, Seq: seq, Problem: err})
	}
	return messages, err
}

// fruitlessly counts a page that brought nothing and waits before the next one.
// After the last of them it goes by what the history says: the message is there
// and withheld, or it never was.
func (s *Subscription) fruitlessly(page frame.History) {
	s.fruitless++
	if s.fruitless < maxFruitless {
		_ = wait(s.ctx, s.client.timing.retry.delay(s.fruitless))
		return
	}
	s.fruitless = 0
	s.mu.Lock()
	missing := Message{Room: s.room, Epoch: s.epoch, Seq: s.last + 1, Problem: errWithheld}
	exists := page.Head > s.last
	if !exists {
		s.head = page.Head
		clear(s.pending)
	}
	s.mu.Unlock()
	if exists {
		s.yield(missing)
	}
}
