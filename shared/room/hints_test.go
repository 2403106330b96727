package room_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// hints returns one frame of each hint, for a room.
func hints(room chat.Room) []frame.Request {
	return []frame.Request{
		{
			Action: frame.ActionTyping,
			Room:   room,
		}, {
			Action:    frame.ActionMark,
			Room:      room,
			Delivered: 5,
			Read:      3,
		}, {
			Action: frame.ActionPresence,
			Room:   room,
		},
	}
}

func TestHintsReachTheOtherConnections(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, a2, b, outside := w.enter(ada), w.enter(ada), w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "mallory"))
	a.enterRoom("den")
	b.enterRoom("den")

	if got := a.do("typing", frame.Request{Room: "den", Ref: "r"}); len(got) != 0 {
		t.Errorf("the sender of typing got %+v, want nothing", got)
	}
	for _, other := range []*conn{a2, b} {
		got := other.take()
		if len(got) != 1 || got[0].Type != frame.TypeTyping || got[0].Room != "den" ||
			got[0].User != "ada" || got[0].Ref != "" {
			t.Errorf("another connection of the room got %+v, want typing of ada", got)
		}
	}
	if got := a.do("mark", frame.Request{Room: "den", Delivered: 5, Read: 3}); len(got) != 0 {
		t.Errorf("the sender of mark got %+v, want nothing", got)
	}
	for _, other := range []*conn{a2, b} {
		got := other.take()
		if len(got) != 1 || got[0].Type != frame.TypeMark || got[0].Room != "den" ||
			got[0].User != "ada" || got[0].Delivered != 5 || got[0].Read != 3 {
			t.Errorf("another connection of the room got %+v, want the mark of ada", got)
		}
	}
	if got := outside.take(); len(got) != 0 {
		t.Errorf("a user outside the room got %+v, want nothing", got)
	}
	for _, f := range hints("den") {
		outside.expect(outside.do(f.Action, f), chat.NotAMember)
	}
	b.expectOne(b.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
	for _, f := range hints("den") {
		b.expect(b.do(f.Action, f), chat.NotAMember)
	}
	if got := append(a.take(), a2.take()...); len(got) != 0 {
		t.Errorf("the room got %+v of users outside it, want nothing", got)
	}
}

func TestPresence(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	b, a := w.enter(newDevice(t, "bob")), w.enter(ada)
	w.enter(ada)
	ask := func(name chat.Room) []chat.User {
		t.Helper()
		got := a.do("presence", frame.Request{Room: name, Ref: "r"})
		if len(got) != 1 || got[0].Type != frame.TypePresence || got[0].Ref != "r" ||
			got[0].Room != name || got[0].More {
			t.Fatalf("got %+v, want the presence of all of %s", got, name)
		}
		return got[0].Users
	}
	if got := ask("lobby"); !slices.Equal(got, []chat.User{"ada", "bob"}) {
		t.Errorf("lobby: got %v, want ada and bob", got)
	}
	a.enterRoom("den")
	if got := ask("den"); !slices.Equal(got, []chat.User{"ada"}) {
		t.Errorf("den: got %v, want ada", got)
	}
	b.raw("$disconnect", "")
	if got := ask("lobby"); !slices.Equal(got, []chat.User{"ada"}) {
		t.Errorf("lobby after bob has disconnected: got %v, want ada", got)
	}
	w.clock.Advance(chat.ConnectionRowLifetime + time.Second) // no $disconnect came
	a = w.enter(ada)
	if got := ask("lobby"); !slices.Equal(got, []chat.User{"ada"}) {
		t.Errorf("lobby after the rows have expired: got %v, want ada", got)
	}
}

func TestPresenceOfALargeRoom(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	d := newDevice(t, "crowd")
	listen := func(n int, user string) {
		t.Helper()
		must(t, w.store.AddListener(t.Context(), chat.Lobby, room.Listener{
			Connection:  chat.Connection(fmt.Sprintf("zz-%04d=", n)),
			ConnectedAt: w.clock.Now(),
			User:        chat.User(user),
			Device:      "crowd",
			Gen:         1,
			Enc:         d.enc.Public().Modulus(),
		}))
	}
	ask := func() received {
		t.Helper()
		got := a.do("presence", frame.Request{Room: "lobby"})
		if len(got) != 1 || got[0].Type != frame.TypePresence || !slices.IsSorted(got[0].Users) {
			t.Fatalf("got %+v, want a sorted presence", got)
		}
		return got[0]
	}
	for i := range chat.MaxPresence - 1 {
		listen(i, fmt.Sprintf("user-%d", i))
	}
	if got := ask(); len(got.Users) != chat.MaxPresence || got.More {
		t.Errorf("got %d users, more %v, want %d and no more", len(got.Users), got.More, chat.MaxPresence)
	}
	listen(1000, "one-more")
	if got := ask(); len(got.Users) != chat.MaxPresence || !got.More {
		t.Errorf("got %d users, more %v, want %d and more", len(got.Users), got.More, chat.MaxPresence)
	}
}

