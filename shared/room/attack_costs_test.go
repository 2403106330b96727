package room_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// counted is a store that counts writes other than those of the rates.
type counted struct {
	room.Store
	writes *atomic.Int64
}

func (s counted) AddListener(ctx context.Context, name chat.Room, l room.Listener) error {
	s.writes.Add(1)
	return s.Store.AddListener(ctx, name, l)
}

func (s counted) RemoveListener(ctx context.Context, name chat.Room, id chat.Connection) error {
	s.writes.Add(1)
	return s.Store.RemoveListener(ctx, name, id)
}

func (s counted) CreateRoom(ctx context.Context, meta *room.Meta, now time.Time) (*room.Meta, error) {
	s.writes.Add(1)
	return s.Store.CreateRoom(ctx, meta, now)
}

func (s counted) AddMember(ctx context.Context, name chat.Room, user chat.User, now time.Time) error {
	s.writes.Add(1)
	return s.Store.AddMember(ctx, name, user, now)
}

func (s counted) RemoveMember(ctx context.Context, name chat.Room, user chat.User) error {
	s.writes.Add(1)
	return s.Store.RemoveMember(ctx, name, user)
}

func (s counted) MarkWelcomed(ctx context.Context, id chat.Connection, session chat.Session) error {
	s.writes.Add(1)
	return s.Store.MarkWelcomed(ctx, id, session)
}

func (s counted) MarkPropagated(ctx context.Context, user chat.User, id chat.Device, gen int64) error {
	s.writes.Add(1)
	return s.Store.MarkPropagated(ctx, user, id, gen)
}

func (s counted) MarkRepeated(ctx context.Context, e *room.Entry) (bool, error) {
	s.writes.Add(1)
	return s.Store.MarkRepeated(ctx, e)
}

// count makes the world count writes, and returns a function that returns their
// number since its last call.
func (w *world) count() (writes func() int64) {
	var n atomic.Int64
	w.compose(counted{w.store, &n}, w.hub)
	return func() int64 { return n.Swap(0) }
}

