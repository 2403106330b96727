package room_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// crowd lets n more connections hear the lobby, all of one device. Their ids
// come after those of connections that were dialled.
func (w *world) crowd(n int, d *device) []*conn {
	w.t.Helper()
	all := make([]*conn, n)
	for i := range all {
		all[i] = &conn{world: w, device: d, id: chat.Connection(fmt.Sprintf("crowd-%04d=", i)), at: w.clock.Now()}
		all[i].listen()
	}
	return all
}

// listen writes the connection's row with the device's newest key.
func (c *conn) listen() {
	c.t.Helper()
	must(c.t, c.store.AddListener(c.t.Context(), chat.Lobby, room.Listener{
		Connection:  c.id,
		ConnectedAt: c.at,
		User:        c.user,
		Device:      "crowd",
		Gen:         c.gen,
		Enc:         c.device.enc.Public().Modulus(),
	}))
}

// heard opens what connections got, which is want frames each, all of the text.
func heard(t *testing.T, all []*conn, want int, text string) {
	t.Helper()
	for _, c := range all {
		got := c.take()
		if len(got) != want {
			t.Fatalf("%s got %d frames, want %d", c.id, len(got), want)
		}
		for _, r := range got {
			if _, body := c.read(r); body != text {
				t.Fatalf("%s got %q, want %q", c.id, body, text)
			}
		}
	}
}

// deliver has what was handed over done, each times over.
func (w *world) deliver(times int) []room.Chunk {
	w.t.Helper()
	chunks := w.courier.Take()
	for _, chunk := range chunks {
		for range times {
			must(w.t, w.router.Deliver(w.t.Context(), chunk))
		}
	}
	return chunks
}

func TestLargeRoom(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(3*room.ChunkSize-50, newDevice(t, "crowd"))
	a.say("hello, everybody", nil) // got its own at once
	waiting := 0
	for _, c := range crowd {
		if len(w.hub.Take(c.id)) == 0 {
			waiting++
		}
	}
	if served := len(crowd) + 1 - waiting; served > room.ChunkSize || served < room.ChunkSize/2 {
		t.Errorf("the send posted to %d listeners", served)
	}
	w.clock.Advance(time.Second)

	a.say("again", nil)
	chunks := w.deliver(1)
	if len(chunks) != 4 { // two of each message
		t.Fatalf("got chunks %+v", chunks)
	}
	for _, c := range crowd {
		w.hub.Take(c.id)
	}
	a.say("once, each", nil)
	w.deliver(1)
	heard(t, crowd, 1, "once, each")

	a.say("events come at least once", nil)
	chunks = w.deliver(2)
	for _, c := range crowd {
		want := 1
		for _, chunk := range chunks {
			if chunk.First <= c.id && c.id <= chunk.Last {
				want = 2 // the same seq, which clients drop
			}
		}
		heard(t, []*conn{c}, want, "events come at least once")
	}
	if got := a.take(); len(got) != 0 {
		t.Errorf("the sender got %+v once more", got)
	}
}

func TestRoomOfOneChunkIsNotCut(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(room.ChunkSize-1, newDevice(t, "crowd"))
	a.say("hello", nil)
	if chunks := w.courier.Take(); len(chunks) != 0 {
		t.Errorf("got chunks %+v", chunks)
	}
	heard(t, crowd, 1, "hello")
}

// A chunk may wait in a queue. What it is posted to and sealed to is decided
// when it is posted.
func TestChunkGoesToWhoListensThen(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(2*room.ChunkSize, newDevice(t, "crowd"))
	w.clock.Advance(time.Hour)
	a.say("hello", nil)
	first, rest := crowd[0], crowd[100:]
	rotated, left, gone, young := rest[0], rest[1], rest[2], rest[3]
	first.take()

	next := *rotated.device
	next.enc, next.gen = newKey(t), 2
	rotated.device = &next
	rotated.listen()
	must(t, w.store.RemoveListener(t.Context(), chat.Lobby, left.id))
	must(t, w.hub.Close(t.Context(), gone.id))
	young.at = w.clock.Now()
	young.listen()
	must(t, w.hub.Close(t.Context(), young.id))

	w.deliver(1)
	heard(t, []*conn{rotated}, 1, "hello")
	heard(t, []*conn{left, gone, young}, 0, "")
	heard(t, rest[4:], 1, "hello")
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 1+len(crowd)-2 {
		t.Errorf("%d listeners are left of %d", len(listeners), 1+len(crowd))
	}
	for _, l := range listeners {
		if l.Connection == gone.id || l.Connection == left.id {
			t.Errorf("%s still listens", l.Connection)
		}
	}
}

