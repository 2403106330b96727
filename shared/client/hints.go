package client

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// TypingShown is how long to show a [Typing] that is not repeated: long enough
// for two to be lost.
const TypingShown = 2 * chat.HintInterval

// hintRef is the ref of frames that expect no answer. Requests have numbers.
const hintRef = "hint"

// maxMarked bounds the users of a room whose marks are kept. The service sends
// marks only in rooms of up to a hundred connections.
const maxMarked = 1000

// hints holds what the client has sent and received in a room besides messages.
type hints struct {
	epoch chat.Epoch // of the marks
	head  chat.Seq   // of the room, as far as known

	typed time.Time // when typing was last sent

	asked   time.Time // when presence was last requested
	present *Presence // the last answer
	seen    map[chat.User]bool
	begged  bool // the others were asked for their marks on this connection

	answered  time.Time // when the own mark was last repeated for users who asked
	answering bool      // a goroutine waits until the next answer is due

	own     Mark
	sent    time.Time // when the own mark was last sent
	due     bool      // the own mark has changed since
	sending bool      // a goroutine runs sendMarks
	marks   map[chat.User]Mark
}

// hintStore holds the hints of all rooms.
type hintStore struct {
	mu    sync.Mutex
	rooms map[chat.Room]*hints
}

// lockHints returns the hints of a room and locks the store until unlock is
// called. Errors: chat.RoomInvalid, chat.NotAMember, ErrClosed.
func (c *Client) lockHints(room chat.Room) (h *hints, unlock func(), err error) {
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
	c.hints.mu.Lock()
	h = c.hints.rooms[room]
	if h == nil {
		h = &hints{seen: map[chat.User]bool{}}
		c.hints.rooms[room] = h
	}
	if h.epoch != state.Epoch {
		h.epoch, h.own, h.marks, h.due = state.Epoch, Mark{Room: room, User: c.User()}, map[chat.User]Mark{}, false
	}
	h.head = state.Head
	return h, c.hints.mu.Unlock, nil
}

// Typing tells the room that the user is typing. Call it at every keystroke: it
// sends at most one frame in three seconds. Without a connection it does
// nothing.
// Errors: chat.RoomInvalid, chat.NotAMember, ErrClosed.
func (c *Client) Typing(ctx context.Context, room chat.Room) error {
	h, unlock, err := c.lockHints(room)
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
	_ = s.sendHint(frame.Request{Action: frame.ActionTyping, Room: room}) // best effort; run() reconnects
	return nil
}

// Presence returns the users who are connected to the room. It asks the service
// at most twice a minute and returns the last answer of the same connection in
// between, so it may be called at any rate. A changed answer is also emitted as
// an event. The first request on a connection also asks the others for their
// marks. Errors: chat.RoomInvalid, chat.NotAMember, ErrClosed, and those of the
// service.
func (c *Client) Presence(ctx context.Context, room chat.Room) (Presence, error) {
	h, unlock, err := c.lockHints(room)
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
	c.askMarks(room)
	return p, nil
}

// forgetPresence forgets who is present, which is unknown without a connection.
func (c *Client) forgetPresence() {
	c.hints.mu.Lock()
	defer c.hints.mu.Unlock()
	for _, h := range c.hints.rooms {
		h.present, h.asked = nil, time.Time{}
	}
}

// renewHints prepares for a new connection: nobody was seen or asked on it, and
// the own marks are repeated, since users may have come meanwhile.
func (c *Client) renewHints() {
	c.forgetPresence()
	c.mu.Lock()
	rooms := maps.Clone(c.rooms)
	c.mu.Unlock()
	c.hints.mu.Lock()
	defer c.hints.mu.Unlock()
	for name, h := range c.hints.rooms {
		h.begged = false
		clear(h.seen)
		if state, member := rooms[name]; member && state.Epoch == h.epoch {
			c.mark(h)
		}
	}
}

func (c *Client) takePresence(p Presence) {
	h, unlock, err := c.lockHints(p.Room)
	if err != nil {
		return // the user has left the room
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

// sendHint sends a frame that has no answer. A refusal of it is ignored.
func (l *link) sendHint(r frame.Request) error {
	r.Ref = hintRef
	return l.write(r)
}

// handleHint handles a typing or mark frame. A malformed one is ignored.
func (c *Client) handleHint(r reply) {
	switch r.kind {
	case frame.TypeTyping:
		var f frame.Typing
		if strict.Unmarshal(r.data, &f) == nil {
			c.receiveHint(f.Room, f.User, func(*hints) Event {
				if f.User == c.User() {
					return nil // the user types on another device
				}
				return Typing{Room: f.Room, User: f.User}
			})
		}
	case frame.TypeMark:
		var f frame.Mark
		if strict.Unmarshal(r.data, &f) == nil {
			c.receiveHint(f.Room, f.User, func(h *hints) Event {
				if f.Delivered == 0 && f.Read == 0 {
					c.answer(h)
					return nil
				}
				return h.raise(f)
			})
		}
	}
}

// notice repeats the own mark if another user is seen for the first time on
// this connection. The caller holds the lock of h.
func (c *Client) notice(h *hints, user chat.User) {
	if user != c.User() && !h.seen[user] && len(h.seen) < maxMarked {
		h.seen[user] = true
		c.mark(h) // this user has not received it yet
	}
}

// receiveHint emits the event that toEvent makes of a hint, if the user is in
// the room.
func (c *Client) receiveHint(room chat.Room, user chat.User, toEvent func(*hints) Event) {
	if err := user.Check(); err != nil {
		return
	}
	h, unlock, err := c.lockHints(room)
	if err != nil {
		return
	}
	defer unlock()
	c.notice(h, user)
	if event := toEvent(h); event != nil {
		c.events.emit(event)
	}
}
