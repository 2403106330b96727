package terminal

import (
	"maps"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// room is the state of one room.
type room struct {
	name     chat.Room
	epoch    chat.Epoch
	head     chat.Seq // the last message known to exist
	read     chat.Seq // the last message that was on the screen
	timeline timeline
	composer composer

	loading bool // older messages are requested
	top     bool // there are no older messages

	present *client.Presence        // nil while unknown
	asking  bool                    // presence is requested
	typing  map[chat.User]time.Time // time of the last typing hint
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

// unread returns the number of unread messages. After a change of the epoch all
// messages count.
func (r *room) unread() int { return int(max(r.head-r.read, 0)) }

// add adds a new message.
func (r *room) add(m client.Message) {
	if m.Epoch != r.epoch {
		r.epoch, r.head, r.read, r.top = m.Epoch, 0, 0, true
		r.timeline.restart()
		clear(r.marks)
	}
	r.head = max(r.head, m.Seq)
	delete(r.typing, m.From)
	r.meet(m.From)
	r.timeline.add(m)
}

// addOlder adds a page of history before the other messages.
func (r *room) addOlder(m olderMsg) {
	r.loading = false
	if m.err != nil || m.epoch != r.epoch {
		return
	}
	r.top = m.top
	r.timeline.prepend(m.messages)
}

// oldest returns the seq before which to request history.
func (r *room) oldest() chat.Seq {
	if seq := r.timeline.first(); seq > 0 {
		return seq
	}
	return r.head + 1
}

// event records a hint. Hints are unsigned, so readers and receivers ignore a
// mark above the head.
func (r *room) event(e client.Event, now time.Time) {
	switch e := e.(type) {
	case client.Typing:
		r.typing[e.User] = now
		r.meet(e.User)
	case client.Presence:
		r.present = &e
	case client.Mark:
		old := r.marks[e.User] // may be one of an earlier start
		e.Delivered, e.Read = max(e.Delivered, old.Delivered), max(e.Read, old.Read)
		r.marks[e.User] = e
		r.timeline.touch()
	}
}

// meet adds a user who types or writes to those who are here, if they are
// known.
func (r *room) meet(user chat.User) {
	if r.present == nil || user == "" {
		return
	}
	if i, found := slices.BinarySearch(r.present.Users, user); !found {
		r.present = &client.Presence{
			Room:  r.name,
			Users: slices.Insert(slices.Clone(r.present.Users), i, user),
			More:  r.present.More,
		}
	}
}

// disconnect forgets who is here and who is typing.
func (r *room) disconnect() {
	r.present = nil
	clear(r.typing)
}

// stored returns the marks as they are stored, and restore takes over those of
// the same log.
func (r *room) stored() Marks {
	kept := Marks{Room: r.name, Epoch: r.epoch}
	for _, user := range slices.Sorted(maps.Keys(r.marks)) {
		mark := r.marks[user]
		kept.Users = append(kept.Users, UserMark{user, mark.Delivered, mark.Read})
	}
	return kept
}

func (r *room) restore(kept Marks) {
	if kept.Epoch != r.epoch {
		return
	}
	for _, u := range kept.Users {
		r.marks[u.User] = client.Mark{Room: r.name, User: u.User, Delivered: u.Delivered, Read: u.Read}
	}
}

// typingUsers returns the users who are typing now.
func (r *room) typingUsers(now time.Time) []chat.User {
	var users []chat.User
	for user, at := range r.typing {
		if now.Sub(at) < client.TypingShown {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// readers returns the other users who have read the message seq, and receivers
// those who have received it. A mark above the head is ignored.
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