func TestChunkThatIsNotHandedOver(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(4*room.ChunkSize, newDevice(t, "crowd"))
	var calls atomic.Int64
	w.before.always["HandOver"] = func() error {
		if calls.Add(1)%2 == 0 {
			return errors.New("Lambda is not to be had")
		}
		return nil
	}
	a.say("hello", nil)
	if chunks := w.deliver(1); len(chunks) != 2 {
		t.Fatalf("got chunks %+v", chunks)
	}
	heard(t, crowd, 1, "hello")
	if !strings.Contains(w.log.String(), "failed to hand over some chunks") {
		t.Error("nothing was logged")
	}
}

func TestChunkThatComesTooLate(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(room.ChunkSize+10, newDevice(t, "crowd"))
	a.say("hello", nil)
	chunk := w.courier.Take()[0]
	for _, c := range crowd {
		w.hub.Take(c.id)
	}
	other := chunk
	other.Epoch = "of a database that is no more"
	must(t, w.router.Deliver(t.Context(), other))
	*w.keys.unreadable = room.ErrDamaged
	must(t, w.router.Deliver(t.Context(), chunk)) // a repeat would not help
	*w.keys.unreadable = room.ErrBusy
	if err := w.router.Deliver(t.Context(), chunk); !errors.Is(err, room.ErrBusy) {
		t.Errorf("got %v, want an error, so that Lambda repeats it", err)
	}
	*w.keys.unreadable = nil
	w.clock.Advance(retention + time.Minute) // still in the database
	for _, c := range crowd {
		c.at = w.clock.Now()
		c.listen()
	}
	must(t, w.router.Deliver(t.Context(), chunk))
	heard(t, crowd, 0, "")
}

// Repeats are no way to have a large room posted to again and again.
func TestRepeatInALargeRoom(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	w.crowd(2*room.ChunkSize, newDevice(t, "crowd"))
	var id chat.MessageID
	a.say("hello", func(m *frame.MessageClaims) { id = m.ID })
	again := func() {
		t.Helper()
		got := a.send(a.message("other", func(m *frame.MessageClaims) { m.ID = id }))
		if len(got) != 2 || !got[0].Dup {
			t.Fatalf("the repeat got %+v", got)
		}
		if _, body := a.read(got[1]); body != "hello" {
			t.Fatalf("the repeat got %q", body)
		}
	}
	first := w.courier.Take()
	again()
	if second := w.courier.Take(); fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("a fresh repeat handed over %v, want %v", second, first)
	}
	w.clock.Advance(3 * time.Minute)
	again()
	if late := w.courier.Take(); len(late) != 0 {
		t.Errorf("a late repeat handed over %v", late)
	}
}

// What an asynchronous event says is all that Lambda's queue ever holds of a
// message.
func TestChunkSaysNothingOfItsMessage(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	w.crowd(room.ChunkSize, newDevice(t, "crowd"))
	a.say("hello", nil)
	data := string(encode(t, w.courier.Take()[0]))
	want := fmt.Sprintf(`{"room":"lobby","epoch":"%s","seq":1,"first":"crowd-0049=","last":"crowd-0099="}`,
		a.rooms[0].Epoch)
	if data != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
}

// Everybody is told of a new server key by the one function that made it.
func TestAnnouncementReachesALargeLobby(t *testing.T) {
	w := newWorld(t)
	w.enter(newDevice(t, "ada"))
	crowd := w.crowd(2*room.ChunkSize, newDevice(t, "crowd"))
	must(t, w.router.Service.Announce(t.Context()))
	for _, c := range crowd {
		got := c.take()
		c.expectOne(got, frame.TypeServerKey)
		if _, err := envelope.ParseSigned(got[0].KeySet, envelope.TypeKeys); err != nil {
			t.Fatal(err)
		}
	}
	if chunks := w.courier.Take(); len(chunks) != 0 {
		t.Errorf("got chunks %+v", chunks)
	}
}
