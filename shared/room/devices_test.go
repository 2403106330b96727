package room_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

func (s interrupted) Bind(ctx context.Context, b room.Binding) error {
	if err := s.step("Bind"); err != nil {
		return err
	}
	return s.Store.Bind(ctx, b)
}

func (s interrupted) Revoke(ctx context.Context, user chat.User, id, by chat.Device, now time.Time) error {
	if err := s.step("Revoke"); err != nil {
		return err
	}
	if err := s.Store.Revoke(ctx, user, id, by, now); err != nil {
		return err
	}
	return s.step("after Revoke")
}

func (s interrupted) ReplaceKey(ctx context.Context, d *room.Device) error {
	if err := s.step("ReplaceKey"); err != nil {
		return err
	}
	return s.Store.ReplaceKey(ctx, d)
}

func (s interrupted) RemoveListener(ctx context.Context, name chat.Room, id chat.Connection) error {
	if err := s.step("RemoveListener"); err != nil {
		return err
	}
	return s.Store.RemoveListener(ctx, name, id)
}

func (s interrupted) RemoveConnection(ctx context.Context, c *room.Connection) error {
	if err := s.step("RemoveConnection"); err != nil {
		return err
	}
	return s.Store.RemoveConnection(ctx, c)
}

func (d *device) thumbprint() chat.Device { return chat.Device(d.signing.Thumbprint()) }

// link is what d signs to vouch for another device, after change had its way
// with the claims.
func (w *world) link(d, other *device, change func(*frame.LinkClaims)) string {
	w.t.Helper()
	claims := frame.LinkClaims{
		Sub: d.user,
		Aud: audience,
		Dev: other.thumbprint(),
		Exp: w.clock.Now().Add(chat.LinkLifetime).Unix(),
	}
	if change != nil {
		change(&claims)
	}
	token, err := envelope.Sign(d.signing, envelope.TypeLink, encode(w.t, claims))
	must(w.t, err)
	return token
}

// bring proves a new device with a link.
func (w *world) bring(d *device, link string) (*conn, []received) {
	w.t.Helper()
	c := w.dial(d)
	c.begin()
	return c, c.prove(c.proof(func(h *frame.HandshakeClaims) { h.Link = link }))
}

// linked adds another device to d's user and connects it.
func (w *world) linked(d *device) *conn {
	w.t.Helper()
	other := newDevice(w.t, d.user)
	c, got := w.bring(other, w.link(d, other, nil))
	c.expectOne(got, frame.TypeWelcome)
	return c
}

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

func (c *conn) revoke(of *device) {
	c.t.Helper()
	got := c.do("revokeDevice", c.revocation(of, nil))
	c.expectOne(got, frame.TypeRevoked)
	if got[0].Device != of.thumbprint() || got[0].Ref != "r" {
		c.t.Fatalf("got %+v", got)
	}
}

func TestLinkedDevice(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	second := newDevice(t, "ada")
	link := w.link(ada, second, nil)
	b, got := w.bring(second, link)
	b.expectOne(got, frame.TypeWelcome)
	w.enter(second) // it needs no link any more
	_, got = w.bring(second, link)
	b.expectOne(got, frame.TypeWelcome) // and it does no harm
	w.linked(second)

	a.say("from the first", nil)
	if _, text := b.read(b.take()[0]); text != "from the first" {
		t.Fatalf("got %q", text)
	}
	b.say("from the second", nil)
	m, text := a.read(a.take()[0])
	if text != "from the second" || m.From != "ada" || m.Device != second.thumbprint() {
		t.Fatalf("got %q in %+v", text, m)
	}
}

func TestLinksThatDoNotHold(t *testing.T) {
	w := newWorld(t)
	ada, bob := newDevice(t, "ada"), newDevice(t, "bob")
	a := w.enter(ada)
	w.enter(bob)
	revoked := w.linked(ada)
	a.revoke(revoked.device)
	stranger, other := newDevice(t, "ada"), newDevice(t, "ada")
	wrongType := func(d *device) string {
		token, err := envelope.Sign(ada.signing, envelope.TypeRevoke, encode(t, frame.LinkClaims{
			Sub: "ada",
			Aud: audience,
			Dev: d.thumbprint(),
			Exp: w.clock.Now().Add(time.Minute).Unix(),
		}))
		must(t, err)
		return token
	}
	by := func(signer *device, change func(*frame.LinkClaims)) func(*device) string {
		return func(d *device) string { return w.link(signer, d, change) }
	}
	for name, link := range map[string]func(d *device) string{
		"no token":           func(*device) string { return "x" },
		"another type":       wrongType,
		"another device":     func(*device) string { return w.link(ada, other, nil) },
		"another user":       by(ada, func(l *frame.LinkClaims) { l.Sub = "bob" }),
		"another deployment": by(ada, func(l *frame.LinkClaims) { l.Aud = "chat.example/other" }),
		"past":               by(ada, func(l *frame.LinkClaims) { l.Exp = w.clock.Now().Unix() }),
		"too far ahead": by(ada, func(l *frame.LinkClaims) {
			l.Exp = w.clock.Now().Add(chat.LinkLifetime).Unix() + 1
		}),
		"without end":      by(ada, func(l *frame.LinkClaims) { l.Exp = 1<<63 - 1 }),
		"by a stranger":    by(stranger, nil),
		"by another user":  by(bob, func(l *frame.LinkClaims) { l.Sub = "ada" }),
		"by itself":        func(d *device) string { return w.link(d, d, nil) },
		"by a revoked one": by(revoked.device, nil),
		"with another signature": func(d *device) string {
			token := w.link(ada, d, nil)
			return token[:len(token)-4] + "AAAA"
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, "ada")
			c, got := w.bring(d, link(d))
			c.expect(got, chat.DeviceUnknown)
			if _, err := w.store.Device(t.Context(), "ada", d.thumbprint()); err != room.ErrNotFound {
				t.Fatalf("it is on record: %v", err)
			}
		})
	}
}

