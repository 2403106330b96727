package room_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

func (d *device) thumbprint() chat.Device { return chat.Device(d.signing.Thumbprint()) }

// link signs d's link for another device, after change was applied to the
// claims.
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

// enterWithLink sends the proof of a new device with a link.
func (w *world) enterWithLink(d *device, link string) (*conn, []received) {
	w.t.Helper()
	c := w.dial(d)
	c.begin()
	return c, c.prove(c.proof(func(h *frame.HandshakeClaims) { h.Link = link }))
}

// enterLinked links another device to d's user and connects it.
func (w *world) enterLinked(d *device) *conn {
	w.t.Helper()
	other := newDevice(w.t, d.user)
	c, got := w.enterWithLink(other, w.link(d, other, nil))
	c.expectOne(got, frame.TypeWelcome)
	return c
}

func TestLinkedDevice(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	second := newDevice(t, "ada")
	link := w.link(ada, second, nil)
	b, got := w.enterWithLink(second, link)
	b.expectOne(got, frame.TypeWelcome)
	w.enter(second) // a known device needs no link
	_, got = w.enterWithLink(second, link)
	b.expectOne(got, frame.TypeWelcome) // and may bring one
	w.enterLinked(second)

	a.say("from the first", nil)
	if _, text := b.read(b.take()[0]); text != "from the first" {
		t.Fatalf("got %q, want the text of the first device", text)
	}
	b.say("from the second", nil)
	m, text := a.read(a.take()[0])
	if text != "from the second" || m.From != "ada" || m.Device != second.thumbprint() {
		t.Fatalf("got %q in %+v, want the text of the second device", text, m)
	}
}

func TestInvalidLinks(t *testing.T) {
	w := newWorld(t)
	ada, bob := newDevice(t, "ada"), newDevice(t, "bob")
	a := w.enter(ada)
	w.enter(bob)
	revoked := w.enterLinked(ada)
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
			c, got := w.enterWithLink(d, link(d))
			c.expect(got, chat.DeviceUnknown)
			if _, err := w.store.Device(t.Context(), "ada", d.thumbprint()); err != room.ErrNotFound {
				t.Fatalf("got error %v for its row, want ErrNotFound", err)
			}
		})
	}
}

// TestLinkToAFreeName wants the name to stay free.
func TestLinkToAFreeName(t *testing.T) {
	w := newWorld(t)
	ada, other := newDevice(t, "ada"), newDevice(t, "ada")
	c, got := w.enterWithLink(other, w.link(ada, other, nil))
	c.expect(got, chat.DeviceUnknown)
	w.enter(ada)
}

func TestLinkingDeviceIsRevokedConcurrently(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.enter(ada), w.enterLinked(ada)
	third := newDevice(t, "ada")
	w.once("Bind", func() error { a.revoke(b.device); return nil })
	c, got := w.enterWithLink(third, w.link(b.device, third, nil))
	c.expect(got, chat.DeviceUnknown)
}

func TestTooManyDevices(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	var last *conn
	for range chat.MaxDevices - 1 {
		last = w.enterLinked(ada)
	}
	one := newDevice(t, "ada")
	c, got := w.enterWithLink(one, w.link(ada, one, nil))
	c.expect(got, chat.TooManyDevices)
	a.revoke(last.device) // revoked devices do not count
	c, got = w.enterWithLink(one, w.link(ada, one, nil))
	c.expectOne(got, frame.TypeWelcome)
}

func TestDevicesAreListed(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a := w.enter(ada)
	added := w.clock.Now()
	w.clock.Advance(time.Minute)
	b := w.enterLinked(ada)
	w.clock.Advance(time.Minute)
	revoked := w.enterLinked(ada)
	a.revoke(revoked.device)
	w.enter(newDevice(t, "bob"))
	w.clock.Advance(time.Minute)

	got := a.do("devices", frame.Request{Ref: "d"})
	a.expectOne(got, frame.TypeDevices)
	list := got[0].Devices
	want := []chat.Device{b.thumbprint(), ada.thumbprint(), revoked.thumbprint()}
	if len(list) != 3 || got[0].Ref != "d" ||
		!slices.EqualFunc(list, want, func(s frame.DeviceState, id chat.Device) bool { return s.Device == id }) {
		t.Fatalf("got %+v, want the devices %v with ref d", got, want)
	}
	for i, s := range list {
		if s.Current != (i == 1) || s.Revoked != (i == 2) {
			t.Errorf("device %d: got %+v, want current %v, revoked %v", i, s, i == 1, i == 2)
		}
	}
	if list[1].AddedAt != added.UnixMilli() || list[1].LastSeenAt != w.clock.Now().UnixMilli() {
		t.Errorf("the caller: got %+v, want it added at %d and last seen at %d", list[1], added.UnixMilli(),
			w.clock.Now().UnixMilli())
	}
	if seen := added.Add(time.Minute).UnixMilli(); list[0].AddedAt != seen || list[0].LastSeenAt != seen {
		t.Errorf("the other device: got %+v, want it added and last seen at %d", list[0], seen)
	}
	c := w.dial(ada)
	c.expect(c.do("devices", frame.Request{}), chat.HandshakeRequired)
}
