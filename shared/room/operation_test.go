package room_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// operation signs and seals an operation on a closed room.
func (c *conn) operation(op frame.RoomClaims) string {
	c.t.Helper()
	op.V, op.SID, op.Sub, op.SKID = frame.Version, c.sid, c.user, c.server.Thumbprint()
	if op.ID == "" {
		op.ID = chat.MessageID(ulid.Make().String())
	}
	if op.At == 0 {
		op.At = c.clock.Now().UnixMilli()
	}
	jws, err := envelope.Sign(c.signing, envelope.TypeRoom, encode(c.t, op))
	must(c.t, err)
	jwe, err := envelope.Seal(c.server, envelope.TypeSend, []byte(jws))
	must(c.t, err)
	return jwe
}

// operate sends an operation, a second after what came before, and returns the
// frames that the connection got.
func (c *conn) operate(op frame.RoomClaims) []received {
	c.t.Helper()
	c.clock.Advance(time.Second)
	return c.do("sendMessage", frame.Request{JWE: c.operation(op)})
}

// done wants an operation to be acked.
func (c *conn) done(op frame.RoomClaims) received {
	c.t.Helper()
	for _, r := range c.operate(op) {
		if r.Type == frame.TypeAck {
			return r
		}
		if r.Type == frame.TypeError {
			c.t.Fatalf("%s of %s: got error %s, want ack", op.Op, c.user, r.Code)
		}
	}
	c.t.Fatalf("%s of %s: got no ack", op.Op, c.user)
	return received{}
}

// refused wants an operation to be refused.
func (c *conn) refused(want *chat.Error, op frame.RoomClaims) {
	c.t.Helper()
	c.take()
	c.expect(c.operate(op), want)
}

// found creates a closed room.
func (c *conn) found(history chat.HistoryRule) chat.Room {
	c.t.Helper()
	room := chat.NewClosedRoom()
	c.done(frame.RoomClaims{Op: frame.OpCreate, Room: room, Name: "den", History: history})
	return room
}

// admitTo invites a user, who accepts.
func (c *conn) admitTo(room chat.Room, other *conn) {
	c.t.Helper()
	c.done(frame.RoomClaims{Op: frame.OpInvite, Room: room, User: other.user})
	other.done(frame.RoomClaims{Op: frame.OpAccept, Room: room})
	c.take()
	other.take()
}

// roomsPlain asks for the user's rooms, or one of them.
func (c *conn) roomsPlain(only chat.Room) frame.RoomsPlain {
	c.t.Helper()
	c.take()
	got := c.do("rooms", frame.Request{Room: only})
	c.expectOne(got, frame.TypeRooms)
	var plain frame.RoomsPlain
	c.open(got[0].JWE, envelope.TypeRooms, &plain)
	return plain
}

// texts returns the texts among frames, in their order.
func (c *conn) texts(got []received) []string {
	c.t.Helper()
	var texts []string
	for _, r := range got {
		if r.Type != frame.TypeMessage {
			continue
		}
		var m frame.MessagePlain
		c.open(r.JWE, envelope.TypeSealedMessage, &m)
		if _, err := envelope.ParseSigned(m.JWS, envelope.TypeMessage); err == nil {
			texts = append(texts, c.text(m))
		}
	}
	return texts
}