// A link to a name that nobody has must not take the name.
func TestLinkToAFreeName(t *testing.T) {
	w := newWorld(t)
	ada, other := newDevice(t, "ada"), newDevice(t, "ada")
	c, got := w.bring(other, w.link(ada, other, nil))
	c.expect(got, chat.DeviceUnknown)
	w.enter(ada)
}

func TestLinkingDeviceIsRevokedMeanwhile(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.linked(ada)
	third := newDevice(t, "ada")
	w.once("Bind", func() error { a.revoke(b.device); return nil })
	c, got := w.bring(third, w.link(b.device, third, nil))
	c.expect(got, chat.DeviceUnknown)
}

func TestTooManyDevices(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	var last *conn
	for range chat.MaxDevices - 1 {
		last = w.linked(ada)
	}
	one := newDevice(t, "ada")
	c, got := w.bring(one, w.link(ada, one, nil))
	c.expect(got, chat.TooManyDevices)
	a.revoke(last.device) // those revoked do not count
	c, got = w.bring(one, w.link(ada, one, nil))
	c.expectOne(got, frame.TypeWelcome)
}

func TestDevicesAreListed(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	added := w.clock.Now()
	w.clock.Advance(time.Minute)
	b := w.linked(ada)
	w.clock.Advance(time.Minute)
	revoked := w.linked(ada)
	a.revoke(revoked.device)
	w.enter(newDevice(t, "bob"))
	w.clock.Advance(time.Minute)

	got := a.do("devices", frame.Request{Ref: "d"})
	a.expectOne(got, frame.TypeDevices)
	list := got[0].Devices
	want := []chat.Device{b.thumbprint(), ada.thumbprint(), revoked.thumbprint()}
	if len(list) != 3 || got[0].Ref != "d" ||
		!slices.EqualFunc(list, want, func(s frame.DeviceState, id chat.Device) bool { return s.Device == id }) {
		t.Fatalf("got %+v", got)
	}
	for i, s := range list {
		if s.Current != (i == 1) || s.Revoked != (i == 2) {
			t.Errorf("device %d is %+v", i, s)
		}
	}
	if list[1].AddedAt != added.UnixMilli() || list[1].LastSeenAt != w.clock.Now().UnixMilli() {
		t.Errorf("one that asks at %v is %+v", w.clock.Now().UnixMilli(), list[1])
	}
	if seen := added.Add(time.Minute).UnixMilli(); list[0].AddedAt != seen || list[0].LastSeenAt != seen {
		t.Errorf("one that was seen once at %d is %+v", seen, list[0])
	}
	c := w.dial(ada)
	c.expect(c.do("devices", frame.Request{}), chat.HandshakeRequired)
}

