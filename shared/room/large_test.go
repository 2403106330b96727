package room_test

import (
	"encoding/base64"
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

// crowd adds n listeners of the lobby, all of one device. Their ids sort after
// those of connections that were dialled.
func (w *world) crowd(n int, d *device) []*conn {
	w.t.Helper()
	first := w.enter(newDevice(w.t, "crowd-first")) // reads the key set
	must(w.t, w.store.RemoveListener(w.t.Context(), chat.Lobby, first.id))
	first.nonce = chat.NewNonce()
	sk := first.newSecret()
	first.derive(sk)
	all := make([]*conn, n)
	for i := range all {
		c := *first
		c.device, c.id, c.at = d, chat.Connection(fmt.Sprintf("crowd-%04d=", i)), w.clock.Now()
		c.wrapped = c.wrap(sk)
		all[i] = &c
		all[i].listen()
	}
	return all
}

// wrap returns the wrapped key of the session with the secret sk, as a
// handshake with the proof sk would make it.
func (c *conn) wrap(sk string) []byte {
	c.t.Helper()
	nonce, err := base64.RawURLEncoding.DecodeString(c.nonce)
	must(c.t, err)
	place := strings.Join([]string{string(c.id), string(c.user), "crowd"}, "|")
	_, toClient, err := c.keys.OpenSession(c.t.Context(), sk, nonce, sk, []byte(place))
	must(c.t, err)
	return toClient
}

// listen writes the connection's listener with the device's newest key.
func (c *conn) listen() {
	c.t.Helper()
	must(c.t, c.store.AddListener(c.t.Context(), chat.Lobby, room.Listener{
		Connection:  c.id,
		ConnectedAt: c.at,
		User:        c.user,
		Device:      "crowd",
		Gen:         c.gen,
		Enc:         c.device.enc.Public().Modulus(),
		ToClient:    c.wrapped,
	}))
}

// expectText wants want frames with the text on each connection.
func expectText(t *testing.T, all []*conn, want int, text string) {
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

// deliver delivers the chunks that were handed over, each the given number of
// times.
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
	a.say("hello", nil) // the sender gets its copy at once
	waiting := 0
	for _, c := range crowd {
		if len(w.hub.Take(c.id)) == 0 {
			waiting++
		}
	}
	if served := len(crowd) + 1 - waiting; served > room.ChunkSize || served < room.ChunkSize/2 {
		t.Errorf("the send posted to %d listeners, want one chunk", served)
	}
	w.clock.Advance(time.Second)

	a.say("again", nil)
	chunks := w.deliver(1)
	if len(chunks) != 4 { // two of each message
		t.Fatalf("got the chunks %+v, want 4", chunks)
	}
	for _, c := range crowd {
		w.hub.Take(c.id)
	}
	a.say("once, each", nil)
	w.deliver(1)
	expectText(t, crowd, 1, "once, each")

	a.say("events come at least once", nil)
	chunks = w.deliver(2)
	for _, c := range crowd {
		want := 1
		for _, chunk := range chunks {
			if chunk.First <= c.id && c.id <= chunk.Last {
				want = 2 // clients drop the second, by its seq
			}
		}
		expectText(t, []*conn{c}, want, "events come at least once")
	}
	if got := a.take(); len(got) != 0 {
		t.Errorf("the sender got %+v, want nothing more", got)
	}
}

func TestRoomOfOneChunkIsNotSplit(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(room.ChunkSize-1, newDevice(t, "crowd"))
	a.say("hello", nil)
	if chunks := w.courier.Take(); len(chunks) != 0 {
		t.Errorf("got the chunks %+v, want none", chunks)
	}
	expectText(t, crowd, 1, "hello")
}

// TestChunkGoesToCurrentListeners changes listeners while a chunk waits in the
// queue: it goes to those at the time of delivery, under their keys then.
func TestChunkGoesToCurrentListeners(t *testing.T) {
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
	expectText(t, []*conn{rotated}, 1, "hello")
	expectText(t, []*conn{left, gone, young}, 0, "")
	expectText(t, rest[4:], 1, "hello")
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 1+len(crowd)-2 {
		t.Errorf("got %d listeners, want %d", len(listeners), 1+len(crowd)-2)
	}
	for _, l := range listeners {
		if l.Connection == gone.id || l.Connection == left.id {
			t.Errorf("got the listener %s, want it removed", l.Connection)
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
			return errors.New("Lambda is not available")
		}
		return nil
	}
	a.say("hello", nil)
	if chunks := w.deliver(1); len(chunks) != 2 {
		t.Fatalf("got the chunks %+v, want the 2 that were handed over", chunks)
	}
	expectText(t, crowd, 1, "hello")
	if !strings.Contains(w.log.String(), "failed to hand over some chunks") {
		t.Errorf("got the log %s, want a line about the hand-over", w.log)
	}
}

func TestChunksThatCannotBeDelivered(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(room.ChunkSize+10, newDevice(t, "crowd"))
	a.say("hello", nil)
	chunk := w.courier.Take()[0]
	for _, c := range crowd {
		w.hub.Take(c.id)
	}
	other := chunk
	other.Epoch = "of another database"
	must(t, w.router.Deliver(t.Context(), other))
	*w.keys.unreadable = room.ErrDamaged
	must(t, w.router.Deliver(t.Context(), chunk)) // a retry would not help
	*w.keys.unreadable = room.ErrBusy
	if err := w.router.Deliver(t.Context(), chunk); !errors.Is(err, room.ErrBusy) {
		t.Errorf("got error %v, want ErrBusy, so that Lambda retries", err)
	}
	*w.keys.unreadable = nil
	w.clock.Advance(retention + time.Minute) // still in the database
	for _, c := range crowd {
		c.at = w.clock.Now()
		c.listen()
	}
	must(t, w.router.Deliver(t.Context(), chunk))
	expectText(t, crowd, 0, "")
}

// TestRepeatInALargeRoom wants only a fresh repeat to be delivered to all.
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
			t.Fatalf("the repeat got %+v, want an ack as duplicate and the message", got)
		}
		if _, body := a.read(got[1]); body != "hello" {
			t.Fatalf("the repeat got %q, want hello", body)
		}
	}
	first := w.courier.Take()
	again()
	if second := w.courier.Take(); fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("after a fresh repeat: got the chunks %v, want %v", second, first)
	}
	w.clock.Advance(3 * time.Minute)
	again()
	if late := w.courier.Take(); len(late) != 0 {
		t.Errorf("after a late repeat: got the chunks %v, want none", late)
	}
}

// TestChunkHasNoText wants nothing of a message's text in Lambda's queue.
func TestChunkHasNoText(t *testing.T) {
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

// TestAnnouncementReachesALargeLobby wants a new key set posted to all by the
// one function that rotated, without hand-overs.
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
		t.Errorf("got the chunks %+v, want none", chunks)
	}
}