// TestPresenceOfManyConnections reads more connections than Presence looks at:
// the answer must say that there may be other users.
func TestPresenceOfManyConnections(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	w.crowd(2*chat.MaxPresence, newDevice(t, "crowd")) // and ada
	got := a.do("presence", frame.Request{Room: "lobby"})
	if len(got) != 1 || !got[0].More || len(got[0].Users) == 0 {
		t.Errorf("got %+v, want users and more", got)
	}
}

func TestLargeRoomHasNoTyping(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	crowd := w.crowd(room.ChunkSize-1, newDevice(t, "crowd"))
	for _, f := range hints("lobby")[:2] {
		a.do(f.Action, f)
		for _, c := range crowd {
			if got := c.take(); len(got) != 1 || got[0].Type != f.Action {
				t.Fatalf("in a room of 100 a listener got %+v, want %s", got, f.Action)
			}
		}
	}
	one := w.enter(newDevice(t, "bob"))
	for _, f := range hints("lobby")[:2] {
		if got := a.do(f.Action, f); len(got) != 0 {
			t.Errorf("%s got %+v, want nothing", f.Action, got)
		}
		for _, c := range append(crowd, one) {
			if got := c.take(); len(got) != 0 {
				t.Fatalf("in a room of 101 a listener got %+v, want nothing", got)
			}
		}
	}
	if chunks := w.courier.Take(); len(chunks) != 0 {
		t.Errorf("got the chunks %+v, want none", chunks)
	}
}

// rateOnly is a store that allows only the calls that a hint needs: the only
// writes are those of the rates. Every other call panics.
type rateOnly struct {
	room.Store // nil
	real       room.Store
}

func (s rateOnly) Connection(ctx context.Context, id chat.Connection) (*room.Connection, error) {
	return s.real.Connection(ctx, id)
}

func (s rateOnly) Admit(ctx context.Context, user chat.User, id chat.Device, now time.Time) (*room.Device, error) {
	return s.real.Admit(ctx, user, id, now)
}

func (s rateOnly) Spend(ctx context.Context, rate room.Rate, now time.Time, draws ...room.Draw) ([]time.Time, error) {
	return s.real.Spend(ctx, rate, now, draws...)
}

func (s rateOnly) IsMember(ctx context.Context, name chat.Room, user chat.User) (bool, error) {
	return s.real.IsMember(ctx, name, user)
}

func (s rateOnly) FirstListeners(ctx context.Context, name chat.Room, n int) ([]room.Listener, bool, error) {
	return s.real.FirstListeners(ctx, name, n)
}

func TestHintsWriteOnlyTheRates(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	for _, c := range []*conn{a, b} {
		c.enterRoom("den")
	}
	w.compose(rateOnly{real: w.store}, w.hub)
	for _, f := range hints("den") {
		got := append(a.do(f.Action, f), b.take()...)
		if len(got) != 1 || got[0].Type != f.Action {
			t.Errorf("%s: got %+v, want one frame of that type", f.Action, got)
		}
	}
}

func TestHintsSpendTheRate(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	all := hints("lobby")
	for i := range chat.DeviceBurst {
		f := all[i%len(all)]
		for _, r := range c.do(f.Action, f) {
			if r.Type == frame.TypeError {
				t.Fatalf("frame %d got %+v, want no error", i, r)
			}
		}
	}
	for _, f := range all {
		c.expect(c.do(f.Action, f), chat.RateLimited)
	}
}

func TestHintRemovesGoneListeners(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	must(t, w.hub.Close(t.Context(), b.id))
	a.do("typing", frame.Request{Room: "lobby"})
	if w.listening("bob", chat.Lobby) != 1 {
		t.Error("the listener of a young connection was removed")
	}
	w.clock.Advance(time.Minute)
	a.do("typing", frame.Request{Room: "lobby"})
	if w.listening("bob", chat.Lobby) != 0 {
		t.Error("the listener of a gone connection was not removed")
	}
}
