package room_test

import (
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Vulnerability: the service stored signed claims that some clients show and
// others refuse, so two users of a room read different logs.
// Attack: mallory signs a message without body, with null, with an unknown
// member or with one nested 65 levels deep.
// This verifies that the service refuses each and stores nothing.
func TestAttackSignedClaimsForSomeReadersOnly(t *testing.T) {
	w := newWorld(t)
	mallory := newDevice(t, "mallory")
	for name, change := range map[string]func(string) string{
		"no body":             func(s string) string { return strings.Replace(s, `,"body":"x"`, "", 1) },
		"body is null":        func(s string) string { return strings.Replace(s, `"body":"x"`, `"body":null`, 1) },
		"another body":        func(s string) string { return strings.Replace(s, `{`, `{"Body":"y",`, 1) },
		"unknown member":      func(s string) string { return strings.Replace(s, `{`, `{"later":1,`, 1) },
		"unknown member null": func(s string) string { return strings.Replace(s, `{`, `{"later":null,`, 1) },
		"deep member": func(s string) string {
			return strings.Replace(s, `{`, `{"x":`+strings.Repeat("[", 65)+strings.Repeat("]", 65)+`,`, 1)
		},
		"1e400": func(s string) string { return strings.Replace(s, `{`, `{"x":1e400,`, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			c := w.enter(mallory)
			good := string(encode(t, frame.MessageClaims{
				V:    frame.Version,
				SID:  c.sid,
				Sub:  c.user,
				SKID: c.server.Thumbprint(),
				Room: chat.Lobby,
				ID:   chat.MessageID(ulid.Make().String()),
				Body: "x",
			}))
			bad := change(good)
			if bad == good {
				t.Fatalf("the change did nothing to %s", good)
			}
			c.expect(c.send(c.sealed(c.signing, []byte(bad))), chat.BadEnvelope)
		})
	}
	c := w.enter(mallory)
	tail, err := w.store.Tail(t.Context(), chat.Lobby, c.rooms[0].Epoch)
	must(t, err)
	if tail.Seq != 0 {
		t.Errorf("got head %d, want 0: a refused message was stored", tail.Seq)
	}
}

// Vulnerability: unknown members of a proof were signed and ignored. Attack:
// mallory gets a device to sign claims that a later version of the service
// reads differently. This verifies that a proof with an unknown member, or
// without one that it needs, is refused.
func TestAttackProofsWithOtherMembers(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(string) string{
		"unknown member": func(s string) string { return strings.Replace(s, `{`, `{"admin":true,`, 1) },
		"link is null":   func(s string) string { return strings.Replace(s, `{`, `{"link":null,`, 1) },
		"aud of another case": func(s string) string {
			return strings.Replace(s, `{`, `{"Aud":"elsewhere",`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.dial(newDevice(t, "mallory"))
			c.begin()
			token, err := envelope.ParseSigned(c.proof(nil), envelope.TypeHandshake)
			must(t, err)
			claims, err := token.Verify(c.signing.Public())
			must(t, err)
			proof, err := envelope.SignWithJWK(c.signing, envelope.TypeHandshake, []byte(change(string(claims))))
			must(t, err)
			c.expect(c.do("handshake", frame.Request{Proof: proof}), chat.BadProof)
		})
	}
}

// Vulnerability: an operation on a closed room with an unknown or an empty
// member was an entry for some members and a gap for others. Attack: mallory,
// who owns a room, invites bob by such an operation. This verifies that the
// service refuses it.
func TestAttackOperationsForSomeReadersOnly(t *testing.T) {
	w := newWorld(t)
	w.enter(newDevice(t, "bob"))
	mallory := w.enter(newDevice(t, "mallory"))
	den := mallory.found(chat.HistoryAll)
	for name, member := range map[string]string{
		"unknown member":      `"later":1`,
		"empty name":          `"name":""`,
		"role is null":        `"role":null`,
		"user in other case":  `"User":"carol"`,
		"deep unknown member": `"x":` + strings.Repeat("[", 17) + strings.Repeat("]", 17),
	} {
		good := string(encode(t, frame.RoomClaims{
			V:    frame.Version,
			SID:  mallory.sid,
			Sub:  mallory.user,
			SKID: mallory.server.Thumbprint(),
			Room: den,
			ID:   chat.MessageID(ulid.Make().String()),
			At:   mallory.clock.Now().UnixMilli(),
			Op:   frame.OpInvite,
			User: "bob",
		}))
		bad := strings.Replace(good, "{", "{"+member+",", 1)
		jws, err := envelope.Sign(mallory.signing, envelope.TypeRoom, []byte(bad))
		must(t, err)
		jwe, err := envelope.Seal(mallory.server, envelope.TypeSend, []byte(jws))
		must(t, err)
		mallory.take()
		got := mallory.send(jwe)
		if len(got) != 1 || got[0].Code != chat.BadEnvelope.Code() {
			t.Errorf("%s: got %+v, want bad_envelope", name, got)
		}
		mallory = w.enter(mallory.device) // bad_envelope has closed the connection
	}
}
