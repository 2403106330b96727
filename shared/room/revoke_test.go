package room_test

import (
	"slices"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// revocation signs a revocation after change was applied to the claims.
func (c *conn) revocation(of *device, change func(*frame.RevokeClaims)) frame.Request {
	c.t.Helper()
	claims := frame.RevokeClaims{SID: c.sid, Dev: of.thumbprint()}
	if change != nil {
		change(&claims)
	}
	token, err := envelope.Sign(c.signing, envelope.TypeRevoke, encode(c.t, claims))
	must(c.t, err)
	return frame.Request{Proof: token, Ref: "r"}
}

// revoke revokes a device and wants the answer.
func (c *conn) revoke(of *device) {
	c.t.Helper()
	got := c.do("revokeDevice", c.revocation(of, nil))
	c.expectOne(got, frame.TypeRevoked)
	if got[0].Device != of.thumbprint() || got[0].Ref != "r" {
		c.t.Fatalf("got %+v, want the revoked device %s", got, of.thumbprint())
	}
}

func TestRevocation(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enterLinked(ada)
	b2 := w.enter(b.device)
	bob := w.enter(newDevice(t, "bob"))
	a.enterRoom("den")
	bob.enterRoom("den")
	for range 2 { // a repeat is answered again
		a.revoke(b.device)
	}
	for _, c := range []*conn{b, b2} {
		if !w.hub.Closed(c.id) {
			t.Errorf("%s is open, want it closed", c.id)
		}
		if _, err := w.store.Connection(t.Context(), c.id); err != room.ErrNotFound {
			t.Errorf("got error %v for the row of %s, want ErrNotFound", err, c.id)
		}
	}
	if w.hub.Closed(a.id) || w.hub.Closed(bob.id) {
		t.Error("a connection of another device was closed")
	}
	bob.say("without the second device", nil)
	bob.say("nor here", inRoom("den"))
	for _, name := range []chat.Room{"lobby", "den"} {
		listeners, err := w.store.Listeners(t.Context(), name)
		must(t, err)
		if len(listeners) != 2 || slices.ContainsFunc(listeners,
			func(l room.Listener) bool { return l.Device == b.device.thumbprint() }) {
			t.Errorf("%s: got the listeners %+v, want 2 without the revoked device", name, listeners)
		}
	}
	if got := a.take(); len(got) != 2 {
		t.Errorf("the first device got %+v, want 2 messages", got)
	}
	// It cannot return with its own key nor with a link.
	again := w.dial(b.device)
	again.begin()
	again.expect(again.prove(again.proof(nil)), chat.DeviceRevoked)
	again, got := w.enterWithLink(b.device, w.link(ada, b.device, nil))
	again.expect(got, chat.DeviceRevoked)
}

// TestRevokedDeviceIsRefusedAtOnce wants every frame refused after the
// tombstone is written, before the rest of the revocation.
func TestRevokedDeviceIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enterLinked(ada)
	message := b.message("too late", nil)
	w.once("after Revoke", func() error { return errDied })
	a.expectOne(a.do("revokeDevice", a.revocation(b.device, nil)), frame.TypeError)
	for action, f := range map[string]frame.Request{
		"sendMessage": {JWE: message}, "history": {Room: "lobby"}, "joinRoom": {Room: "den"},
		"leaveRoom": {Room: "den"}, "ping": {},
		"presence": {Room: "lobby"}, "typing": {Room: "lobby"}, "mark": {Room: "lobby", Delivered: 1},
		"devices": {}, "revokeDevice": b.revocation(ada, nil), "rotateKey": {Proof: b.rotation(newKey(t), 2, nil)},
	} {
		t.Run(action, func(t *testing.T) { b.expect(b.do(action, f), chat.DeviceRevoked) })
	}
	a.revoke(b.device) // completes the revocation
	if !w.hub.Closed(b.id) {
		t.Error("the connection is open, want it closed")
	}
}

func TestRefusedRevocations(t *testing.T) {
	for name, test := range map[string]struct {
		proof func(a, b *conn) frame.Request
		want  *chat.Error
	}{
		"no proof": {func(a, b *conn) frame.Request { return frame.Request{Proof: "x"} }, chat.BadProof},
		"no thumbprint": {func(a, b *conn) frame.Request {
			return a.revocation(b.device, func(r *frame.RevokeClaims) { r.Dev = "b" })
		}, chat.BadProof},
		"itself": {func(a, b *conn) frame.Request { return a.revocation(a.device, nil) }, chat.BadProof},
		"another session": {func(a, b *conn) frame.Request {
			return a.revocation(b.device, func(r *frame.RevokeClaims) { r.SID = "x" })
		}, chat.SessionMismatch},
		"proof of another device": {func(a, b *conn) frame.Request { return b.revocation(a.device, nil) },
			chat.BadSignature},
		"unknown": {func(a, b *conn) frame.Request {
			return a.revocation(newDevice(a.t, "ada"), nil)
		}, chat.DeviceUnknown},
		"another user's": {func(a, b *conn) frame.Request {
			return a.revocation(a.enter(newDevice(a.t, "bob")).device, nil)
		}, chat.DeviceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			a, b := w.enter(ada), w.enterLinked(ada)
			a.expect(a.do("revokeDevice", test.proof(a, b)), test.want)
			b.expectOne(b.do("ping", frame.Request{}), frame.TypePong)
		})
	}
	c := newWorld(t).enter(newDevice(t, "ada"))
	c.expect(c.do("revokeDevice", frame.Request{}), chat.BadFrame)
}

