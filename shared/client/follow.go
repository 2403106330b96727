package client

import (
	"errors"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// maxEmptyPages bounds how often the history is asked for a message that it
// does not return. After that a placeholder is yielded: one lost message must
// not hide all that follow.
const maxEmptyPages = 5

// errWithheld is the problem of a message that exists and is not returned.
var errWithheld = errors.New("the service does not return it")

// follow yields messages until the subscription ends (protocol §6). It runs in
// its own goroutine.
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
				s.client.emitNewDevice(opened)
				s.yield(opened)
				continue
			}
			// The history seals the message again, to the newest key.
			s.client.log.Info("reading a message from the history", "room", s.room, "seq", m.Seq, "err", err)
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

// next returns the frame to yield next. If there is none, gap reports whether a
// message is known to be missing.
func (s *Subscription) next() (m *frame.Message, gap bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, s.floor-1) // messages below the floor have expired
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

// settle waits a moment for a message that a later one has overtaken. If no
// later message has arrived, it returns at once.
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

// yield passes a message to the consumer if it is the next one, and waits until
// the consumer has taken it.
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
	s.emptyPages = 0
}

// fill reads one page of history after the last message and yields its
// messages.
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
		// call has retried for half a minute. Keep trying: the service may
		// recover.
		s.client.log.Warn("failed to read the history", "room", s.room, "err", err)
		_ = wait(s.ctx, s.client.timing.reconnect.delay(tries))
		return
	}
	if err := device.CheckPage(page); err != nil {
		s.client.log.Warn("the service returned an invalid page of history", "room", s.room, "err", err)
		s.countEmptyPage(page)
		return
	}
	s.observe(page.Epoch, page.Head, page.Floor)
	if page.Epoch != epoch {
		return // the page begins at a seq of the old log: ask again
	}
	s.next() // advances to the floor
	messages, err := s.read(page)
	if err != nil && s.client.device.Gen() != gen {
		return // the key was rotated meanwhile: ask again, for a page sealed to the newest key
	}
	for _, m := range messages {
		s.yield(m)
	}
	if !s.hasPassed(epoch, after) {
		s.countEmptyPage(page)
	}
}

// hasPassed reports whether the subscription has yielded more than the messages
// up to seq.
func (s *Subscription) hasPassed(epoch chat.Epoch, seq chat.Seq) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch != epoch || s.last > seq
}

// read opens a page. If it cannot be opened, each of its messages becomes a
// placeholder: another try would fail in the same way, unless the key has
// changed meanwhile.
func (s *Subscription) read(page frame.History) ([]Message, error) {
	messages, err := s.client.device.OpenHistory(page)
	if err == nil {
		for _, m := range messages {
			s.client.emitNewDevice(m)
		}
		return messages, nil
	}
	s.client.log.Warn("failed to open a page of history", "room", s.room, "seq", page.From, "err", err)
	for seq := page.From; seq <= page.To; seq++ {
		messages = append(messages, Message{Room: page.Room, Epoch: page.Epoch, Seq: seq, Problem: err})
	}
	return messages, err
}

// countEmptyPage counts a page that did not have the next message, and waits
// before the next try. After maxEmptyPages it trusts the head of the page: the
// message exists and is withheld, or it does not exist.
func (s *Subscription) countEmptyPage(page frame.History) {
	s.emptyPages++
	if s.emptyPages < maxEmptyPages {
		_ = wait(s.ctx, s.client.timing.retry.delay(s.emptyPages))
		return
	}
	s.emptyPages = 0
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