func TestClosedRoom(t *testing.T) {
	w := newWorld(t)
	ada, bob := newDevice(t, "ada"), newDevice(t, "bob")
	a, b, m := w.enter(ada), w.enter(bob), w.enter(newDevice(t, "mallory"))
	room := a.found(chat.HistoryFromJoin)
	a.say("before", inRoom(room))

	// A stranger gets the same answer whether the room exists or not.
	for _, r := range []chat.Room{room, chat.NewClosedRoom()} {
		m.expect(m.do("history", frame.Request{Room: r}), chat.NotAMember)
		m.expect(m.do("presence", frame.Request{Room: r}), chat.NotAMember)
		m.expect(m.do("joinRoom", frame.Request{Room: r}), chat.RoomInvalid)
		m.expect(m.do("rooms", frame.Request{Room: r}), chat.NotAMember)
		m.expect(m.send(m.message("x", inRoom(r))), chat.NotAMember)
		for _, op := range []frame.RoomClaims{
			{Op: frame.OpAccept}, {Op: frame.OpLeave}, {Op: frame.OpDecline},
			{Op: frame.OpInvite, User: "mallory"}, {Op: frame.OpRemove, User: "ada"},
			{Op: frame.OpRole, User: "mallory", Role: chat.RoleOwner},
		} {
			op.Room = r
			m.refused(chat.NotAMember, op)
		}
	}
	again := frame.RoomClaims{Op: frame.OpCreate, Room: room, Name: "mine", History: chat.HistoryAll}
	m.refused(chat.RoomInvalid, again)

	a.done(frame.RoomClaims{Op: frame.OpInvite, Room: room, User: "bob"})
	if got := b.take(); len(got) != 1 || got[0].Type != frame.TypeInvited || got[0].Room != room {
		t.Fatalf("the invited user got %+v, want invited", got)
	}
	list := b.roomsPlain("")
	if len(list.Rooms) != 0 || len(list.Invitations) != 1 || list.Invitations[0].Name != "den" ||
		list.Invitations[0].By != "ada" {
		t.Fatalf("the invited user got %+v, want one invitation to den by ada", list)
	}
	b.expect(b.send(b.message("x", inRoom(room))), chat.NotAMember)
	joined := b.done(frame.RoomClaims{Op: frame.OpAccept, Room: room})
	a.take()
	a.say("after", inRoom(room))
	if got := b.texts(b.take()); !slices.Equal(got, []string{"after"}) {
		t.Fatalf("the new member got %v, want [after]", got)
	}
	page := b.do("history", frame.Request{Room: room})
	if page[0].Floor != joined.Seq || page[0].From != joined.Seq {
		t.Fatalf("got a page from %d with floor %d, want both at the accepted invitation, %d", page[0].From,
			page[0].Floor, joined.Seq)
	}
	if got := w.enter(bob).rooms[1]; got.Room != room || got.Floor != joined.Seq {
		t.Fatalf("got %+v in the welcome, want the room with floor %d", got, joined.Seq)
	}
	info := b.roomsPlain(room).Rooms[0]
	if info.Name != "den" || info.Role != chat.RoleMember || len(info.Members) != 2 ||
		info.Members[0] != (frame.RoomMember{User: "ada", Role: chat.RoleOwner}) || len(info.Invited) != 0 {
		t.Fatalf("got %+v, want den with the owner ada and the member bob", info)
	}
}

func TestHistoryOfAClosedRoomForNewMembers(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	room := a.found(chat.HistoryAll)
	a.say("before", inRoom(room))
	a.admitTo(room, b)
	if page := b.do("history", frame.Request{Room: room}); page[0].From != 1 {
		t.Fatalf("got a page from %d, want from 1", page[0].From)
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "carol"))
	w.enter(newDevice(t, "dave"))
	room := a.found(chat.HistoryFromJoin)
	a.admitTo(room, b)
	a.admitTo(room, c)
	op := func(op frame.Op, user chat.User, role chat.Role) frame.RoomClaims {
		return frame.RoomClaims{Op: op, Room: room, User: user, Role: role}
	}
	b.refused(chat.NotAllowed, op(frame.OpInvite, "dave", ""))
	b.refused(chat.NotAllowed, op(frame.OpRemove, "carol", ""))
	b.refused(chat.NotAllowed, op(frame.OpRole, "bob", chat.RoleOwner))
	a.refused(chat.UserUnknown, op(frame.OpInvite, "nobody", ""))
	a.refused(chat.RoomInvalid, op(frame.OpInvite, "bob", ""))
	a.refused(chat.NotAllowed, op(frame.OpLeave, "", ""))
	a.refused(chat.NotAllowed, op(frame.OpRole, "ada", chat.RoleMember))
	a.refused(chat.RoomInvalid, op(frame.OpRemove, "ada", ""))

	a.done(op(frame.OpRole, "bob", chat.RoleModerator))
	b.done(op(frame.OpInvite, "dave", ""))
	b.done(op(frame.OpDecline, "dave", "")) // a moderator takes an invitation back
	b.refused(chat.NotAllowed, op(frame.OpRemove, "ada", ""))
	b.refused(chat.NotAllowed, op(frame.OpRole, "carol", chat.RoleModerator))
	b.done(op(frame.OpRemove, "carol", ""))

	a.done(op(frame.OpRole, "bob", chat.RoleOwner))
	a.done(op(frame.OpLeave, "", ""))
	info := b.roomsPlain(room).Rooms[0]
	if len(info.Members) != 1 || info.Role != chat.RoleOwner {
		t.Fatalf("got %+v, want bob as the only member, an owner", info)
	}
	b.done(op(frame.OpLeave, "", "")) // the last member may leave
	if got := b.roomsPlain(""); len(got.Rooms) != 0 {
		t.Fatalf("got %+v after leaving, want no rooms", got)
	}
}

func TestTooManyMembers(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	room := a.found(chat.HistoryAll)
	for i := range chat.MaxMembers {
		user := chat.User(fmt.Sprintf("user-%d", i))
		w.enter(newDevice(t, user))
		invite := frame.RoomClaims{Op: frame.OpInvite, Room: room, User: user}
		if i == chat.MaxMembers-1 { // the owner is one
			a.refused(chat.TooManyMembers, invite)
		} else {
			a.done(invite)
		}
	}
	a.done(frame.RoomClaims{Op: frame.OpInvite, Room: room, User: "user-0"}) // begins again
}

