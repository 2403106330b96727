package room_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// inRoom makes a message one of the room.
func inRoom(name chat.Room) func(*frame.MessageClaims) {
	return func(m *frame.MessageClaims) { m.Room = name }
}

func TestJoinAndLeave(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, a2, b := w.enter(ada), w.enter(ada), w.enter(newDevice(t, "bob"))
	a.expect(a.do("joinRoom", frame.Request{Room: "den"}), chat.RoomInvalid)
	for range 2 { // a repeat is answered like the first
		a.expectOne(a.do("createRoom", frame.Request{Room: "den"}), frame.TypeCreated)
	}
	for range 2 {
		got := a.do("joinRoom", frame.Request{Room: "den"})
		if len(got) != 1 || got[0].Type != frame.TypeJoined || got[0].Epoch == "" || got[0].Head != 0 ||
			got[0].Floor != 1 {
			t.Fatalf("got %+v, want joined with an empty room", got)
		}
	}
	a.say("hello den", inRoom("den"))
	if got := a2.take(); len(got) != 1 || got[0].Room != "den" {
		t.Fatalf("the user's other connection got %+v, want one message of den", got)
	}
	if got := b.take(); len(got) != 0 {
		t.Fatalf("a user who is not a member got %+v, want nothing", got)
	}
	b.expect(b.do("history", frame.Request{Room: "den"}), chat.NotAMember)
	b.expect(b.do("createRoom", frame.Request{Room: "den"}), chat.RoomTaken)
	b.expectOne(b.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	if w.enter(ada).rooms[1].Head != 1 {
		t.Fatal("the welcome does not list the room with its head")
	}

	for range 2 {
		if got := a.do("leaveRoom", frame.Request{Room: "den"}); len(got) != 1 || got[0].Type != frame.TypeLeft {
			t.Fatalf("got %+v, want left", got)
		}
	}
	got := a.send(a.message("x", inRoom("den")))
	a.expect(got, chat.NotAMember)
	b.say("alone", inRoom("den"))
	if got := a2.take(); len(got) != 0 {
		t.Fatalf("after leaving, the other connection got %+v, want nothing", got)
	}
}

func TestTooManyRooms(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	for i := range chat.MaxRooms - 1 { // the lobby is one
		w.clock.Advance(time.Second)
		c.enterRoom(chat.Room(fmt.Sprintf("room-%d", i)))
	}
	c.expect(c.do("createRoom", frame.Request{Room: "one-more"}), chat.TooManyRooms)
	c.enterRoom("room-0")
}

// page asks for history and opens it.
func (c *conn) page(after chat.Seq, limit int) (received, []string) {
	c.t.Helper()
	got := c.do("history", frame.Request{Room: "lobby", After: after, Limit: limit})
	if len(got) != 1 || got[0].Type != frame.TypeHistory {
		c.t.Fatalf("got %+v, want one history frame", got)
	}
	var texts []string
	if got[0].JWE != "" {
		if len(got[0].JWE) > chat.MaxHistoryPage {
			c.t.Fatalf("got a page of %d bytes, want at most %d", len(got[0].JWE), chat.MaxHistoryPage)
		}
		var plain frame.HistoryPlain
		c.open(got[0].JWE, envelope.TypeHistory, &plain)
		for i, m := range plain.Messages {
			if m.Seq != got[0].From+chat.Seq(i) {
				c.t.Fatalf("got seq %d at place %d of a page from %d", m.Seq, i, got[0].From)
			}
			texts = append(texts, c.text(m))
		}
	}
	return got[0], texts
}

func TestHistoryPages(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	const count = 60
	for i := range count {
		a.say(fmt.Sprintf("%d %s", i+1, strings.Repeat("x", 1000)), nil)
		w.clock.Advance(time.Second)
	}
	late := w.enter(newDevice(t, "carol"))
	if state := late.rooms[0]; state.Head != count || state.Floor != 1 {
		t.Fatalf("got the state %+v in the welcome, want head %d and floor 1", state, count)
	}
	next := 1
	for after := chat.Seq(0); ; {
		page, texts := late.page(after, 0)
		for _, text := range texts {
			if !strings.HasPrefix(text, fmt.Sprintf("%d ", next)) {
				t.Fatalf("got %q, want message %d", text[:10], next)
			}
			next++
		}
		if page.Head != count || page.From != after+1 || int(page.To) != next-1 {
			t.Fatalf("got the page %+v with %d texts, want one from %d to %d", page, len(texts), after+1, next-1)
		}
		if !page.More {
			break
		}
		if len(texts) < 5 {
			t.Fatalf("got a page of %d messages, want at least 5", len(texts))
		}
		after = page.To
	}
	if next != count+1 {
		t.Fatalf("the history ended before message %d, want %d messages", next, count)
	}
	if page, texts := late.page(10, 3); len(texts) != 3 || page.From != 11 || page.To != 13 || !page.More {
		t.Fatalf("got %d texts on %+v, want 3 from 11 to 13 and more", len(texts), page)
	}
	for _, after := range []chat.Seq{count, count + 100} {
		if page, texts := late.page(after, 0); len(texts) != 0 || page.From != after+1 ||
			page.To != after || page.More || page.JWE != "" {
			t.Fatalf("got the page %+v, want an empty one after %d", page, after)
		}
	}
}

func TestLongestMessage(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	text := strings.Repeat("é", chat.MaxBody/2)
	a.say(text, nil)
	if _, got := b.read(b.take()[0]); got != text {
		t.Fatal("the delivered text differs from the sent one")
	}
	got := b.do("history", frame.Request{Room: "lobby"})
	var plain frame.HistoryPlain
	b.open(got[0].JWE, envelope.TypeHistory, &plain)
	if b.text(plain.Messages[0]) != text {
		t.Fatal("the text in the history differs from the sent one")
	}
}

func TestRetention(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	for range 3 {
		a.say("old", nil)
	}
	w.clock.Advance(retention - time.Hour)
	a = w.enter(ada)
	a.say("young", nil)
	w.clock.Advance(90 * time.Minute) // the first three are past retention and still in the database
	a = w.enter(ada)
	if state := a.rooms[0]; state.Head != 4 || state.Floor != 4 {
		t.Fatalf("got %+v, want head and floor 4", state)
	}
	if page, texts := a.page(0, 0); len(texts) != 1 || texts[0] != "young" || page.From != 4 {
		t.Fatalf("got %v on %+v, want only young, from 4", texts, page)
	}

	// All expire, and the database deletes them: seqs continue after the
	// ceiling.
	w.clock.Advance(2 * retention)
	w.store.Expire()
	a = w.enter(ada)
	state := a.rooms[0]
	if state.Head < 4 || state.Floor != state.Head+1 {
		t.Fatalf("got the state %+v of an empty log, want floor head+1 and head 4 or more", state)
	}
	if ack := a.say("new", nil); ack.Seq != state.Head+1 {
		t.Fatalf("got seq %d, want the one after head %d", ack.Seq, state.Head)
	}
	if page, texts := a.page(0, 0); len(texts) != 1 || page.From != state.Floor {
		t.Fatalf("got %v on %+v, want only new, from %d", texts, page, state.Floor)
	}
}

func TestPing(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	a.say("one", nil)
	a.enterRoom("den")
	got := a.do("ping", frame.Request{Ref: "x"})
	if len(got) != 1 || got[0].Ref != "x" || len(got[0].Heads) != 2 || got[0].Heads["lobby"].Head != 1 ||
		got[0].Heads["lobby"].Epoch != a.rooms[0].Epoch {
		t.Fatalf("got %+v, want the heads of lobby and den", got)
	}
	got = a.do("ping", frame.Request{Heads: map[chat.Room]chat.Seq{"den": 0, "others": 3}})
	if len(got) != 1 || len(got[0].Heads) != 1 || got[0].Heads["den"].Head != 0 {
		t.Fatalf("got %+v, want only the head of den", got)
	}
}

// TestWipedDatabaseMeansAnotherEpoch wants another epoch after the database was
// wiped, so that clients forget their seqs.
func TestWipedDatabaseMeansAnotherEpoch(t *testing.T) {
	ada := newDevice(t, "ada")
	before, after := newWorld(t).enter(ada), newWorld(t).enter(ada)
	if before.rooms[0].Epoch == after.rooms[0].Epoch {
		t.Errorf("got epoch %s of two databases, want different ones", after.rooms[0].Epoch)
	}
	for _, c := range []*conn{before, after} {
		c.do("createRoom", frame.Request{Room: "den"})
	}
	a, b := before.do("joinRoom", frame.Request{Room: "den"}), after.do("joinRoom", frame.Request{Room: "den"})
	if a[0].Epoch == "" || a[0].Epoch == b[0].Epoch {
		t.Errorf("got the epochs %q and %q, want different ones", a[0].Epoch, b[0].Epoch)
	}
}