func TestDevicesThatRevokeEachOther(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enterLinked(ada)
	w.once("Revoke", func() error { b.revoke(ada); return nil })
	if got := a.do("revokeDevice", a.revocation(b.device, nil)); len(got) != 0 {
		t.Fatalf("the revoked device got %+v, want nothing on its closed connection", got)
	}
	b.expectOne(b.do("ping", frame.Request{}), frame.TypePong)
}

// TestRevokedMeanwhile revokes the device of a call after the call was
// admitted. The call fails with device_revoked.
func TestRevokedMeanwhile(t *testing.T) {
	for call, do := range map[string]func(a, b *conn) []received{
		"Revoke": func(a, b *conn) []received { return a.do("revokeDevice", a.revocation(b.device, nil)) },
		"ReplaceKey": func(a, _ *conn) []received {
			return a.do("rotateKey", frame.Request{Proof: a.rotation(newKey(a.t), 2, nil)})
		},
	} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			a, b := w.enter(ada), w.enterLinked(ada)
			w.once(call, func() error {
				return w.store.Revoke(t.Context(), "ada", ada.thumbprint(), b.thumbprint(), w.clock.Now())
			})
			a.expect(do(a, b), chat.DeviceRevoked)
			b.expectOne(b.do("ping", frame.Request{}), frame.TypePong)
		})
	}
}

// TestRevocationThatDiedIsFinished lets the instance die at each step of a
// revocation. A repeat must remove every row of the device.
func TestRevocationThatDiedIsFinished(t *testing.T) {
	for _, call := range []string{"RemoveListener", "after Revoke", "RemoveConnection"} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			a, b := w.enter(ada), w.enterLinked(ada)
			w.enter(b.device)
			w.once(call, func() error { return errDied })
			a.expectOne(a.do("revokeDevice", a.revocation(b.device, nil)), frame.TypeError)
			a.revoke(b.device)
			w.expectNothingOf(b.device)
		})
	}
}

// expectNothingOf wants no connection and no listener of a device.
func (w *world) expectNothingOf(d *device) {
	w.t.Helper()
	connections, err := w.store.ConnectionsOf(w.t.Context(), d.user)
	must(w.t, err)
	for _, c := range connections {
		if c.Device == d.thumbprint() {
			w.t.Errorf("got the connection %+v, want none of the device", c)
		}
	}
	for _, name := range []chat.Room{"lobby", "den"} {
		listeners, err := w.store.Listeners(w.t.Context(), name)
		must(w.t, err)
		for _, l := range listeners {
			if l.Device == d.thumbprint() {
				w.t.Errorf("%s: got the listener %+v, want none of the device", name, l)
			}
		}
	}
}

// TestRevocationDuringASubscription runs a revocation within each call that
// subscribes a connection of the device. The revocation must win.
func TestRevocationDuringASubscription(t *testing.T) {
	for name, test := range map[string]struct {
		at string
		do func(a, b *conn)
	}{
		"its handshake, before it is bound": {"Bind", func(a, b *conn) {
			c := b.dial(b.device)
			c.begin()
			c.expect(c.prove(c.proof(nil)), chat.DeviceRevoked)
		}},
		"its handshake, before it subscribes": {"AddListener", func(a, b *conn) {
			c := b.dial(b.device)
			c.begin()
			if got := c.prove(c.proof(nil)); len(got) != 0 {
				b.t.Errorf("a closed connection got %+v, want nothing", got)
			}
		}},
		"its own join": {"AddListener", func(a, b *conn) {
			b.do("createRoom", frame.Request{Room: "den"})
			b.do("joinRoom", frame.Request{Room: "den"})
		}},
		"a join of the other device": {"AddListener",
			func(a, b *conn) { a.enterRoom("den") }},
		"its rotation": {"AddListener",
			func(a, b *conn) { b.do("rotateKey", frame.Request{Proof: b.rotation(newKey(b.t), 2, nil)}) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			b := w.enter(ada) // the first device is the one that is revoked
			a := w.enterLinked(ada)
			revoker := w.enter(a.device)
			w.once(test.at, func() error { revoker.revoke(ada); return nil })
			test.do(a, b)
			w.expectNothingOf(ada)
			a.expectOne(a.do("ping", frame.Request{}), frame.TypePong)
		})
	}
}
