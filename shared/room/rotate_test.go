package room_test

import (
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// rotation signs a rotation after change was applied to the claims.
func (c *conn) rotation(next *envelope.DecryptionKey, gen int64, change func(*frame.RotateClaims)) string {
	c.t.Helper()
	claims := frame.RotateClaims{SID: c.sid, Enc: next.Public().JWK(), Gen: gen}
	if change != nil {
		change(&claims)
	}
	token, err := envelope.Sign(c.signing, envelope.TypeRotate, encode(c.t, claims))
	must(c.t, err)
	return token
}

func TestRotation(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, a2, b := w.enter(ada), w.enter(ada), w.enter(newDevice(t, "bob"))
	next := newKey(t)
	proof := a.rotation(next, 2, nil)
	for range 2 { // a repeat with the current key is answered again
		got := a.do("rotateKey", frame.Request{Proof: proof, Ref: "r"})
		if len(got) != 1 || got[0].Type != frame.TypeRotated || got[0].Gen != 2 || got[0].Ref != "r" {
			t.Fatalf("got %+v, want rotated with generation 2 and ref r", got)
		}
		ada.enc, ada.gen = next, 2
		var plain frame.RotatedPlain
		a.open(got[0].JWE, envelope.TypeRotated, &plain)
		if plain.SID != a.sid || plain.Gen != 2 {
			t.Fatalf("got %+v, want session %s and generation 2", plain, a.sid)
		}
	}
	b.say("after the rotation", nil)
	for _, c := range []*conn{a, a2} { // read opens with the new key only
		if _, text := c.read(c.take()[0]); text != "after the rotation" {
			t.Fatalf("got %q, want the text after the rotation", text)
		}
	}
}

func TestRefusedRotations(t *testing.T) {
	next := newKey(t)
	for name, test := range map[string]struct {
		proof func(c *conn) string
		want  *chat.Error
	}{
		"no proof": {func(c *conn) string { return "x" }, chat.BadProof},
		"another session": {func(c *conn) string {
			return c.rotation(next, 2, func(r *frame.RotateClaims) { r.SID = "x" })
		}, chat.SessionMismatch},
		"a jump":       {func(c *conn) string { return c.rotation(next, 3, nil) }, chat.BadProof},
		"the same key": {func(c *conn) string { return c.rotation(c.device.enc, 2, nil) }, chat.BadProof},
		"an old one":   {func(c *conn) string { return c.rotation(next, 1, nil) }, chat.BadProof},
		"no key": {func(c *conn) string {
			return c.rotation(next, 2, func(r *frame.RotateClaims) { r.Enc = []byte(`{}`) })
		}, chat.KeyUnacceptable},
		"another's signature": {func(c *conn) string {
			other := *c
			other.device = newDevice(t, "ada")
			return other.rotation(next, 2, nil)
		}, chat.BadSignature},
	} {
		t.Run(name, func(t *testing.T) {
			c := newWorld(t).enter(newDevice(t, "ada"))
			c.expect(c.do("rotateKey", frame.Request{Proof: test.proof(c)}), test.want)
		})
	}
	c := newWorld(t).enter(newDevice(t, "ada"))
	c.expectOne(c.do("rotateKey", frame.Request{Proof: c.rotation(next, 2, nil)}), frame.TypeRotated)
	c.expect(c.do("rotateKey", frame.Request{Proof: c.rotation(newKey(t), 2, nil)}), chat.StaleDeviceKey)
}
