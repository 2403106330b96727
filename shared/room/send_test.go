package room_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// send sends a sealed message and returns the frames that the connection got.
func (c *conn) send(jwe string) []received {
	c.t.Helper()
	return c.do("sendMessage", frame.Request{JWE: jwe, Ref: "s"})
}

// say sends a text and returns the ack. The sender's own copy must follow it.
func (c *conn) say(text string, change func(*frame.MessageClaims)) received {
	c.t.Helper()
	got := c.send(c.message(text, change))
	if len(got) != 2 || got[0].Type != frame.TypeAck || got[0].Ref != "s" || got[1].Type != frame.TypeMessage {
		c.t.Fatalf("a send got %+v, want ack and message", got)
	}
	if _, body := c.read(got[1]); body != text {
		c.t.Fatalf("sent %q, got %q back", text, body)
	}
	return got[0]
}

// altered returns the token with another character in its last part.
func altered(token string) string {
	at := len(token) - 10
	with := "A"
	if token[at] == 'A' {
		with = "B"
	}
	return token[:at] + with + token[at+1:]
}

func TestMessageReachesEveryDevice(t *testing.T) {
	w := newWorld(t)
	ada, bob := newDevice(t, "ada"), newDevice(t, "bob")
	a, a2, b := w.enter(ada), w.enter(ada), w.enter(bob)
	ack := a.say("hello", nil)
	if ack.Seq != 1 || ack.Dup || ack.Epoch != a.rooms[0].Epoch {
		t.Fatalf("got ack %+v, want seq 1 in epoch %s", ack, a.rooms[0].Epoch)
	}
	for _, c := range []*conn{a2, b} {
		got := c.take()
		if len(got) != 1 {
			t.Fatalf("got %+v, want one frame", got)
		}
		m, body := c.read(got[0])
		if body != "hello" || m.From != "ada" || m.Seq != 1 ||
			string(m.Device) != ada.signing.Thumbprint() || m.StoredAt != w.clock.Now().UnixMilli() {
			t.Fatalf("got %q in %+v, want hello from ada with seq 1", body, m)
		}
	}
}

func TestRepeatIsStoredOnce(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enter(newDevice(t, "bob"))
	id := chat.MessageID(ulid.Make().String())
	first := a.say("the first text", func(m *frame.MessageClaims) { m.ID = id })
	b.take()

	again := w.enter(ada) // after a reconnect, with another session and another text
	got := again.send(again.message("another text", func(m *frame.MessageClaims) { m.ID = id }))
	if len(got) != 2 || !got[0].Dup || got[0].Seq != first.Seq {
		t.Fatalf("the repeat got %+v, want a duplicate with seq %d and the message", got, first.Seq)
	}
	for _, c := range []struct {
		*conn
		frames []received
	}{{again, got[1:]}, {b, b.take()}} {
		if _, body := c.read(c.frames[0]); body != "the first text" {
			t.Fatalf("got %q, want the first text", body)
		}
	}
	a.take()
	if ack := a.say("next", nil); ack.Seq != 2 {
		t.Fatalf("got ack %+v, want seq 2: the repeat must not take one", ack)
	}
}

// TestReplayOnAnotherConnection verifies that a message is bound to its
// session. Vulnerability: a service that decrypts for anyone. Attack: mallory
// records ada's frame and sends it on her own connection, so that the service
// decrypts it and delivers it to her. The token must be refused, mallory's
// connection closed, and nothing stored.
func TestReplayOnAnotherConnection(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, mallory := w.enter(ada), w.enter(newDevice(t, "mallory"))
	captured := a.message("for the lobby", nil)
	mallory.expect(mallory.send(captured), chat.BadSignature)

	second := w.enter(ada) // another connection of ada's device
	second.expect(second.send(captured), chat.SessionMismatch)
	tail, err := w.store.Tail(t.Context(), chat.Lobby, a.rooms[0].Epoch)
	must(t, err)
	if tail.Seq != 0 {
		t.Fatalf("got head %d, want 0: the replay was stored", tail.Seq)
	}
	a.say("still here", nil)
}

