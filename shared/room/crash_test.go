package room_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// once runs f at the next such call and lets later ones pass.
func (w *world) once(call string, f func() error) {
	w.before.Lock()
	defer w.before.Unlock()
	w.before.once[call] = f
}

// errDied stands for an instance that dies: what it would have done next never
// happens, and nobody gets an answer worth having.
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
	c.expectOne(c.prove(c.proof(nil)), frame.TypeWelcome) // and not name_taken
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
			w.enter(ada) // the client comes back with the pair that it has
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
		c.expectOne(c.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	}
	w.once("RemoveMember", func() error { return errDied })
	a.expectOne(a.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeError)
	b.say("without ada", inRoom("den"))
	for _, c := range []*conn{a, other} {
		if got := c.take(); len(got) != 0 {
			t.Fatalf("got %+v", got)
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
		t.Fatalf("left behind: %v and %v", listeners, connections)
	}
}

// A failure that passes must not look like an entry that is damaged, which
// clients count as seen.
func TestUnreadableEntries(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	c.say("one", nil)
	*w.keys.unreadable = room.ErrBusy
	c.expect(c.do("history", frame.Request{Room: "lobby"}), chat.TryAgain)
	*w.keys.unreadable = room.ErrDamaged
	if page, texts := c.page(0, 0); len(texts) != 0 || page.From != 1 || page.To != 1 || page.More {
		t.Fatalf("got %v on %+v", texts, page)
	}
	*w.keys.unreadable = nil
	if _, texts := c.page(0, 0); len(texts) != 1 {
		t.Fatalf("got %v", texts)
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
		t.Fatalf("got %+v", got)
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
		t.Fatalf("the repeater got %+v", got)
	}
	if got := b.take(); len(got) != 0 {
		t.Fatalf("an old repeat reached the room: %+v", got)
	}
	w.clock.Advance(retention)
	got := repeat(w.enter(ada))
	if len(got) != 1 || !got[0].Dup || got[0].Seq != 1 {
		t.Fatalf("past retention the repeater got %+v", got)
	}
	w.clock.Advance(retention)
	w.store.Expire() // its id is still there
	if got := repeat(w.enter(ada)); len(got) != 1 || !got[0].Dup || got[0].Seq != 1 {
		t.Fatalf("after expiry the repeater got %+v", got)
	}
}

func TestRoomRate(t *testing.T) {
	w := newWorld(t)
	meta, err := w.store.CreateRoom(t.Context(), chat.Lobby, "epoch", w.clock.Now())
	must(t, err)
	for seq := chat.Seq(1); seq <= chat.RoomRate; seq++ {
		must(t, w.store.Append(t.Context(), &room.Entry{
			Room:     chat.Lobby,
			Epoch:    meta.Epoch,
			Seq:      seq,
			ID:       chat.MessageID(time.Duration(seq).String()),
			StoredAt: w.clock.Now(),
			Expires:  w.clock.Now().Add(retention),
		}, 0))
	}
	c := w.enter(newDevice(t, "ada"))
	c.expect(c.send(c.message("one too many", nil)), chat.RateLimited)
	w.clock.Advance(chat.RoomRateWindow)
	c.say("later", nil)
}
