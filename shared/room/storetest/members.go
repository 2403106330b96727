package storetest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// newClosedRoom creates a closed room of ada's by its first entry.
func newClosedRoom(t *testing.T, s room.Store, clock *Clock) *room.Meta {
	t.Helper()
	meta := &room.Meta{Room: chat.NewClosedRoom(), Epoch: "epoch", DataKey: "1", Settings: []byte("sealed")}
	e := entry(meta.Room, meta.Epoch, 1, clock.Now())
	ok(t, s.Append(t.Context(), e, 64, &room.Change{
		Create: meta,
		Add:    &room.Member{Room: meta.Room, User: "ada", Role: chat.RoleOwner, From: 1},
	}))
	return meta
}

// change appends the entry of a change.
func change(t *testing.T, s room.Store, clock *Clock, name chat.Room, c *room.Change) *room.Entry {
	t.Helper()
	tail, err := s.Tail(t.Context(), name, "epoch")
	ok(t, err)
	e := entry(name, "epoch", tail.Seq+1, clock.Now())
	ok(t, s.Append(t.Context(), e, 0, c))
	return e
}

func closedRoomIsCreatedOnce(t *testing.T, s room.Store, clock *Clock) {
	meta := newClosedRoom(t, s, clock)
	found, err := s.Room(t.Context(), meta.Room)
	ok(t, err)
	meta.Ceiling = 64
	alike(t, found, meta)
	second := entry(meta.Room, "another", 1, clock.Now())
	want(t, s.Append(t.Context(), second, 64, &room.Change{Create: meta}), room.ErrConflict)
	stored := entry(meta.Room, meta.Epoch, 1, clock.Now())
	_, err = s.Appended(t.Context(), stored)
	want(t, err, room.ErrNotFound)
	e := change(t, s, clock, meta.Room, &room.Change{})
	place, err := s.Appended(t.Context(), e)
	ok(t, err)
	equal(t, "seq", place.Seq, e.Seq)
	rooms, err := s.RoomsOf(t.Context(), "ada")
	ok(t, err)
	equal(t, "the owner's list has the room", slices.Contains(rooms, meta.Room), true)
}

func membersOfAClosedRoomChange(t *testing.T, s room.Store, clock *Clock) {
	name := newClosedRoom(t, s, clock).Room
	user := fresh[chat.User]("user")
	_, err := s.Member(t.Context(), name, user)
	want(t, err, room.ErrNotFound)
	invitation := &room.Invitation{
		Room:    name,
		User:    user,
		By:      "ada",
		At:      clock.Now(),
		Expires: clock.Now().Add(time.Hour),
	}
	change(t, s, clock, name, &room.Change{Invite: invitation})
	found, err := s.Invitation(t.Context(), name, user)
	ok(t, err)
	invitation.Expires = found.Expires // stores may round it up to a second
	alike(t, found, invitation)
	to, err := s.InvitationsTo(t.Context(), user)
	ok(t, err)
	alike(t, to, []room.Invitation{*invitation})

	member := &room.Member{Room: name, User: user, Role: chat.RoleMember, From: 3, Since: 3}
	change(t, s, clock, name, &room.Change{Add: member})
	got, err := s.Member(t.Context(), name, user)
	ok(t, err)
	alike(t, got, member)
	_, err = s.Invitation(t.Context(), name, user)
	want(t, err, room.ErrNotFound)
	member.Role = chat.RoleModerator
	change(t, s, clock, name, &room.Change{Set: member})
	members, invited, err := s.MembersOf(t.Context(), name)
	ok(t, err)
	alike(t, members, []room.Member{{Room: name, User: "ada", Role: chat.RoleOwner, From: 1}, *member})
	equal(t, "open invitations", len(invited), 0)

	change(t, s, clock, name, &room.Change{Remove: user})
	_, err = s.Member(t.Context(), name, user)
	want(t, err, room.ErrNotFound)
	rooms, err := s.RoomsOf(t.Context(), user)
	ok(t, err)
	equal(t, "rooms", len(rooms), 0)
}

func invitationEnds(t *testing.T, s room.Store, clock *Clock) {
	name := newClosedRoom(t, s, clock).Room
	a, b := fresh[chat.User]("user"), fresh[chat.User]("user")
	for _, user := range []chat.User{a, b} {
		change(t, s, clock, name, &room.Change{Invite: &room.Invitation{
			Room:    name,
			User:    user,
			By:      "ada",
			At:      clock.Now(),
			Expires: clock.Now().Add(time.Hour),
		}})
	}
	change(t, s, clock, name, &room.Change{Uninvite: a})
	_, err := s.Invitation(t.Context(), name, a)
	want(t, err, room.ErrNotFound)
	clock.Advance(time.Hour + time.Second)
	_, err = s.Invitation(t.Context(), name, b)
	want(t, err, room.ErrNotFound)
	to, err := s.InvitationsTo(t.Context(), b)
	ok(t, err)
	equal(t, "invitations after their time", len(to), 0)
	_, invited, err := s.MembersOf(t.Context(), name)
	ok(t, err)
	equal(t, "open invitations after their time", len(invited), 0)
}

// removalHidesListeners wants the listeners of a removed user to be left out
// from the removal on, until the user is a member again.
func removalHidesListeners(t *testing.T, s room.Store, clock *Clock) {
	name := newClosedRoom(t, s, clock).Room
	l := listener(clock, 1) // ada's
	l.From, l.Since = 1, 1
	ok(t, s.AddListener(t.Context(), name, l))
	lists := map[string]func() ([]room.Listener, error){
		"Listeners": func() ([]room.Listener, error) { return s.Listeners(t.Context(), name) },
		"FirstListeners": func() ([]room.Listener, error) {
			found, _, err := s.FirstListeners(t.Context(), name, 5)
			return found, err
		},
		"ListenersIn": func() ([]room.Listener, error) {
			return s.ListenersIn(t.Context(), name, l.Connection, l.Connection)
		},
	}
	expect := func(when string, count int) {
		t.Helper()
		for list, read := range lists {
			found, err := read()
			ok(t, err)
			if len(found) != count {
				t.Errorf("%s %s: got %d listeners, want %d", list, when, len(found), count)
			} else if count > 0 {
				alike(t, found[0], l)
			}
		}
	}
	expect("before the removal", 1)
	change(t, s, clock, name, &room.Change{Remove: "ada"})
	expect("after the removal", 0)
	change(t, s, clock, name, &room.Change{Add: &room.Member{
		Room:  name,
		User:  "ada",
		Role:  chat.RoleMember,
		From:  1,
		Since: 3,
	}})
	expect("after the return", 0) // the listener is one of the earlier membership
	l.Since = 3
	ok(t, s.AddListener(t.Context(), name, l))
	for list, read := range lists {
		found, err := read()
		ok(t, err)
		if len(found) != 1 || found[0].Since != 3 {
			t.Errorf("%s with a new listener: got %+v, want it", list, found)
		}
	}
}

// alike wants two values to have the same JSON, which writes a time in one way.
func alike(t *testing.T, got, want any) {
	t.Helper()
	a, err := json.Marshal(got)
	ok(t, err)
	b, err := json.Marshal(want)
	ok(t, err)
	if string(a) != string(b) {
		t.Errorf("got %s, want %s", a, b)
	}
}
