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

// hints are frames of the three, for one room.
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

func TestHintsGoToTheRoomsOtherConnections(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, a2, b, outside := w.enter(ada), w.enter(ada), w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "mallory"))
	a.expectOne(a.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	b.expectOne(b.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)

	if got := a.do("typing", frame.Request{Room: "den", Ref: "r"}); len(got) != 0 {
		t.Errorf("who types got %+v", got)
	}
	for _, other := range []*conn{a2, b} {
		got := other.take()
		if len(got) != 1 || got[0].Type != frame.TypeTyping || got[0].Room != "den" ||
			got[0].User != "ada" || got[0].Ref != "" {
			t.Errorf("another connection of the room got %+v", got)
		}
	}
	if got := a.do("mark", frame.Request{Room: "den", Delivered: 5, Read: 3}); len(got) != 0 {
		t.Errorf("who marks got %+v", got)
	}
	for _, other := range []*conn{a2, b} {
		got := other.take()
		if len(got) != 1 || got[0].Type != frame.TypeMark || got[0].Room != "den" ||
			got[0].User != "ada" || got[0].Delivered != 5 || got[0].Read != 3 {
			t.Errorf("another connection of the room got %+v", got)
		}
	}
	if got := outside.take(); len(got) != 0 {
		t.Errorf("who is not in the room got %+v", got)
	}
	for _, f := range hints("den") {
		outside.expect(outside.do(f.Action, f), chat.NotAMember)
	}
	b.expectOne(b.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
	for _, f := range hints("den") {
		b.expect(b.do(f.Action, f), chat.NotAMember)
	}
	if got := append(a.take(), a2.take()...); len(got) != 0 {
		t.Errorf("the room heard %+v of who is not in it", got)
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
			t.Fatalf("got %+v", got)
		}
		return got[0].Users
	}
	if got := ask("lobby"); !slices.Equal(got, []chat.User{"ada", "bob"}) {
		t.Errorf("in the lobby are %v", got)
	}
	a.expectOne(a.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	if got := ask("den"); !slices.Equal(got, []chat.User{"ada"}) {
		t.Errorf("in the den are %v", got)
	}
	b.raw("$disconnect", "")
	if got := ask("lobby"); !slices.Equal(got, []chat.User{"ada"}) {
		t.Errorf("after bob has gone, in the lobby are %v", got)
	}
	w.clock.Advance(chat.ConnectionRowLifetime + time.Second) // nobody reported the ends
	a = w.enter(ada)
	if got := ask("lobby"); !slices.Equal(got, []chat.User{"ada"}) {
		t.Errorf("after all connections' time, in the lobby are %v", got)
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
			t.Fatalf("got %+v", got)
		}
		return got[0]
	}
	for i := range chat.MaxPresence - 1 {
		listen(i, fmt.Sprintf("user-%d", i))
	}
	if got := ask(); len(got.Users) != chat.MaxPresence || got.More {
		t.Errorf("of %d users: %d, more: %v", chat.MaxPresence, len(got.Users), got.More)
	}
	listen(1000, "one-more")
	if got := ask(); len(got.Users) != chat.MaxPresence || !got.More {
		t.Errorf("of one user more: %d, more: %v", len(got.Users), got.More)
	}
}

// A user with many connections must not hide that there are others.
func TestPresenceSaysWhenItHasNotLookedAtAll(t *testing.T) {
	w := newWorld(t)
	a := w.enter(newDevice(t, "ada"))
	w.crowd(2*chat.MaxPresence, newDevice(t, "crowd")) // and ada
	got := a.do("presence", frame.Request{Room: "lobby"})
	if len(got) != 1 || !got[0].More || len(got[0].Users) == 0 {
		t.Errorf("got %+v", got)
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
				t.Fatalf("in a room of 100 a listener got %+v", got)
			}
		}
	}
	one := w.enter(newDevice(t, "bob"))
	for _, f := range hints("lobby")[:2] {
		if got := a.do(f.Action, f); len(got) != 0 {
			t.Errorf("it is refused: %+v", got)
		}
		for _, c := range append(crowd, one) {
			if got := c.take(); len(got) != 0 {
				t.Fatalf("in a room of 101 a listener got %+v", got)
			}
		}
	}
	if chunks := w.courier.Take(); len(chunks) != 0 {
		t.Errorf("chunks were handed over: %+v", chunks)
	}
}

// rateOnly is a store in which nothing can be written but a device's rate: any
// other call than these panics.
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

func (s rateOnly) IsMember(ctx context.Context, name chat.Room, user chat.User) (bool, error) {
	return s.real.IsMember(ctx, name, user)
}

func (s rateOnly) FirstListeners(ctx context.Context, name chat.Room, n int) ([]room.Listener, bool, error) {
	return s.real.FirstListeners(ctx, name, n)
}

func TestHintsWriteNothingButTheRate(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	for _, c := range []*conn{a, b} {
		c.expectOne(c.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	}
	w.compose(rateOnly{real: w.store}, w.hub)
	for _, f := range hints("den") {
		got := append(a.do(f.Action, f), b.take()...)
		if len(got) != 1 || got[0].Type != f.Action {
			t.Errorf("%s: got %+v", f.Action, got)
		}
	}
}

func TestHintsCostARate(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	all := hints("lobby")
	for i := range chat.DeviceRate {
		f := all[i%len(all)]
		for _, r := range c.do(f.Action, f) {
			if r.Type == frame.TypeError {
				t.Fatalf("frame %d got %+v", i, r)
			}
		}
	}
	for _, f := range all {
		c.expect(c.do(f.Action, f), chat.RateLimited)
	}
}

func TestHintRemovesWhoIsGone(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	must(t, w.hub.Close(t.Context(), b.id))
	a.do("typing", frame.Request{Room: "lobby"})
	if w.listening("bob", chat.Lobby) != 1 {
		t.Error("a connection a moment old was removed")
	}
	w.clock.Advance(time.Minute)
	a.do("typing", frame.Request{Room: "lobby"})
	if w.listening("bob", chat.Lobby) != 0 {
		t.Error("who is gone still listens")
	}
}
