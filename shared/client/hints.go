package client

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// TypingShown is for how long a [Typing] is shown when nothing follows: as long
// as it takes to miss two of them.
const TypingShown = 2 * chat.HintInterval

// hintRef is the ref of frames that nobody waits for an answer to. Requests
// have numbers.
const hintRef = "hint"

// maxMarked bounds the users of a room whose marks are kept. Rooms in which
// there are marks have a hundred connections.
const maxMarked = 1000

// hints are what the client has said and heard of a room besides messages.
type hints struct {
	epoch chat.Epoch // marks are forgotten with it

	typed time.Time // when typing was last sent

	asked   time.Time // when presence was last asked for
	present *Presence // the last answer
	seen    map[chat.User]bool

	own     Mark
	sent    time.Time // when the own mark was last sent
	due     bool      // it is to be sent
	sending bool      // somebody sees to that
	marks   map[chat.User]Mark
}

// hinted holds them by room.
type hinted struct {
	mu    sync.Mutex
	rooms map[chat.Room]*hints
}

// hints returns those of a room and locks all of them until unlock is called.
// Errors: chat.RoomInvalid, chat.NotAMember.
func (c *Client) hints(room chat.Room) (h *hints, unlock func(), err error) {
	if err := c.Err(); err != nil {
		return nil, nil, err
	}
	if err := room.Check(); err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	state, member := c.rooms[room]
	c.mu.Unlock()
	if !member {
		return nil, nil, chat.NotAMember
	}
	c.hinted.mu.Lock()
	h = c.hinted.rooms[room]
	if h == nil {
		h = &hints{seen: map[chat.User]bool{}}
		c.hinted.rooms[room] = h
	}
	if h.epoch != state.Epoch {
		h.epoch, h.own, h.marks, h.due = state.Epoch, Mark{Room: room, User: c.User()}, map[chat.User]Mark{}, false
	}
	return h, c.hinted.mu.Unlock, nil
}

// Typing tells the room that the user is writing. Call it at every keystroke:
// it sends one frame in three seconds. Without a connection it does nothing.
// Errors: chat.RoomInvalid, chat.NotAMember, ErrClosed.
func (c *Client) Typing(ctx context.Context, room chat.Room) error {
	h, unlock, err := c.hints(room)
	if err != nil {
		return err
	}
	now := time.Now()
	early := now.Sub(h.typed) < c.timing.hint
	if !early {
		h.typed = now
	}
	unlock()
	c.mu.Lock()
	s := c.current
	c.mu.Unlock()
	if early || s == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	_ = s.tell(frame.Request{Action: frame.ActionTyping, Room: room}) // a lost connection is another's matter
	return nil
}

// Presence says who hears the room. Within half a minute it gives the same
// answer again, so call it as often as you like. An answer that is another than
// the last one comes as an event, too.
// Errors: chat.RoomInvalid, chat.NotAMember, ErrClosed, those of the service.
func (c *Client) Presence(ctx context.Context, room chat.Room) (Presence, error) {
	h, unlock, err := c.hints(room)
	if err != nil {
		return Presence{}, err
	}
	now, last := time.Now(), h.present
	if last != nil && now.Sub(h.asked) < c.timing.presence {
		unlock()
		return *last, nil
	}
	h.asked = now
	unlock()
	var f frame.Presence
	if _, err := c.call(ctx, frame.TypePresence, &f, func(*session) (frame.Request, error) {
		return frame.Request{Action: frame.ActionPresence, Room: room}, nil
	}); err != nil {
		return Presence{}, err
	}
	if f.Room != room || !slices.IsSorted(f.Users) {
		return Presence{}, wrap("read who is present", device.ErrProtocol)
	}
	p := Presence{Room: room, Users: f.Users, More: f.More}
	c.takePresence(p)
	return p, nil
}

func (c *Client) takePresence(p Presence) {
	h, unlock, err := c.hints(p.Room)
	if err != nil {
		return // left meanwhile
	}
	defer unlock()
	changed := h.present == nil || h.present.More != p.More || !slices.Equal(h.present.Users, p.Users)
	h.present = &p
	before := h.seen
	h.seen = make(map[chat.User]bool, len(p.Users))
	for _, user := range p.Users {
		h.seen[user] = true
		if !before[user] && user != c.User() {
			c.mark(h)
		}
	}
	if changed {
		c.events.emit(p)
	}
}