// TestOperationIsStoredOnce repeats operations, as a client does that got no
// ack, on a new connection too.
func TestOperationIsStoredOnce(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enter(newDevice(t, "bob"))
	room := chat.NewClosedRoom()
	create := frame.RoomClaims{
		Op:      frame.OpCreate,
		Room:    room,
		Name:    "den",
		History: chat.HistoryAll,
		ID:      chat.MessageID(ulid.Make().String()),
	}
	first := a.done(create)
	if again := w.enter(ada).done(create); !again.Dup || again.Seq != first.Seq || again.Epoch != first.Epoch {
		t.Fatalf("the repeat got %+v, want a duplicate of %+v", again, first)
	}
	a.done(frame.RoomClaims{Op: frame.OpInvite, Room: room, User: "bob"})
	accept := frame.RoomClaims{Op: frame.OpAccept, Room: room, ID: chat.MessageID(ulid.Make().String())}
	b.done(accept)
	if again := b.done(accept); !again.Dup {
		t.Fatalf("the repeat got %+v, want a duplicate", again)
	}
	leave := frame.RoomClaims{Op: frame.OpLeave, Room: room, ID: chat.MessageID(ulid.Make().String())}
	b.done(leave)
	if again := b.done(leave); !again.Dup {
		t.Fatalf("the repeat got %+v, want a duplicate", again)
	}
}

// TestOldOperationIsRefused holds an operation back, as a proxy could.
func TestOldOperationIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	room := a.found(chat.HistoryAll)
	for _, off := range []time.Duration{-chat.OperationSkew - time.Second, chat.OperationSkew + 2*time.Second} {
		a.refused(chat.NotFresh, frame.RoomClaims{
			Op:   frame.OpInvite,
			Room: room,
			User: "bob",
			At:   w.clock.Now().Add(off).UnixMilli(),
		})
	}
}

// TestAttackRemovedMemberListens: vulnerability: a removed member's listeners
// are still in the database when the next message is delivered, because the
// call that removed the member died or has not come that far. Attack: mallory
// keeps a connection open while she is removed. This verifies that nothing
// appended after the removal reaches her: no message, no hint, no page of
// history.
func TestAttackRemovedMemberListens(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	a, m := w.enter(newDevice(t, "ada")), w.enter(mallory)
	room := a.found(chat.HistoryAll)
	a.admitTo(room, m)
	w.once("RemoveListener", func() error { return errDied })
	a.operate(frame.RoomClaims{Op: frame.OpRemove, Room: room, User: "mallory"})
	m.take()
	a.say("without her", inRoom(room))
	a.do("typing", frame.Request{Room: room})
	for _, r := range m.take() {
		if r.Room == room && r.Type != frame.TypeLeft {
			t.Errorf("the removed member got %+v", r)
		}
	}
	m.expect(m.do("history", frame.Request{Room: room}), chat.NotAMember)
	m.expect(m.send(m.message("x", inRoom(room))), chat.NotAMember)
	if again := w.enter(mallory); len(again.rooms) != 1 {
		t.Errorf("got the rooms %+v in the welcome, want only the lobby", again.rooms)
	}
	a.admitTo(room, m) // only an invitation brings her back
	a.say("with her", inRoom(room))
	if got := m.texts(m.take()); !slices.Equal(got, []string{"with her"}) {
		t.Errorf("the member who is back got %v, want [with her]", got)
	}
}

// TestAttackSubscriptionDuringARemoval: vulnerability: a handshake reads the
// memberships, and writes the listener after the removal has looked for
// listeners. Attack: mallory connects at that moment. This verifies that her
// new connection gets nothing.
func TestAttackSubscriptionDuringARemoval(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	a, m := w.enter(newDevice(t, "ada")), w.enter(mallory)
	room := a.found(chat.HistoryAll)
	a.admitTo(room, m)
	late := w.dial(mallory)
	late.begin()
	w.once("AddListener", func() error {
		a.done(frame.RoomClaims{Op: frame.OpRemove, Room: room, User: "mallory"})
		a.say("without her", inRoom(room))
		return nil
	})
	late.prove(late.proof(nil))
	a.say("still without her", inRoom(room))
	if got := late.texts(late.take()); len(got) != 0 {
		t.Errorf("the removed member got %v, want nothing", got)
	}
	if got := m.texts(m.take()); len(got) != 0 {
		t.Errorf("the removed member got %v, want nothing", got)
	}
}