// Vulnerability: a join wrote a row for each of the user's connections, a
// hundred for each device, at the price of one frame. Attack: a user with as
// many connections as allowed joins and leaves rooms, and repeats joins and
// leaves. This verifies that the user has 20 connections at most, that a join
// or leave that changes nothing writes nothing, and that the others are paid
// for.
func TestAttackJoinWithManyConnections(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	for range 5 * chat.MaxConnections {
		w.enter(mallory)
		w.clock.Advance(time.Minute)
	}
	c := w.enter(mallory)
	c.expectOne(c.do("createRoom", frame.Request{Room: "den"}), frame.TypeCreated)
	writes := w.count()
	c.expectOne(c.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	if got := writes(); got > chat.MaxConnections+2 {
		t.Errorf("a join: got %d writes, want at most %d", got, chat.MaxConnections+2)
	}
	c.expectOne(c.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	c.expectOne(c.do("joinRoom", frame.Request{Room: "lobby"}), frame.TypeJoined)
	if got := writes(); got != 0 {
		t.Errorf("joins that change nothing: got %d writes, want none", got)
	}
	c.expectOne(c.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
	if got := writes(); got > chat.MaxConnections+1 {
		t.Errorf("a leave: got %d writes, want at most %d", got, chat.MaxConnections+1)
	}
	c.expectOne(c.do("leaveRoom", frame.Request{Room: "den"}), frame.TypeLeft)
	if got := writes(); got != 0 {
		t.Errorf("a leave that changes nothing: got %d writes, want none", got)
	}
	for i := range chat.MaxRooms - 1 {
		c.expectOne(c.do("createRoom", frame.Request{Room: chat.Room(fmt.Sprintf("room-%d", i))}), frame.TypeCreated)
	}
	w.clock.Advance(time.Minute) // all buckets are full
	joined := 0
	for i := range chat.MaxRooms - 1 {
		got := c.do("joinRoom", frame.Request{Room: chat.Room(fmt.Sprintf("room-%d", i))})
		if len(got) == 1 && got[0].Code == chat.RateLimited.Code() {
			break
		}
		c.expectOne(got, frame.TypeJoined)
		joined++
	}
	if most := chat.UserBurst / (chat.CostRow * chat.MaxConnections); joined > most {
		t.Errorf("got %d joins with %d connections at once, want at most %d", joined, chat.MaxConnections, most)
	}
}

// Vulnerability: each device of a user could have a hundred connections.
// Attack: a user opens one connection more than allowed, on several devices.
// This verifies that the oldest one is closed.
func TestAttackConnectionsOnManyDevices(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	all := []*conn{w.enter(mallory)}
	for len(all) < 4 {
		w.clock.Advance(time.Second)
		all = append(all, w.enterLinked(mallory))
	}
	for i := 0; len(all) <= chat.MaxConnections; i++ {
		w.clock.Advance(time.Second)
		all = append(all, w.enter(all[i%4].device))
	}
	for i, c := range all {
		if got := w.hub.Closed(c.id); got != (i == 0) {
			t.Errorf("connection %d of %d is closed: %v, want only the oldest closed", i+1, len(all), got)
		}
	}
	if n := w.listening("mallory", chat.Lobby); n != chat.MaxConnections {
		t.Errorf("got %d listeners, want %d", n, chat.MaxConnections)
	}
}

// Vulnerability: a frame that was repeated within two minutes was delivered to
// the whole room each time, though the log grew by one.
// Attack: a user repeats one frame 90 times.
// This verifies that the room gets the message twice at most, since the first
// delivery may have died, and that the sender gets an ack for each.
func TestAttackRepeatedFrameIsDeliveredAgain(t *testing.T) {
	w := newWorld(t)
	mallory, bob := w.enter(newDevice(t, "mallory")), w.enter(newDevice(t, "bob"))
	jwe := mallory.message("again", nil)
	delivered := 0
	for i := range 90 {
		got := mallory.send(jwe)
		if len(got) != 2 || got[0].Type != frame.TypeAck || got[0].Seq != 1 || got[0].Dup != (i > 0) {
			t.Fatalf("repeat %d got %+v, want an ack of seq 1 and the message", i, got)
		}
		delivered += len(bob.take())
		w.clock.Advance(time.Second)
	}
	if delivered != 2 {
		t.Errorf("got %d deliveries to another member, want 2", delivered)
	}
}

// Vulnerability: a repeated proof wrote the listeners of all rooms again, 51
// rows for one frame.
// Attack: a user in many rooms repeats the proof.
// This verifies that the answer is the same and that nothing is written, unless
// the first welcome died half way.
func TestAttackRepeatedProof(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	c := w.enter(mallory)
	for i := range 10 {
		name := chat.Room(fmt.Sprintf("room-%d", i))
		c.enterRoom(name)
	}
	d := w.dial(mallory)
	d.begin()
	proof := d.proof(nil)
	w.once("AddListener", func() error { return errDied })
	d.expectOne(d.prove(proof), frame.TypeError)
	d.expectOne(d.prove(proof), frame.TypeWelcome)
	if n := w.listening("mallory", "room-9"); n != 2 {
		t.Errorf("after the welcome that died and its repeat: got %d listeners, want 2", n)
	}
	sid, rooms := d.sid, len(d.rooms)
	writes := w.count()
	for range 10 {
		d.expectOne(d.prove(proof), frame.TypeWelcome)
		if d.sid != sid || len(d.rooms) != rooms {
			t.Errorf("got the session %s with %d rooms, want %s with %d", d.sid, len(d.rooms), sid, rooms)
		}
	}
	if got := writes(); got != 0 {
		t.Errorf("got %d writes, want none", got)
	}
}

// Vulnerability: a device's handshakes cost no rate, and each writes a listener
// for each of the user's rooms.
// Attack: a device in many rooms connects again and again.
// This verifies that it gets rate_limited, and may connect again later.
func TestAttackHandshakesOfOneDevice(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	c := w.enter(mallory)
	for i := range 20 {
		name := chat.Room(fmt.Sprintf("room-%d", i))
		c.enterRoom(name)
	}
	most := chat.HandshakeBurst / (chat.CostHandshake + 21*chat.CostRow)
	for i := 0; ; i++ {
		d := w.dial(mallory)
		d.begin()
		got := d.prove(d.proof(nil))
		if len(got) == 1 && got[0].Code == chat.RateLimited.Code() {
			break
		}
		d.expectOne(got, frame.TypeWelcome)
		if i > most {
			t.Fatalf("got %d handshakes at once, want at most %d", i, most)
		}
	}
	w.clock.Advance(time.Minute)
	w.enter(mallory)
}

// Vulnerability: names are free and stay for ever; one connection after the
// other could take forty a second.
// Attack: one address registers names until it is refused, then tries others of
// its network.
// This verifies that the limit is one of the address (of the /64 in IPv6), that
// other addresses and known users do not notice, and that it ends.
func TestAttackRegistrationsFromOneAddress(t *testing.T) {
	for _, test := range []struct{ first, same, other string }{
		{"203.0.113.7", "::ffff:203.0.113.7", "203.0.113.8"},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"},
	} {
		w := newWorld(t)
		w.perHour = 6
		w.compose(w.store, w.hub)
		register := func(name chat.User, ip string) (*conn, []received) {
			c := w.dial(newDevice(t, name))
			c.ip = ip
			c.begin()
			return c, c.prove(c.proof(nil))
		}
		var known *device
		for i := range w.perHour {
			c, got := register(chat.User(fmt.Sprintf("mallory-%d", i)), test.first)
			c.expectOne(got, frame.TypeWelcome)
			known = c.device
		}
		c, got := register("mallory-again", test.same)
		c.expect(got, chat.RateLimited)
		c, got = register("ada", test.other)
		c.expectOne(got, frame.TypeWelcome)
		c, got = register("bob", "") // API Gateway has told no address
		c.expectOne(got, frame.TypeWelcome)
		again := w.dial(known)
		again.ip = test.first
		again.begin()
		again.expectOne(again.prove(again.proof(nil)), frame.TypeWelcome)
		w.clock.Advance(10 * time.Minute)
		c, got = register("mallory-again", test.first)
		c.expectOne(got, frame.TypeWelcome)
	}
}