// Mark tells the room how far this client has it and how far it was on the
// screen. Call it at every message: it keeps the highest of both, and sends
// what is new at most every three seconds, the last of it always. It is
// repeated when somebody new is in the room. Errors: chat.RoomInvalid,
// chat.NotAMember, ErrClosed; chat.BadFrame where read is above delivered.
func (c *Client) Mark(ctx context.Context, room chat.Room, delivered, read chat.Seq) error {
	if read < 0 || delivered < read {
		return chat.BadFrame
	}
	h, unlock, err := c.hints(room)
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

// Marks lists the marks heard of a room's users so far, the own user's other
// devices among them, sorted by user. Those that come later are events.
func (c *Client) Marks(room chat.Room) []Mark {
	h, unlock, err := c.hints(room)
	if err != nil {
		return nil
	}
	defer unlock()
	marks := slices.Collect(maps.Values(h.marks))
	slices.SortFunc(marks, func(a, b Mark) int { return strings.Compare(string(a.User), string(b.User)) })
	return marks
}

// mark has the own mark sent as soon as it may be. h is locked.
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

// sendMarks sends the own mark after the pause, and as long as there is a newer
// one.
func (c *Client) sendMarks(h *hints, pause time.Duration) {
	for {
		if wait(c.ctx, pause) != nil {
			return
		}
		s, err := c.session(c.ctx)
		if err != nil {
			return
		}
		c.hinted.mu.Lock()
		if !h.due {
			h.sending = false
			c.hinted.mu.Unlock()
			return
		}
		own := h.own
		h.due, h.sent = false, time.Now()
		c.hinted.mu.Unlock()
		pause = c.timing.hint
		if s.tell(frame.Request{
			Action:    frame.ActionMark,
			Room:      own.Room,
			Delivered: own.Delivered,
			Read:      own.Read,
		}) != nil {
			c.hinted.mu.Lock()
			h.due = true // for the next connection
			c.hinted.mu.Unlock()
		}
	}
}

// tell sends a frame that has no answer. If it is refused, nobody hears of it.
func (l *link) tell(r frame.Request) error {
	r.Ref = hintRef
	return l.write(r)
}

// hint takes a hint of the service.
func (c *Client) hint(r reply) {
	switch r.kind {
	case frame.TypeTyping:
		var f frame.Typing
		if strict.Unmarshal(r.data, &f) == nil {
			c.heard(f.Room, f.User, func(*hints) Event {
				if f.User == c.User() {
					return nil // on another device
				}
				return Typing{Room: f.Room, User: f.User}
			})
		}
	case frame.TypeMark:
		var f frame.Mark
		if strict.Unmarshal(r.data, &f) == nil {
			c.heard(f.Room, f.User, func(h *hints) Event { return h.raise(f) })
		}
	}
}

// heard gives on what a hint means, if it is of a room that the user is in.
func (c *Client) heard(room chat.Room, user chat.User, meaning func(*hints) Event) {
	if err := user.Check(); err != nil {
		return
	}
	h, unlock, err := c.hints(room)
	if err != nil {
		return
	}
	defer unlock()
	if user != c.User() && !h.seen[user] && len(h.seen) < maxMarked {
		h.seen[user] = true
		c.mark(h) // somebody new
	}
	if event := meaning(h); event != nil {
		c.events.emit(event)
	}
}

// raise keeps the highest of a user's marks, nil where there is nothing new.
func (h *hints) raise(f frame.Mark) Event {
	old, ok := h.marks[f.User]
	if f.Read < 0 || f.Delivered < f.Read || !ok && len(h.marks) == maxMarked {
		return nil
	}
	now := Mark{Room: f.Room, User: f.User, Delivered: max(old.Delivered, f.Delivered), Read: max(old.Read, f.Read)}
	if now == old {
		return nil
	}
	h.marks[f.User] = now
	return now
}
