package room_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

func TestHandshakeDuringARotation(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	same := *ada
	c := w.dial(&same)
	c.begin()
	proof, next := c.proof(nil), newKey(t)
	w.once("AddListener", func() error {
		a.expectOne(a.do("rotateKey", frame.Request{Proof: a.rotation(next, 2, nil)}), frame.TypeRotated)
		return nil
	})
	same.enc = next // the welcome opens under the new key only
	c.expectOne(c.prove(proof), frame.TypeWelcome)
}

// listening returns how many listeners of a user a room has.
func (w *world) listening(user chat.User, name chat.Room) int {
	w.t.Helper()
	listeners, err := w.store.Listeners(w.t.Context(), name)
	must(w.t, err)
	count := 0
	for _, l := range listeners {
		if l.User == user {
			count++
		}
	}
	return count
}

func TestLeaveDuringAHandshake(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	a.enterRoom("den")
	c := w.dial(ada)
	c.begin()
	w.once("AddListener", func() error {
		a.expectOne(a.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
		return nil
	})
	c.expectOne(c.prove(c.proof(nil)), frame.TypeWelcome)
	if n := w.listening("ada", "den"); n != 0 {
		t.Errorf("got %d listeners of a user who left, want none", n)
	}
}

func TestJoinDuringALeave(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, other := w.enter(ada), w.enter(ada)
	a.enterRoom("den")
	w.once("after RemoveMember", func() error {
		other.enterRoom("den")
		return nil
	})
	a.expectOne(a.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
	is, err := w.store.IsMember(t.Context(), "den", "ada")
	must(t, err)
	if n := w.listening("ada", "den"); !is || n != 2 {
		t.Errorf("got member %v with %d listeners, want a member with 2", is, n)
	}
}

func TestShorterRetentionReusesNoSeq(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	w.enter(ada).say("one", nil)
	w.retention = 24 * time.Hour
	w.compose(w.store, w.hub)
	w.enter(ada).say("two", nil)
	w.clock.Advance(5 * 24 * time.Hour)
	w.store.Expire()
	if ack := w.enter(ada).say("three", nil); ack.Seq <= 2 {
		t.Errorf("got seq %d, want one above 2", ack.Seq)
	}
}

func TestOldestConnectionsOfADeviceAreClosed(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	oldest := w.enter(ada)
	for range chat.MaxConnections {
		w.clock.Advance(time.Second)
		w.enter(ada)
	}
	if !w.hub.Closed(oldest.id) || w.listening("ada", chat.Lobby) != chat.MaxConnections {
		t.Errorf("got the oldest closed: %v, and %d listeners, want it closed and %d", w.hub.Closed(oldest.id),
			w.listening("ada", chat.Lobby), chat.MaxConnections)
	}
}

// TestRevocationThatDiedLeavesNoListener wants no messages for a device that is
// revoked but whose connections are not closed yet.
func TestRevocationThatDiedLeavesNoListener(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	lost := w.enterLinked(ada)
	w.once("after Revoke", func() error { return errDied })
	a.expectOne(a.do("revokeDevice", a.revocation(lost.device, nil)), frame.TypeError)
	w.enter(newDevice(t, "bob")).say("a secret", nil)
	if got := lost.take(); len(got) != 0 {
		t.Errorf("the revoked device got %+v, want nothing", got)
	}
	lost.expect(lost.do("ping", frame.Request{}), chat.DeviceRevoked)
}

// stuck is a poster that cannot close one connection.
type stuck struct {
	room.Poster
	id chat.Connection
}

func (s stuck) Close(ctx context.Context, id chat.Connection) error {
	if id == s.id {
		return errors.New("it cannot be closed")
	}
	return s.Poster.Close(ctx, id)
}

func TestConnectionsAreClosedDespiteAFailure(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	first := w.enterLinked(ada)
	second := w.enter(first.device)
	w.compose(w.store, stuck{w.hub, first.id})
	a.expectOne(a.do("revokeDevice", a.revocation(first.device, nil)), frame.TypeError)
	if !w.hub.Closed(second.id) {
		t.Error("the second connection is open, want it closed")
	}
	w.enter(newDevice(t, "bob")).say("a secret", nil)
	for _, c := range []*conn{first, second} {
		if got := c.take(); len(got) != 0 {
			t.Errorf("the revoked device got %+v, want nothing", got)
		}
	}
	w.compose(w.store, w.hub)
	a.take()
	a.revoke(first.device)
}
