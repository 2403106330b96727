package room_test

import (
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// prove sends a proof and returns the frames that came back.
func (c *conn) prove(proof string) []received {
	c.t.Helper()
	return c.do("handshake", frame.Request{Proof: proof, Ref: "p"})
}

func TestHandshakeBinds(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	c := w.dial(ada)
	c.begin()
	got := c.prove(c.proof(nil))
	if len(got) != 1 || got[0].Type != frame.TypeWelcome || got[0].Ref != "p" {
		t.Fatalf("got %+v, want a welcome with ref p", got)
	}
	if len(c.rooms) != 1 || c.rooms[0].Room != chat.Lobby || c.rooms[0].Head != 0 ||
		c.rooms[0].Floor != 1 || c.rooms[0].Epoch == "" {
		t.Fatalf("got the rooms %+v in the welcome, want an empty lobby", c.rooms)
	}
}

func TestSameProofIsWelcomedAgain(t *testing.T) {
	c := newWorld(t).dial(newDevice(t, "ada"))
	c.begin()
	proof := c.proof(nil)
	c.expectOne(c.prove(proof), frame.TypeWelcome)
	sid := c.sid
	got := c.prove(proof)
	if len(got) != 1 || got[0].Type != frame.TypeWelcome || c.sid != sid {
		t.Fatalf("got %+v and session %q, want session %q again", got, c.sid, sid)
	}
	c.expect(c.prove(c.proof(func(h *frame.HandshakeClaims) { h.Gen = 2 })), chat.AlreadyBound)
	c.expect(c.do("handshake", frame.Request{User: "ada"}), chat.AlreadyBound)
}

func TestBadProofs(t *testing.T) {
	w := newWorld(t)
	other := newKey(t).Public().Thumbprint()
	for name, test := range map[string]struct {
		change func(*frame.HandshakeClaims)
		want   *chat.Error
	}{
		"another version":    {func(h *frame.HandshakeClaims) { h.V = 1 }, chat.BadProof},
		"another user":       {func(h *frame.HandshakeClaims) { h.Sub = "eve" }, chat.BadProof},
		"another deployment": {func(h *frame.HandshakeClaims) { h.Aud = "chat.example/other" }, chat.BadProof},
		"another nonce":      {func(h *frame.HandshakeClaims) { h.Nonce = chat.NewNonce() }, chat.NonceExpired},
		"no generation":      {func(h *frame.HandshakeClaims) { h.Gen = 0 }, chat.BadProof},
		"unknown server key": {func(h *frame.HandshakeClaims) { h.SKID = other }, chat.StaleServerKey},
		"key with more": {func(h *frame.HandshakeClaims) {
			h.Enc = []byte(`{"kty":"RSA","d":"AQAB"}`)
		}, chat.KeyUnacceptable},
		"signing key as enc": {func(h *frame.HandshakeClaims) {
			h.Enc = newDevice(t, "ada").signing.Public().JWK()
		}, chat.KeyUnacceptable},
		"key that is no JSON": {func(h *frame.HandshakeClaims) { h.Enc = []byte(`"RSA"`) }, chat.KeyUnacceptable},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.dial(newDevice(t, "ada"))
			c.begin()
			c.expect(c.prove(c.proof(test.change)), test.want)
			// The failed proof has spent the nonce and recorded nothing.
			c.expect(c.prove(c.proof(nil)), chat.NonceExpired)
		})
	}
	w.enter(newDevice(t, "ada")) // the name is still free
}

func TestMalformedProofs(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	claims := []byte(`{"v":1}`)
	wrong, err := envelope.Sign(ada.signing, envelope.TypeMessage, claims)
	must(t, err)
	noClaims, err := envelope.SignWithJWK(ada.signing, envelope.TypeHandshake, []byte("no JSON"))
	must(t, err)
	for _, proof := range []string{"x", "a.b.c", wrong, noClaims} {
		c := w.dial(ada)
		c.begin()
		c.expect(c.prove(proof), chat.BadProof)
	}
}

func TestNonceLifetime(t *testing.T) {
	w := newWorld(t)
	c := w.dial(newDevice(t, "ada"))
	c.expect(c.prove("x"), chat.NonceExpired) // no begin yet
	c.begin()
	proof := c.proof(nil)
	w.clock.Advance(chat.NonceLifetime)
	c.expect(c.prove(proof), chat.NonceExpired)
}

func TestMaxBegins(t *testing.T) {
	c := newWorld(t).dial(newDevice(t, "ada"))
	for range chat.MaxBegins {
		c.begin()
	}
	c.expect(c.do("handshake", frame.Request{User: "ada"}), chat.AlreadyBound)
	c.expectOne(c.prove(c.proof(nil)), frame.TypeWelcome) // the last challenge is open
}

func TestProofOnAnotherConnection(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	a, b := w.dial(ada), w.dial(ada)
	a.begin()
	b.begin()
	b.expect(b.prove(a.proof(nil)), chat.NonceExpired)
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	w.enter(ada)
	w.enter(ada) // a second connection of the same device

	thief := w.dial(newDevice(t, "ada"))
	thief.begin()
	thief.expect(thief.prove(thief.proof(nil)), chat.NameTaken)
	thief.begin()
	thief.expect(thief.prove(thief.proof(func(h *frame.HandshakeClaims) { h.Link = "x.y.z" })), chat.DeviceUnknown)
	thief = w.dial(thief.device) // a third refusal would close the connection
	thief.begin()
	claims := frame.HandshakeClaims{
		V:     frame.Version,
		Sub:   "ada",
		Aud:   audience,
		Nonce: thief.nonce,
		SKID:  thief.server.Thumbprint(),
		Enc:   thief.device.enc.Public().JWK(),
		Gen:   1,
		SK:    "x",
	}
	bare, err := envelope.Sign(thief.signing, envelope.TypeHandshake, encode(t, claims))
	must(t, err)
	thief.expect(thief.prove(bare), chat.DeviceUnknown)

	// The owner's key id is refused with a signature by another key.
	forged := w.dial(ada)
	forged.begin()
	own := forged.proof(nil)
	forged.expect(forged.prove(own[:len(own)-4]+"AAAA"), chat.BadProof)
}

func TestHandshakeRotates(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	first := w.enter(ada)
	old := ada.enc
	ada.enc, ada.gen = newKey(t), 2
	w.enter(ada)
	w.enter(newDevice(t, "bob")).say("to the newest key", nil)
	first.read(first.take()[0]) // the older connection gets messages under the new key, too

	ada.enc, ada.gen = old, 1
	stale := w.dial(ada)
	stale.begin()
	stale.expect(stale.prove(stale.proof(nil)), chat.StaleDeviceKey)
	ada.gen = 2
	stale.begin()
	stale.expect(stale.prove(stale.proof(nil)), chat.StaleDeviceKey) // the generation belongs to another key
	ada.gen = 4
	stale = w.dial(ada) // a third refusal would close the connection
	stale.begin()
	stale.expect(stale.prove(stale.proof(nil)), chat.BadProof)
}

func TestDisconnect(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	c.raw("$disconnect", "")
	c.raw("$disconnect", "")
	c.expect(c.do("ping", frame.Request{}), chat.HandshakeRequired)
	c.expect(c.do("handshake", frame.Request{User: "ada"}), chat.AlreadyBound) // without a row there is no challenge
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 0 {
		t.Fatalf("got the listeners %v, want none", listeners)
	}

	late := w.enter(newDevice(t, "bob"))
	w.clock.Advance(chat.ConnectionRowLifetime + time.Second)
	late.expect(late.do("ping", frame.Request{}), chat.HandshakeRequired)
}
