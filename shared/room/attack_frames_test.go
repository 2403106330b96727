package room_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// authentic returns a frame of the connection's session as it is sent.
func (c *conn) authentic(f frame.Request) string {
	c.t.Helper()
	data, err := c.toService.Authenticate(encode(c.t, f))
	must(c.t, err)
	return string(data)
}

// Vulnerability: nothing but TLS authenticated most of a client's frames, so a
// proxy that ends TLS could speak for the client. Attack: mallory has such a
// proxy and puts a leaveRoom frame into bob's connection: without a mac, with
// one of another session, of the other direction, of another frame, or with one
// that was stripped, altered or not at the end. This verifies that each is
// refused with bad_mac, that the refusal has no mac, since bob must not take it
// for an answer, that it spends nothing of bob's rate, and that bob stays in
// the room.
func TestAttackInjectedLeaveRoom(t *testing.T) {
	w := newWorld(t)
	bob, mallory := w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "mallory"))
	other := w.enter(bob.device)
	for _, c := range []*conn{bob, mallory} {
		c.enterRoom("den")
	}
	leave := frame.Request{Action: "leaveRoom", Room: "den", Ref: "r"}
	genuine := bob.authentic(leave)
	mac := genuine[len(genuine)-32:]
	plain := string(encode(t, leave))
	toClient, err := bob.toClient.Authenticate([]byte(plain))
	must(t, err)
	forged := map[string]string{
		"without a mac":                       plain,
		"with mallory's mac":                  mallory.authentic(leave),
		"with the mac of another session":     other.authentic(leave),
		"with the key of the other direction": string(toClient),
		"with the mac of another room":        strings.Replace(bob.authentic(frame.Request{Action: "leaveRoom", Room: "pub", Ref: "r"}), "pub", "den", 1),
		"with the mac of a ping":              plain[:len(plain)-1] + bob.authentic(frame.Request{Action: "ping", Ref: "r"})[len(`{"action":"ping","ref":"r"`):],
		"with a cut mac":                      genuine[:len(genuine)-4] + `"}`,
		"with a second mac":                   plain[:len(plain)-1] + mac[:30] + mac,
		"with a mac that is not last":         `{` + mac[1:30] + `",` + plain[1:],
		"with white space behind":             genuine + "\n",
	}
	spent := chat.DeviceBurst - 10
	for range spent {
		bob.expectOne(bob.do("ping", frame.Request{}), frame.TypePong)
	}
	for name, body := range forged {
		got := bob.raw("leaveRoom", body)
		if len(got) != 1 || got[0].authentic ||
			got[0].Code != chat.BadMAC.Code() && got[0].Code != chat.BadFrame.Code() {
			t.Errorf("%s: got %+v, want bad_mac without a mac", name, got)
		}
	}
	if is, err := w.store.IsMember(t.Context(), "den", "bob"); err != nil || !is {
		t.Errorf("bob is a member: %v, %v; want true", is, err)
	}
	bob.expectOne(bob.raw("leaveRoom", genuine), frame.TypeLeft) // the rate is not spent
}

// Vulnerability: a frame's MAC could be used for another kind of frame.
// Attack: mallory sends frames of one action to the route of another, and the
// service's frames back to it.
// This verifies that all are refused and that nothing changes.
func TestAttackReflectedAndRelabelledFrames(t *testing.T) {
	w := newWorld(t)
	bob := w.enter(newDevice(t, "bob"))
	w.enter(newDevice(t, "ada")).enterRoom("den")
	join := bob.authentic(frame.Request{Action: "joinRoom", Room: "den", Ref: "r"})
	bob.expectOne(bob.raw("joinRoom", join), frame.TypeJoined)
	bob.raw("ping", bob.authentic(frame.Request{Action: "ping", Ref: "r"}))
	for _, action := range []string{"leaveRoom", "typing", "presence"} {
		bob.expect(bob.raw(action, join), chat.BadFrame)
	}
	pong, err := bob.toClient.Authenticate([]byte(`{"type":"pong","ref":"r","heads":{},"action":"ping"}`))
	must(t, err)
	if got := bob.raw("ping", string(pong)); len(got) != 1 || got[0].Code != chat.BadMAC.Code() || got[0].authentic {
		t.Errorf("a frame of the service: got %+v, want bad_mac without a mac", got)
	}
}

