package room_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Expired rows may stay in the database for days. In these tests they stay for
// ever: nothing calls memory.Store.Expire.

// TestRowsOfDeadConnections ends a connection without a $disconnect, which
// leaves its row, a row of its user and its listeners.
func TestRowsOfDeadConnections(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	dead := w.enter(ada)
	dead.enterRoom("den")
	w.clock.Advance(chat.ConnectionRowLifetime + time.Second)

	alive, bob := w.enter(ada), w.enter(newDevice(t, "bob"))
	bob.enterRoom("den")
	alive.enterRoom("loft") // for all of the user's connections
	bob.enterRoom("loft")
	for _, room := range []chat.Room{"lobby", "den", "loft"} {
		bob.say("hello", inRoom(room))
		if got := alive.take(); len(got) != 1 || got[0].Room != room {
			t.Errorf("in %s the open connection got %+v, want one message of the room", room, got)
		}
	}
	if got := dead.take(); len(got) != 0 {
		t.Errorf("the dead connection got %+v, want nothing", got)
	}
	for _, action := range []string{"sendMessage", "history", "ping", "joinRoom"} {
		got := dead.do(action, frame.Request{Room: "den", JWE: "x"})
		dead.expect(got, chat.HandshakeRequired)
	}
}

// TestMessagesPastRetention wants expired messages in no page and below every
// floor.
func TestMessagesPastRetention(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	for _, text := range []string{"one", "two"} {
		a.say(text, nil)
	}
	w.clock.Advance(retention + time.Second)
	a = w.enter(ada)
	if state := a.rooms[0]; state.Head != 2 || state.Floor != 3 {
		t.Errorf("got the state %+v in the welcome, want head 2 and floor 3", state)
	}
	got := a.do("joinRoom", frame.Request{Room: "lobby"})
	if len(got) != 1 || got[0].Head != 2 || got[0].Floor != 3 {
		t.Errorf("got %+v in joined, want head 2 and floor 3", got)
	}
	for after := range chat.Seq(4) {
		page, texts := a.page(after, 0)
		if len(texts) != 0 || page.Floor != 3 || page.From != max(after+1, 3) || page.More {
			t.Errorf("after %d: got %v on %+v, want an empty page from %d with floor 3", after, texts,
				page, max(after+1, 3))
		}
	}
	if ack := a.say("three", nil); ack.Seq != 3 {
		t.Errorf("got seq %d for the next message, want 3", ack.Seq)
	}
	if _, texts := a.page(0, 0); !slices.Equal(texts, []string{"three"}) {
		t.Errorf("got the log %v, want [three]", texts)
	}
}

// TestRetentionThatChanges wants a shorter retention to hold at once, and a
// longer one not to bring messages back that the database may be deleting.
func TestRetentionThatChanges(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	expect := func(retention time.Duration, want ...string) {
		t.Helper()
		w.retention = retention
		w.compose(w.store, w.hub)
		if _, texts := w.enter(ada).page(0, 0); !slices.Equal(texts, want) {
			t.Errorf("under %v: got the log %v, want %v", retention, texts, want)
		}
	}
	const day = 24 * time.Hour
	w.enter(ada).say("old", nil)
	w.clock.Advance(10 * day)
	w.enter(ada).say("young", nil)
	expect(30*day, "old", "young")
	expect(7*day, "young")
	expect(30*day, "old", "young")
	w.clock.Advance(21 * day)
	expect(30*day, "young")
	expect(300*day, "young")
}
