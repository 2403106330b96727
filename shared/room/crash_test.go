package room_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// once runs f at the next call of that name. Later calls run normally.
func (w *world) once(call string, f func() error) {
	w.before.Lock()
	defer w.before.Unlock()
	w.before.once[call] = f
}

// errDied stands for the death of an instance: nothing that follows the call
// happens, and the client's answer does not matter.
var errDied = errors.New("the instance died")

func TestOneProofDeliveredTwiceAtOnce(t *testing.T) {
	w := newWorld(t)
	c := w.dial(newDevice(t, "ada"))
	c.begin()
	proof := c.proof(nil)
	w.once("after Device", func() error {
		c.expectOne(c.prove(proof), frame.TypeWelcome)
		return nil
	})
	c.expectOne(c.prove(proof), frame.TypeWelcome)
}

func TestTwoFirstConnectionsOfOneDevice(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	c := w.dial(ada)
	c.begin()
	w.once("after Device", func() error { w.enter(ada); return nil })
	c.expectOne(c.prove(c.proof(nil)), frame.TypeWelcome) // not name_taken
}

func TestRotationThatDiedIsFinished(t *testing.T) {
	for name, rotate := range map[string]func(c *conn){
		"by rotateKey": func(c *conn) {
			next := newKey(t)
			c.do("rotateKey", frame.Request{Proof: c.rotation(next, 2, nil)})
			c.device.enc, c.gen = next, 2
		},
		"by handshake": func(c *conn) {
			c.device.enc, c.gen = newKey(t), 2
			d := c.dial(c.device)
			d.begin()
			d.prove(d.proof(nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			a, other := w.enter(ada), w.enter(ada)
			w.once("AddListener", func() error { return errDied })
			rotate(a)
			w.enter(ada) // the client reconnects with the key that it has
			w.enter(newDevice(t, "bob")).say("under the newest key", nil)
			other.read(other.take()[0])
		})
	}
}

func TestLeaveThatDiedLeavesNoListener(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, other, b := w.enter(ada), w.enter(ada), w.enter(newDevice(t, "bob"))
	for _, c := range []*conn{a, b} {
		c.enterRoom("den")
	}
	w.once("RemoveMember", func() error { return errDied })
	a.expectOne(a.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeError)
	b.say("without ada", inRoom("den"))
	for _, c := range []*conn{a, other} {
		if got := c.take(); len(got) != 0 {
			t.Fatalf("after leaving, a connection got %+v, want nothing", got)
		}
	}
	a.expectOne(a.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
	a.expect(a.do("history", frame.Request{Room: "den"}), chat.NotAMember)
}

func TestDisconnectDuringTheHandshake(t *testing.T) {
	w := newWorld(t)
	c := w.dial(newDevice(t, "ada"))
	c.begin()
	w.once("AddListener", func() error { c.raw("$disconnect", ""); return nil })
	c.prove(c.proof(nil))
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	connections, err := w.store.ConnectionsOf(t.Context(), "ada")
	must(t, err)
	if len(listeners) != 0 || len(connections) != 0 {
		t.Fatalf("got the listeners %v and connections %v, want none", listeners, connections)
	}
}

// TestUnreadableEntries distinguishes a temporary failure from a damaged entry,
// which a page skips.
func TestUnreadableEntries(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	c.say("one", nil)
	*w.keys.unreadable = room.ErrBusy
	c.expect(c.do("history", frame.Request{Room: "lobby"}), chat.TryAgain)
	*w.keys.unreadable = room.ErrDamaged
	if page, texts := c.page(0, 0); len(texts) != 0 || page.From != 1 || page.To != 1 || page.More {
		t.Fatalf("got %v on %+v, want an empty page from 1 to 1", texts, page)
	}
	*w.keys.unreadable = nil
	if _, texts := c.page(0, 0); len(texts) != 1 {
		t.Fatalf("got %v, want one text", texts)
	}
}

func TestRepeatIsAckedThoughItCannotBeRead(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	jwe := c.message("one", nil)
	first := c.send(jwe)[0]
	*w.keys.unreadable = room.ErrDamaged
	got := c.send(jwe)
	c.expectOne(got, frame.TypeAck)
	if !got[0].Dup || got[0].Seq != first.Seq {
		t.Fatalf("got %+v, want a duplicate with seq %d", got, first.Seq)
	}
}

func TestOldRepeats(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enter(newDevice(t, "bob"))
	var id chat.MessageID
	a.say("one", func(m *frame.MessageClaims) { id = m.ID })
	b.take()
	repeat := func(c *conn) []received {
		return c.send(c.message("one", func(m *frame.MessageClaims) { m.ID = id }))
	}
	w.clock.Advance(3 * time.Minute)
	if got := repeat(a); len(got) != 2 || !got[0].Dup {
		t.Fatalf("the repeat got %+v, want an ack as duplicate and the message", got)
	}
	if got := b.take(); len(got) != 0 {
		t.Fatalf("after an old repeat another member got %+v, want nothing", got)
	}
	w.clock.Advance(retention)
	got := repeat(w.enter(ada))
	if len(got) != 1 || !got[0].Dup || got[0].Seq != 1 {
		t.Fatalf("past retention the repeat got %+v, want only the ack of seq 1", got)
	}
	w.clock.Advance(retention)
	w.store.Expire() // removes the entry, not its id
	if got := repeat(w.enter(ada)); len(got) != 1 || !got[0].Dup || got[0].Seq != 1 {
		t.Fatalf("after expiry the repeat got %+v, want only the ack of seq 1", got)
	}
}