func TestRefusedMessages(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	stranger := newDevice(t, "ada")
	for name, test := range map[string]struct {
		jwe  func(c *conn) string
		want *chat.Error
	}{
		"no token":      {func(c *conn) string { return "x" }, chat.BadEnvelope},
		"altered token": {func(c *conn) string { return altered(c.message("x", nil)) }, chat.BadEnvelope},
		"another session": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.SID = "another" })
		}, chat.SessionMismatch},
		"another user": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.Sub = "bob" })
		}, chat.SessionMismatch},
		"another skid": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.SKID = strings.Repeat("A", 43) })
		}, chat.SessionMismatch},
		"another version": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.V = 1 })
		}, chat.BadEnvelope},
		"malformed id": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.ID = "1" })
		}, chat.BadEnvelope},
		"lower-case id": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.ID = chat.MessageID(strings.ToLower(string(m.ID))) })
		}, chat.BadEnvelope},
		"malformed room": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.Room = "No Room" })
		}, chat.RoomInvalid},
		"another room": {func(c *conn) string {
			return c.message("x", func(m *frame.MessageClaims) { m.Room = "den" })
		}, chat.NotAMember},
		"long text": {func(c *conn) string {
			return c.message(strings.Repeat("x", chat.MaxBody+1), nil)
		}, chat.BodyTooLarge},
		"claims twice": {func(c *conn) string {
			return c.sealed(c.signing, []byte(`{"v":2,"v":2}`))
		}, chat.BadEnvelope},
		"another's signature": {func(c *conn) string {
			return c.sealed(stranger.signing, encode(t, frame.MessageClaims{
				V:    frame.Version,
				SID:  c.sid,
				Sub:  "ada",
				SKID: c.server.Thumbprint(),
				Room: "lobby",
				ID:   chat.MessageID(ulid.Make().String()),
				Body: "x",
			}))
		}, chat.BadSignature},
		"no signature": {func(c *conn) string {
			jwe, err := envelope.Seal(c.server, envelope.TypeSend, []byte("hello"))
			must(t, err)
			return jwe
		}, chat.BadEnvelope},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.enter(ada)
			c.expect(c.send(test.jwe(c)), test.want)
		})
	}
	tail, err := w.store.Tail(t.Context(), chat.Lobby, w.enter(ada).rooms[0].Epoch)
	must(t, err)
	if tail.Seq != 0 {
		t.Fatalf("got head %d, want 0: a refused message was stored", tail.Seq)
	}
}

func TestUnknownServerKeyBringsTheKeySet(t *testing.T) {
	c := newWorld(t).enter(newDevice(t, "ada"))
	newest := c.server
	c.server = newKey(t).Public()
	got := c.send(c.message("x", nil))
	c.expect(got, chat.StaleServerKey)
	if got[0].KeySet != c.keyset {
		t.Fatalf("got the key set %q in the error frame, want %q", got[0].KeySet, c.keyset)
	}
	c.server = newest
	c.say("x", nil)
}

func TestOldServerKeyStillOpens(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	must(t, w.keys.Rotate(t.Context()))
	c.say("sealed to the key before", nil)
	fresh := w.enter(newDevice(t, "bob"))
	if fresh.server.Thumbprint() == c.server.Thumbprint() {
		t.Fatal("the key set still lists the old key first")
	}
	fresh.say("sealed to the new key", nil)
}

func TestGoneListenersAreRemoved(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	must(t, w.hub.Close(t.Context(), b.id))
	a.say("one", nil) // the connection is too young to count as gone
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 2 {
		t.Fatalf("got %d listeners, want 2", len(listeners))
	}
	w.clock.Advance(time.Minute)
	a.say("two", nil)
	listeners, err = w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 1 || listeners[0].Connection != a.id {
		t.Fatalf("got the listeners %v, want only the sender", listeners)
	}
}