// Vulnerability: the repeat of an operation is recognised by its id, and what
// follows from it was taken from the repeat. Attack: mallory, who is a member
// no longer, repeats an id with an invitation and a removal that she may not
// make. This verifies that only the stored operation counts: nobody is
// notified.
func TestAttackRepeatWithAnotherOperation(t *testing.T) {
	w := newWorld(t)
	m, bob := w.enter(newDevice(t, "mallory")), w.enter(newDevice(t, "bob"))
	room, id := chat.NewClosedRoom(), chat.MessageID(ulid.Make().String())
	m.done(frame.RoomClaims{Op: frame.OpCreate, Room: room, Name: "den", History: chat.HistoryAll, ID: id})
	m.done(frame.RoomClaims{Op: frame.OpLeave, Room: room})
	for _, op := range []frame.Op{frame.OpInvite, frame.OpRemove} {
		m.operate(frame.RoomClaims{Op: op, Room: room, User: "bob", ID: id})
	}
	if got := bob.take(); len(got) != 0 {
		t.Errorf("the victim got %+v, want nothing", got)
	}
	if got := bob.roomsPlain(""); len(got.Invitations) != 0 {
		t.Errorf("got the invitations %+v, want none", got.Invitations)
	}
}

// Vulnerability: a page of history reads the membership first and the log
// later. Attack: mallory asks for a page and is removed in between. This
// verifies that the page has nothing that was appended after the removal.
func TestAttackPageDuringARemoval(t *testing.T) {
	w := newWorld(t)
	a, m := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "mallory"))
	room := a.found(chat.HistoryAll)
	a.admitTo(room, m)
	w.once("Read", func() error {
		a.done(frame.RoomClaims{Op: frame.OpRemove, Room: room, User: "mallory"})
		a.say("without her", inRoom(room))
		return nil
	})
	for _, r := range m.do("history", frame.Request{Room: room}) {
		if r.Type == frame.TypeHistory {
			t.Errorf("the removed member got the page %+v", r)
		}
	}
}

// Vulnerability: a handshake reads from which seq its user may read, and writes
// the listener later. Attack: mallory is removed and comes back in between, so
// that her listener is that of the earlier membership.
// This verifies that a message of the time between is not delivered by it.
func TestAttackListenerOfAnEarlierMembership(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	a, m := w.enter(newDevice(t, "ada")), w.enter(mallory)
	room := a.found(chat.HistoryFromJoin)
	a.admitTo(room, m)
	late := w.dial(mallory)
	late.begin()
	between := chat.MessageID(ulid.Make().String())
	secret := func(c *frame.MessageClaims) { c.Room, c.ID = room, between }
	w.once("AddListener", func() error {
		a.done(frame.RoomClaims{Op: frame.OpRemove, Room: room, User: "mallory"})
		a.say("without her", secret)
		a.admitTo(room, m)
		return nil
	})
	late.prove(late.proof(nil))
	late.take()
	a.send(a.message("without her", secret)) // a repeat is delivered once more
	for _, c := range []*conn{m, late} {
		if got := c.texts(c.take()); len(got) != 0 {
			t.Errorf("got %v, want nothing that was sent in between", got)
		}
	}
}

// Vulnerability: an invitation outlives the role of who made it. Attack:
// mallory, a moderator, invites her second name before she is dismissed. This
// verifies that the invitation ends with her role, so that no room is left
// without an owner either.
func TestAttackInvitationOfADismissedModerator(t *testing.T) {
	w := newWorld(t)
	a, m, second := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "mallory")), w.enter(newDevice(t, "second"))
	room := a.found(chat.HistoryAll)
	a.admitTo(room, m)
	a.done(frame.RoomClaims{Op: frame.OpRole, Room: room, User: "mallory", Role: chat.RoleModerator})
	m.done(frame.RoomClaims{Op: frame.OpInvite, Room: room, User: "second"})
	a.done(frame.RoomClaims{Op: frame.OpRemove, Room: room, User: "mallory"})
	second.refused(chat.NotAMember, frame.RoomClaims{Op: frame.OpAccept, Room: room})
}

// Vulnerability: many invitations make the invited user's clients ask again and
// again. Attack: mallory invites the same user repeatedly.
// This verifies that only the first one notifies.
func TestAttackRepeatedInvitations(t *testing.T) {
	w := newWorld(t)
	m, bob := w.enter(newDevice(t, "mallory")), w.enter(newDevice(t, "bob"))
	room := m.found(chat.HistoryAll)
	for range 3 {
		m.done(frame.RoomClaims{Op: frame.OpInvite, Room: room, User: "bob"})
	}
	if got := bob.take(); len(got) != 1 || got[0].Type != frame.TypeInvited {
		t.Errorf("got %+v, want one invitation", got)
	}
}