func TestRevocation(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.linked(ada)
	b2 := w.enter(b.device)
	bob := w.enter(newDevice(t, "bob"))
	a.expectOne(a.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	bob.expectOne(bob.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined)
	for range 2 { // a repeat is answered again
		a.revoke(b.device)
	}
	for _, c := range []*conn{b, b2} {
		if !w.hub.Closed(c.id) {
			t.Error("a connection is open")
		}
		if _, err := w.store.Connection(t.Context(), c.id); err != room.ErrNotFound {
			t.Errorf("a connection's row: %v", err)
		}
	}
	if w.hub.Closed(a.id) || w.hub.Closed(bob.id) {
		t.Error("the wrong connection was closed")
	}
	bob.say("without the second device", nil)
	bob.say("nor here", inRoom("den"))
	for _, name := range []chat.Room{"lobby", "den"} {
		listeners, err := w.store.Listeners(t.Context(), name)
		must(t, err)
		if len(listeners) != 2 || slices.ContainsFunc(listeners,
			func(l room.Listener) bool { return l.Device == b.device.thumbprint() }) {
			t.Errorf("%s is heard by %+v", name, listeners)
		}
	}
	if got := a.take(); len(got) != 2 {
		t.Errorf("the first device got %+v", got)
	}
	// It never comes back, not with its own key nor with a link.
	again := w.dial(b.device)
	again.begin()
	again.expect(again.prove(again.proof(nil)), chat.DeviceRevoked)
	again, got := w.bring(b.device, w.link(ada, b.device, nil))
	again.expect(got, chat.DeviceRevoked)
}

// An instance that knew the device a moment ago refuses its next frame,
// whatever else of the revocation is still to come.
func TestRevokedDeviceIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.linked(ada)
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
	a.revoke(b.device) // what was left is done
	if !w.hub.Closed(b.id) {
		t.Error("the connection is open")
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
		"another's proof": {func(a, b *conn) frame.Request { return b.revocation(a.device, nil) }, chat.BadSignature},
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
			a, b := w.enter(ada), w.linked(ada)
			a.expect(a.do("revokeDevice", test.proof(a, b)), test.want)
			b.expectOne(b.do("ping", frame.Request{}), frame.TypePong)
		})
	}
	c := newWorld(t).enter(newDevice(t, "ada"))
	c.expect(c.do("revokeDevice", frame.Request{}), chat.BadFrame)
}

func TestOneOfTwoDevicesThatRevokeEachOtherStays(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.linked(ada)
	w.once("Revoke", func() error { b.revoke(ada); return nil })
	if got := a.do("revokeDevice", a.revocation(b.device, nil)); len(got) != 0 {
		t.Fatalf("the second, whose connection is closed, got %+v", got)
	}
	b.expectOne(b.do("ping", frame.Request{}), frame.TypePong)
}

// A call that was admitted before its device was revoked says so as long as its
// connection is there.
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
			a, b := w.enter(ada), w.linked(ada)
			w.once(call, func() error {
				return w.store.Revoke(t.Context(), "ada", ada.thumbprint(), b.thumbprint(), w.clock.Now())
			})
			a.expect(do(a, b), chat.DeviceRevoked)
			b.expectOne(b.do("ping", frame.Request{}), frame.TypePong)
		})
	}
}

// Whatever call of a revocation is the last before its instance dies, the
// repeat leaves nothing of the device behind.
func TestRevocationThatDiedIsFinished(t *testing.T) {
	for _, call := range []string{"RemoveListener", "after Revoke", "RemoveConnection"} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			a, b := w.enter(ada), w.linked(ada)
			w.enter(b.device)
			w.once(call, func() error { return errDied })
			a.expectOne(a.do("revokeDevice", a.revocation(b.device, nil)), frame.TypeError)
			a.revoke(b.device)
			w.nothingOf(b.device)
		})
	}
}

// nothingOf wants no connection and no listener of a device.
func (w *world) nothingOf(d *device) {
	w.t.Helper()
	connections, err := w.store.ConnectionsOf(w.t.Context(), d.user)
	must(w.t, err)
	for _, c := range connections {
		if c.Device == d.thumbprint() {
			w.t.Errorf("left behind: %+v", c)
		}
	}
	for _, name := range []chat.Room{"lobby", "den"} {
		listeners, err := w.store.Listeners(w.t.Context(), name)
		must(w.t, err)
		for _, l := range listeners {
			if l.Device == d.thumbprint() {
				w.t.Errorf("%s is heard by %+v", name, l)
			}
		}
	}
}

// A revocation that overlaps with what makes a device hear wins.
func TestRevocationDuringWhatMakesItHear(t *testing.T) {
	for name, test := range map[string]struct {
		at string
		do func(a, b *conn)
	}{
		"its handshake, before it is bound": {"Bind", func(a, b *conn) {
			c := b.dial(b.device)
			c.begin()
			c.expect(c.prove(c.proof(nil)), chat.DeviceRevoked)
		}},
		"its handshake, before it hears": {"AddListener", func(a, b *conn) {
			c := b.dial(b.device)
			c.begin()
			if got := c.prove(c.proof(nil)); len(got) != 0 {
				b.t.Errorf("a closed connection got %+v", got)
			}
		}},
		"its own join": {"AddListener", func(a, b *conn) { b.do("joinRoom", frame.Request{Room: "den"}) }},
		"a join of the other one": {"AddListener",
			func(a, b *conn) { a.expectOne(a.do("joinRoom", frame.Request{Room: "den"}), frame.TypeJoined) }},
		"its rotation": {"AddListener",
			func(a, b *conn) { b.do("rotateKey", frame.Request{Proof: b.rotation(newKey(b.t), 2, nil)}) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := newDevice(t, "ada")
			b := w.enter(ada) // the owner's own device is the one revoked
			a := w.linked(ada)
			revoker := w.enter(a.device)
			w.once(test.at, func() error { revoker.revoke(ada); return nil })
			test.do(a, b)
			w.nothingOf(ada)
			a.expectOne(a.do("ping", frame.Request{}), frame.TypePong)
		})
	}
}
