package room_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// flood lets attackers send in turns, frames a second of them together, for as
// long as it says; one whose connection is closed stops. Meanwhile the victim
// sends once a second. It returns how many of the attackers' messages were
// acknowledged and how many were refused with rate_limited, and fails the test
// unless each of the victim's was acknowledged and most of the attackers'
// connections were closed. The last ones are no flood any more.
func flood(victim *conn, attackers []*conn, frames int, long time.Duration) (acked, limited int) {
	w, t := victim.world, victim.t
	t.Helper()
	end, next := w.clock.Now().Add(long), w.clock.Now()
	for i := 0; w.clock.Now().Before(end); i++ {
		w.clock.Advance(time.Second / time.Duration(frames))
		if !w.clock.Now().Before(next) {
			got := victim.send(victim.message("hello?", nil))
			if len(got) == 0 || got[0].Type != frame.TypeAck {
				t.Fatalf("after %d frames of the flood the victim got %+v, want an ack", i, got)
			}
			next = next.Add(time.Second)
		}
		a := attackers[i%len(attackers)]
		if w.hub.Closed(a.id) {
			continue
		}
		var answer received
		for _, r := range a.send(a.message("noise", nil)) {
			if r.Type == frame.TypeAck || r.Type == frame.TypeError {
				answer = r
			}
		}
		switch {
		case answer.Type == frame.TypeAck:
			acked++
		case answer.Code == chat.RateLimited.Code():
			limited++
		default:
			t.Fatalf("frame %d of the flood got %+v, want an ack or rate_limited", i, answer)
		}
		victim.take()
	}
	open := 0
	for _, a := range attackers {
		if !w.hub.Closed(a.id) {
			open++
		}
	}
	if open > len(attackers)/2 {
		t.Errorf("%d of %d attackers still have their connections", open, len(attackers))
	}
	return acked, limited
}

// Vulnerability: rates were those of devices, of which a user may have twenty.
// The room's rate was read from its log, which stood still while senders raced
// for the same seq.
// Attack: one user with twelve devices sends 120 frames a second to a room.
// This verifies that what a user may send does not grow with the devices, that
// the victim's messages are all acknowledged, and that the attacker gets
// rate_limited and then loses the connections.
func TestAttackFloodFromDevicesOfOneUser(t *testing.T) {
	w := newWorld(t)
	victim := w.enter(newDevice(t, "vic"))
	mallory := newDevice(t, "mallory")
	attackers := []*conn{w.enter(mallory)}
	for len(attackers) < 12 {
		attackers = append(attackers, w.enterLinked(mallory))
	}
	w.clock.Advance(time.Hour) // all buckets are full
	const seconds = 10
	acked, limited := flood(victim, attackers, 120, seconds*time.Second)
	most := chat.UserBurst/chat.CostSend + seconds*int(time.Second/(chat.CostSend*chat.UserInterval))
	if acked > most+1 || limited == 0 {
		t.Errorf("got %d of the flood acknowledged and %d refused, want at most %d acknowledged", acked, limited, most)
	}
}

// Vulnerability: names are free, and each had its own rate. Attack: fifteen
// names that have just been registered send 120 frames a second to a room. This
// verifies that together they get no more than the part of the room that floods
// may have, and what a new name may send at once, that the victim's messages
// are all acknowledged, and that the attackers lose their connections.
func TestAttackFloodFromNewNames(t *testing.T) {
	w := newWorld(t)
	victim := w.enter(newDevice(t, "vic"))
	w.clock.Advance(time.Minute)
	var attackers []*conn
	for i := range 15 {
		attackers = append(attackers, w.enter(newDevice(t, chat.User(fmt.Sprintf("mallory-%d", i)))))
	}
	const seconds = 6
	acked, limited := flood(victim, attackers, 120, seconds*time.Second)
	floods := chat.FloodBurst + seconds*int(time.Second/chat.FloodInterval)
	steady := len(attackers) * (chat.SteadyStart + 1)
	if acked > floods+steady || limited == 0 {
		t.Errorf("got %d of the flood acknowledged and %d refused, want at most %d acknowledged", acked, limited,
			floods+steady)
	}
}

// Vulnerability: a user's rate is shared by the user's devices.
// Attack: a stolen device uses the rate up.
// This verifies that another device can still connect and revoke it.
func TestAttackStolenDeviceUsesUpTheUsersRate(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	owner := w.enter(ada)
	stolen := w.enterLinked(ada)
	for i := 0; ; i++ {
		got := stolen.do("presence", frame.Request{Room: "lobby"})
		if len(got) == 1 && got[0].Code == chat.RateLimited.Code() {
			break
		}
		if i > chat.UserBurst {
			t.Fatal("the device never got rate_limited")
		}
	}
	owner.expect(owner.do("ping", frame.Request{}), chat.RateLimited)
	again := w.enter(ada)
	again.revoke(stolen.device)
}

// Vulnerability: after handshake_required, nonce_expired or bad_frame the
// connection stayed open, so a stranger had invocations for nothing.
// Attack: a stranger sends frames of every kind without a handshake.
// This verifies that the third refusal closes the connection, and that a
// challenge in between does not reset the count.
func TestAttackStrangerSendsFramesForNothing(t *testing.T) {
	for name, body := range map[string]string{
		"ping":        `{"action":"ping"}`,
		"sendMessage": `{"action":"sendMessage","jwe":"x"}`,
		"history":     `nonsense`,
		"handshake":   `{"action":"handshake","proof":"x"}`,
		"$default":    `{"action":"dance"}`,
	} {
		w := newWorld(t)
		c := w.dial(newDevice(t, "mallory"))
		for i := range chat.MaxStrangerRefusals {
			if w.hub.Closed(c.id) {
				t.Fatalf("%s: the connection is closed after %d refusals, want %d", name, i, chat.MaxStrangerRefusals)
			}
			if i == 1 {
				c.begin()
			}
			c.expectOne(c.raw(name, body), frame.TypeError)
			w.clock.Advance(time.Minute)
		}
		if !w.hub.Closed(c.id) {
			t.Errorf("%s: the connection is open after %d refusals", name, chat.MaxStrangerRefusals)
		}
	}
}

// Vulnerability: frames that are refused for their form cost no rate.
// Attack: a user with a session sends such frames.
// This verifies that the connection is closed, and that a client that makes a
// mistake now and then keeps its connection.
func TestAttackUserSendsFramesThatAreNone(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "mallory"))
	for range 2 * chat.MaxRefusals {
		c.expect(c.raw("$default", `{"action":"dance"}`), chat.UnknownAction)
		w.clock.Advance(chat.RefusalInterval)
	}
	for i := range chat.MaxRefusals {
		if w.hub.Closed(c.id) {
			t.Fatalf("the connection is closed after %d refusals, want %d", i, chat.MaxRefusals)
		}
		c.expectOne(c.raw("$default", `nonsense`), frame.TypeError)
	}
	if !w.hub.Closed(c.id) {
		t.Errorf("the connection is open after %d refusals", chat.MaxRefusals)
	}
}
