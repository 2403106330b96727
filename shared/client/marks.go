package client

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Mark tells the room the last seq that this client has received and the last
// one that was on the screen. Call it at every message: it keeps the highest
// values and sends changes at most once in three seconds, the last one always.
// It repeats the mark when a user appears in the room. Errors:
// chat.RoomInvalid, chat.NotAMember, ErrClosed; chat.BadFrame if read is above
// delivered or negative.
func (c *Client) Mark(ctx context.Context, room chat.Room, delivered, read chat.Seq) error {
	if read < 0 || delivered < read {
		return chat.BadFrame
	}
	h, unlock, err := c.lockHints(room)
	if err != nil {
		return err
	}
	defer unlock()
	if delivered > h.own.Delivered || read > h.own.Read {
		h.own.Delivered, h.own.Read = max(h.own.Delivered, delivered), max(h.own.Read, read)
		c.mark(h)
	}
	return ctx.Err()
}

// Marks lists the marks received for a room so far, sorted by user. They
// include those of the user's own other devices. Later marks are emitted as
// events.
func (c *Client) Marks(room chat.Room) []Mark {
	h, unlock, err := c.lockHints(room)
	if err != nil {
		return nil
	}
	defer unlock()
	marks := slices.Collect(maps.Values(h.marks))
	slices.SortFunc(marks, func(a, b Mark) int { return strings.Compare(string(a.User), string(b.User)) })
	return marks
}

// mark schedules the own mark to be sent. The caller holds the lock of h.
func (c *Client) mark(h *hints) {
	if h.own.Delivered == 0 {
		return
	}
	h.due = true
	if !h.sending {
		h.sending = true
		pause := c.timing.hint - time.Since(h.sent)
		c.start(func() { c.sendMarks(h, pause) })
	}
}

// sendMarks sends the own mark after the pause, and again while it changes.
func (c *Client) sendMarks(h *hints, pause time.Duration) {
	for {
		if wait(c.ctx, pause) != nil {
			return
		}
		s, err := c.session(c.ctx)
		if err != nil {
			return
		}
		c.hints.mu.Lock()
		if !h.due {
			h.sending = false
			c.hints.mu.Unlock()
			return
		}
		own := h.own
		h.due, h.sent = false, time.Now()
		c.hints.mu.Unlock()
		pause = c.timing.hint
		if s.sendHint(frame.Request{
			Action:    frame.ActionMark,
			Room:      own.Room,
			Delivered: own.Delivered,
			Read:      own.Read,
		}) != nil {
			c.hints.mu.Lock()
			h.due = true // send it on the next connection
			c.hints.mu.Unlock()
		}
	}
}

// askMarks asks the others in a room for their marks, once on each connection:
// this client has just started or was not connected, so it may have missed
// some. A mark of 0 asks (protocol §11).
func (c *Client) askMarks(room chat.Room) {
	h, unlock, err := c.lockHints(room)
	if err != nil {
		return // the user has left the room
	}
	asked := h.begged
	h.begged = true
	unlock()
	c.mu.Lock()
	s := c.current
	c.mu.Unlock()
	if !asked && s != nil {
		_ = s.sendHint(frame.Request{Action: frame.ActionMark, Room: room}) // the next connection asks again
	}
}

// answer repeats the own mark for users who asked for it, at most twice a
// minute. The caller holds the lock of h.
func (c *Client) answer(h *hints) {
	if h.answering {
		return
	}
	rest := c.timing.presence - time.Since(h.answered)
	if rest <= 0 {
		h.answered = time.Now()
		c.mark(h)
		return
	}
	h.answering = true
	c.start(func() {
		if wait(c.ctx, rest) != nil {
			return
		}
		c.hints.mu.Lock()
		defer c.hints.mu.Unlock()
		h.answering, h.answered = false, time.Now()
		c.mark(h)
	})
}

// maxAhead is how far a mark may be above the head, since it may come before
// its message.
const maxAhead = 100

// raise keeps the highest of a user's marks. It returns nil if f is not higher.
// A mark far above the head is clipped to it: marks are not signed, and a
// forged one would count for all future messages.
func (h *hints) raise(f frame.Mark) Event {
	old, ok := h.marks[f.User]
	if f.Read < 0 || f.Delivered < f.Read || !ok && len(h.marks) == maxMarked {
		return nil
	}
	if f.Delivered > h.head+maxAhead {
		f.Delivered, f.Read = h.head, min(f.Read, h.head)
	}
	now := Mark{Room: f.Room, User: f.User, Delivered: max(old.Delivered, f.Delivered), Read: max(old.Read, f.Read)}
	if now == old {
		return nil
	}
	h.marks[f.User] = now
	return now
}
