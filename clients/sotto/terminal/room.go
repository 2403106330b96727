package terminal

import (
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// room is what the screen knows of one room.
type room struct {
	name     chat.Room
	epoch    chat.Epoch
	head     chat.Seq // the last message known to exist
	read     chat.Seq // the last one that was on the screen
	timeline timeline
	composer composer

	loading bool // older messages are on their way
	top     bool // there are none

	present *client.Presence        // nil until it is known
	looking bool                    // it is asked for
	typing  map[chat.User]time.Time // when it was last heard
	marks   map[chat.User]client.Mark
}

func newRoom(state frame.RoomState, read chat.Seq) *room {
	return &room{
		name:   state.Room,
		epoch:  state.Epoch,
		head:   state.Head,
		read:   read,
		top:    state.Head < max(state.Floor, 1),
		typing: map[chat.User]time.Time{},
		marks:  map[chat.User]client.Mark{},
	}
}

// unread is how many messages nobody has seen here. Those of a log that was
// begun anew all count.
func (r *room) unread() int { return int(max(r.head-r.read, 0)) }

// take adds a message that came.
func (r *room) take(m client.Message) {
	if m.Epoch != r.epoch {
		r.epoch, r.head, r.read, r.top = m.Epoch, 0, 0, true
		r.timeline.restart()
		clear(r.marks)
	}
	r.head = max(r.head, m.Seq)
	delete(r.typing, m.From)
	r.timeline.add(m)
}

// takeOlder adds messages of the history. Less than were asked for are the
// first that the room keeps.
func (r *room) takeOlder(m olderMsg) {
	r.loading = false
	if m.err != nil || m.epoch != r.epoch {
		return
	}
	r.top = m.top
	r.timeline.prepend(m.messages)
}

// oldest is the seq before which the history is asked for.
func (r *room) oldest() chat.Seq {
	if seq := r.timeline.first(); seq > 0 {
		return seq
	}
	return r.head + 1
}

// hear takes a hint, which is a claim: no mark goes past what exists.
func (r *room) hear(e client.Event, now time.Time) {
	switch e := e.(type) {
	case client.Typing:
		r.typing[e.User] = now
	case client.Presence:
		r.present = &e
	case client.Mark:
		r.marks[e.User] = e
		r.timeline.touch()
	}
}

// typists are those who type now.
func (r *room) typists(now time.Time) []chat.User {
	var users []chat.User
	for user, at := range r.typing {
		if now.Sub(at) < client.TypingShown {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// readers are those who have read up to a seq, and receivers those who have got
// it: others than the user. A mark is a claim; none counts past what exists.
func (r *room) readers(me chat.User, seq chat.Seq) []chat.User {
	return r.reached(me, func(m client.Mark) bool { return m.Read >= seq && m.Read <= r.head })
}

func (r *room) receivers(me chat.User, seq chat.Seq) []chat.User {
	return r.reached(me, func(m client.Mark) bool { return m.Delivered >= seq && m.Delivered <= r.head })
}

func (r *room) reached(me chat.User, far func(client.Mark) bool) []chat.User {
	var users []chat.User
	for user, m := range r.marks {
		if user != me && far(m) {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}
