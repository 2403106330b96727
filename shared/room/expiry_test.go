package room_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// What has expired may stay in the database for days. In these tests it stays
// for ever: nothing calls memory.Store.Expire.

// A connection that ended without a $disconnect leaves rows of its own, of its
// user's and of its rooms'.
func TestRowsOfDeadConnections(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	dead := w.enter(ada)
	dead.expectOne(dead.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	w.clock.Advance(chat.ConnectionRowLifetime + time.Second)

	alive, bob := w.enter(ada), w.enter(newDevice(t, "bob"))
	bob.expectOne(bob.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	alive.expectOne(alive.do("joinRoom", frame.Request{Room: "loft"}),
		frame.TypeJoined) // for all of the user's connections
	bob.expectOne(bob.do("joinRoom", frame.Request{Room: "loft"}), frame.TypeJoined)
	for _, room := range []chat.Room{"lobby", "den", "loft"} {
		bob.say("hello", inRoom(room))
		if got := alive.take(); len(got) != 1 || got[0].Room != room {
			t.Errorf("in %s the living connection got %+v", room, got)
		}
	}
	if got := dead.take(); len(got) != 0 {
		t.Errorf("the dead connection got %+v", got)
	}
	for _, action := range []string{"sendMessage", "history", "ping", "joinRoom"} {
		got := dead.do(action, frame.Request{Room: "den", JWE: "x"})
		dead.expect(got, chat.HandshakeRequired)
	}
}

// Messages past their retention are nowhere to be had: not in a page, not by a
// repeat, not below the floor that everybody is told.
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
		t.Errorf("the welcome says %+v", state)
	}
	got := a.do("joinRoom", frame.Request{Room: "lobby"})
	if len(got) != 1 || got[0].Head != 2 || got[0].Floor != 3 {
		t.Errorf("joining says %+v", got)
	}
	for after := range chat.Seq(4) {
		page, texts := a.page(after, 0)
		if len(texts) != 0 || page.Floor != 3 || page.From != max(after+1, 3) || page.More {
			t.Errorf("after %d: %v on %+v", after, texts, page)
		}
	}
	if ack := a.say("three", nil); ack.Seq != 3 {
		t.Errorf("the next message is at %d", ack.Seq)
	}
	if _, texts := a.page(0, 0); !slices.Equal(texts, []string{"three"}) {
		t.Errorf("the log has %v", texts)
	}
}

// A shorter retention holds at once, and a longer one brings nothing back: the
// database may have begun to delete it.
func TestRetentionThatChanges(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	expect := func(retention time.Duration, want ...string) {
		t.Helper()
		w.retention = retention
		w.compose(w.store, w.hub)
		if _, texts := w.enter(ada).page(0, 0); !slices.Equal(texts, want) {
			t.Errorf("under %v the log has %v, want %v", retention, texts, want)
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