// TestRefusedProofsAreAuthenticated wants a MAC on each refusal of a proof that
// verifies, since a client gives up because of it, and none on those of others.
func TestRefusedProofsAreAuthenticated(t *testing.T) {
	w := newWorld(t)
	ada := newDevice(t, "ada")
	w.enter(ada)
	link := func(h *frame.HandshakeClaims) { h.Link = "x" }
	enc := func(h *frame.HandshakeClaims) { h.Enc = []byte(`"RSA"`) }
	skid := func(h *frame.HandshakeClaims) { h.SKID = strings.Repeat("A", 43) }
	aud := func(h *frame.HandshakeClaims) { h.Aud = "chat.example/other" }
	nonce := func(h *frame.HandshakeClaims) { h.Nonce = chat.NewNonce() }
	sub := func(h *frame.HandshakeClaims) { h.Sub = "bob" }
	sk := func(h *frame.HandshakeClaims) { h.SK = "x" }
	for name, test := range map[string]struct {
		by        *device
		change    func(*frame.HandshakeClaims)
		want      *chat.Error
		authentic bool
	}{
		"a name that is taken":       {newDevice(t, "ada"), nil, chat.NameTaken, true},
		"a link that does not hold":  {newDevice(t, "ada"), link, chat.DeviceUnknown, true},
		"a key that is unacceptable": {ada, enc, chat.KeyUnacceptable, true},
		"an unknown server key":      {ada, skid, chat.StaleServerKey, true},
		"another deployment":         {ada, aud, chat.BadProof, false},
		"another challenge":          {ada, nonce, chat.NonceExpired, false},
		"another name":               {ada, sub, chat.BadProof, false},
		"a secret that is no token":  {ada, sk, chat.BadProof, false},
	} {
		c := w.dial(test.by)
		c.begin()
		got := c.prove(c.proof(test.change))
		c.expect(got, test.want)
		if got[0].authentic != test.authentic {
			t.Errorf("%s: the refusal is authenticated: %v, want %v", name, got[0].authentic, test.authentic)
		}
	}
}

// TestRepeatedProofIsAuthenticated wants a repeated welcome under the keys of
// the session, on another instance too.
func TestRepeatedProofIsAuthenticated(t *testing.T) {
	w := newWorld(t)
	c := w.dial(newDevice(t, "ada"))
	c.begin()
	proof := c.proof(nil)
	c.expectOne(c.prove(proof), frame.TypeWelcome)
	w.compose(w.store, w.hub)
	c.expectOne(c.prove(proof), frame.TypeWelcome)
	c.expectOne(c.do("ping", frame.Request{}), frame.TypePong)
}

// TestUnknownActionsOfASession wants the answer of $default authenticated if
// the frame is.
func TestUnknownActionsOfASession(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	for body, want := range map[string]bool{
		`{"action":"dance","ref":"r"}`:                                false,
		c.authentic(frame.Request{Action: "dance", Ref: "r"}):         true,
		`{"action":"dance","ref":"r","mac":"AAAAAAAAAAAAAAAAAAAAAA"}`: false,
		`{"action":"dance","mac":"AAAAAAAAAAAAAAAAAAAAAA","ref":"r"}`: false,
	} {
		got := c.raw("$default", body)
		c.expect(got, chat.UnknownAction)
		if got[0].authentic != want {
			t.Errorf("%s: the answer is authenticated: %v, want %v", body, got[0].authentic, want)
		}
	}
}

// TestPushesAreNumbered wants a fresh number and the time in every push.
func TestPushesAreNumbered(t *testing.T) {
	w := newWorld(t)
	a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
	seen := map[string]bool{}
	check := func(got []received) {
		t.Helper()
		if len(got) != 1 || len(got[0].N) != 11 || seen[got[0].N] || got[0].At != w.clock.Now().UnixMilli() {
			text, _ := json.Marshal(got)
			t.Errorf("got %s, want a push with a fresh number and the time", text)
			return
		}
		seen[got[0].N] = true
	}
	for range 2 {
		a.do("typing", frame.Request{Room: "lobby"})
		check(b.take())
		a.do("mark", frame.Request{Room: "lobby"})
		check(b.take())
		must(t, w.router.Service.Announce(t.Context()))
		check(b.take())
		a.take()
	}
}
