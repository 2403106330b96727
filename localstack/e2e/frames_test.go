package e2e

import (
	"context"
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// breach is one way to break the protocol, and the error code that must answer
// it.
type breach struct {
	name string
	code string
	// frame returns the frame to send; a string is sent unchanged. It may use
	// the connection first, as for a challenge.
	frame func(p *peer) any
}

// text returns a breach's frame that is the same on every connection.
func text(f string) func(*peer) any { return func(*peer) any { return f } }

func request(r frame.Request) func(*peer) any { return func(*peer) any { return r } }

// withoutSession are breaches on a connection without a session.
var withoutSession = []breach{
	{"not JSON", "bad_frame", text(`hello`)},
	{"not an object", "bad_frame", text(`["ping"]`)},
	{"null", "bad_frame", text(`null`)},
	{"an empty object", "bad_frame", text(`{}`)},
	{"an action that is a number", "bad_frame", text(`{"action":5}`)},
	{"an action in other case", "unknown_action", text(`{"action":"Ping"}`)},
	{"a member in other case", "bad_frame", text(`{"Action":"ping"}`)},
	{"a member twice", "bad_frame", text(`{"action":"ping","action":"ping"}`)},
	{"a second object behind the first", "bad_frame", text(`{"action":"ping"}{"action":"ping"}`)},
	{"a lone surrogate", "bad_frame", text(`{"action":"ping","ref":"\ud800"}`)},
	{"a ref of 65 characters", "bad_frame", text(`{"action":"ping","ref":"` + strings.Repeat("é", 65) + `"}`)},
	{"an unknown action", "unknown_action", text(`{"action":"shout"}`)},
	{"a route key of API Gateway", "unknown_action", text(`{"action":"$connect"}`)},
	{"begin and prove in one frame", "bad_frame", request(frame.Request{
		Action: frame.ActionHandshake,
		User:   "ada",
		Proof:  "x",
	})},
	{"neither begin nor prove", "bad_frame", request(frame.Request{Action: frame.ActionHandshake})},
	{"a begin of version 1", "version_unsupported", text(`{"action":"handshake","user":"ada"}`)},
	{"a begin of version 3", "version_unsupported", text(`{"action":"handshake","v":3,"user":"ada"}`)},
	{"a request without a ref", "bad_frame", text(`{"action":"devices"}`)},
	{"a name with a capital", "name_invalid", request(begin("Ada"))},
	{"a name of one letter", "name_invalid", request(begin("a"))},
	{"a reserved name", "name_invalid", request(begin("admin"))},
	{"ping without a session", "handshake_required", request(frame.Request{Action: frame.ActionPing})},
	{"sendMessage without a session", "handshake_required", request(send("e30.e30.e30.e30.e30"))},
	{"history without a session", "handshake_required", request(frame.Request{
		Action: frame.ActionHistory,
		Room:   "lobby",
	})},
	{"joinRoom without a session", "handshake_required", request(join("den"))},
	{"leaveRoom without a session", "handshake_required", request(frame.Request{
		Action: frame.ActionLeaveRoom,
		Room:   "den",
	})},
	{"devices without a session", "handshake_required", text(`{"action":"devices","ref":"r"}`)},
	{"revokeDevice without a session", "handshake_required", text(`{"action":"revokeDevice","ref":"r","proof":"x"}`)},
	{"presence without a session", "handshake_required", text(`{"action":"presence","ref":"r","room":"lobby"}`)},
	{"typing without a session", "handshake_required", text(`{"action":"typing","room":"lobby"}`)},
	{"mark without a session", "handshake_required", text(`{"action":"mark","room":"lobby","delivered":1,"read":1}`)},
	{"rotateKey without a session", "handshake_required", request(frame.Request{
		Action: frame.ActionRotateKey,
		Proof:  "x",
	})},
	{"a proof without a challenge", "nonce_expired", request(prove("e30.e30.e30"))},
	{"a proof that is not a token", "bad_proof", proof(func(*peer) string { return "nonsense" })},
	{"a proof of another type", "bad_proof",
		proof(func(p *peer) string { return p.sign(envelope.TypeMessage, map[string]int{"v": 1}) })},
	{"a proof whose signature is cut", "bad_proof",
		proof(func(p *peer) string { return p.proof(nil)[:len(p.lastProof)-4] + "AAAA" })},
	{"a proof without an algorithm", "bad_proof", proof(func(p *peer) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"sotto-handshake+jwt"}`)) +
			"." + strings.Split(p.proof(nil), ".")[1] + "."
	})},
	{"a proof for another deployment", "bad_proof",
		claims(func(c *frame.HandshakeClaims) { c.Aud = "elsewhere.example/prod" })},
	{"a proof for another challenge", "nonce_expired",
		claims(func(c *frame.HandshakeClaims) { c.Nonce = strings.Repeat("A", 43) })},
	{"a proof for another name", "bad_proof", claims(func(c *frame.HandshakeClaims) { c.Sub = "somebody" })},
	{"a first key of generation 0", "bad_proof", claims(func(c *frame.HandshakeClaims) { c.Gen = 0 })},
	{"a proof with an unknown server key", "stale_server_key",
		claims(func(c *frame.HandshakeClaims) { c.SKID = strings.Repeat("A", 43) })},
	{"a secret that is no token", "bad_proof", claims(func(c *frame.HandshakeClaims) { c.SK = "x" })},
	{"a secret to an unknown key", "stale_server_key", proof(func(p *peer) string {
		own := *p
		own.sealTo = p.user.opening.Public()
		return own.proof(nil)
	})},
	{"an encryption key without a modulus", "key_unacceptable",
		claims(func(c *frame.HandshakeClaims) { c.Enc = []byte(`{"kty":"RSA"}`) })},
	{"an encryption key with e = 3", "key_unacceptable", claims(func(c *frame.HandshakeClaims) {
		c.Enc = []byte(strings.Replace(string(c.Enc), "AQAB", "Aw", 1))
	})},
	{"an encryption key with an even modulus", "key_unacceptable", claims(func(c *frame.HandshakeClaims) {
		n := make([]byte, 256)
		n[0] = 0x80
		c.Enc = []byte(`{"e":"AQAB","kid":"` + strings.Repeat("C", 43) + `","kty":"RSA","n":"` +
			base64.RawURLEncoding.EncodeToString(n) + `"}`)
	})},
	{"an encryption key of 1024 bits", "key_unacceptable", claims(func(c *frame.HandshakeClaims) {
		c.Enc = []byte(`{"e":"AQAB","kid":"` + strings.Repeat("C", 43) + `","kty":"RSA","n":"` +
			strings.Repeat("_", 171) + `"}`)
	})},
	{"an unknown device that shows no key", "device_unknown", proof(func(p *peer) string {
		return p.sign(envelope.TypeHandshake, frame.HandshakeClaims{
			V:     frame.Version,
			Sub:   p.user.name,
			Aud:   p.audience,
			Nonce: p.challenge.Nonce,
			SKID:  p.server.Thumbprint(),
			Enc:   p.user.opening.Public().JWK(),
			Gen:   1,
			SK:    "x",
		})
	})},
}

// proof returns the second frame of a handshake, after the first.
func proof(make func(*peer) string) func(*peer) any {
	return func(p *peer) any {
		p.begin()
		return prove(make(p))
	}
}

func claims(alter func(*frame.HandshakeClaims)) func(*peer) any {
	return proof(func(p *peer) string { return p.proof(alter) })
}

// den is the room that the users of withSession are members of.
const den = chat.Room("den-of-breaches")

// withSession are breaches on a connection with a session, whose user is a
// member of den and not of attic.
var withSession = []breach{
	{"a second handshake", "already_bound", func(p *peer) any { return begin(p.user.name) }},
	{"another proof", "already_bound", func(p *peer) any {
		return prove(p.proof(func(c *frame.HandshakeClaims) { c.Gen = 2 }))
	}},
	{"a frame without a mac", "bad_mac", func(p *peer) any {
		return p.unauthenticated(frame.Request{Action: frame.ActionPing, Ref: "r"})
	}},
	{"the mac of another frame", "bad_mac", func(p *peer) any {
		return strings.Replace(p.authentic(`{"action":"leaveRoom","ref":"r","room":"lobby"}`), "lobby", string(den), 1)
	}},
	{"a frame of the service", "bad_mac", func(p *peer) any {
		data, err := p.toClient.Authenticate([]byte(`{"action":"leaveRoom","ref":"r","room":"` + den + `"}`))
		if err != nil {
			p.t.Fatal(err)
		}
		return string(data)
	}},
	{"no token", "bad_frame", text(`{"action":"sendMessage"}`)},
	{"a token that is a number", "bad_frame", text(`{"action":"sendMessage","jwe":5}`)},
	{"a token that is not a JWE", "bad_envelope", request(send("nonsense"))},
	{"a token with an altered tag", "bad_envelope", func(p *peer) any {
		r := p.sealed(p.message(den, nil))
		i := strings.LastIndexByte(r.JWE, '.') + 1
		r.JWE = r.JWE[:i] + swap(r.JWE[i:i+1]) + r.JWE[i+1:]
		return r
	}},
	{"a token with padded base64", "bad_envelope", func(p *peer) any {
		r := p.sealed(p.message(den, nil))
		r.JWE += "=="
		return r
	}},
	{"a compressed token", "bad_envelope", func(p *peer) any {
		header := `{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + p.server.Thumbprint() +
			`","typ":"sotto-send+jwe","zip":"DEF"}`
		_, rest, _ := strings.Cut(p.sealed(p.message(den, nil)).JWE, ".")
		return send(base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest)
	}},
	{"a token of another type", "bad_envelope", func(p *peer) any {
		return send(p.seal(envelope.TypeSealedMessage, p.sign(envelope.TypeMessage, p.message(den, nil))))
	}},
	{"a token without a signed text", "bad_envelope",
		func(p *peer) any { return send(p.seal(envelope.TypeSend, encode(p.t, p.message(den, nil)))) }},
	{"a signed text of another type", "bad_envelope", func(p *peer) any {
		return send(p.seal(envelope.TypeSend, p.sign(envelope.TypeRotate, p.message(den, nil))))
	}},
	{"an id that is not a ULID", "bad_envelope", func(p *peer) any {
		return p.sealed(p.message(den, func(c *frame.MessageClaims) { c.ID = "1" }))
	}},
	{"another version", "bad_envelope", func(p *peer) any {
		return p.sealed(p.message(den, func(c *frame.MessageClaims) { c.V = 1 }))
	}},
	{"a claim twice", "bad_envelope", func(p *peer) any {
		twice := strings.Replace(encode(p.t, p.message(den, nil)), "{", `{"body":"one",`, 1)
		token, err := envelope.Sign(p.user.signing, envelope.TypeMessage, []byte(twice))
		if err != nil {
			p.t.Fatal(err)
		}
		return send(p.seal(envelope.TypeSend, token))
	}},
	{"a token to an unknown server key", "stale_server_key", func(p *peer) any {
		own := *p
		own.server = p.user.opening.Public()
		return own.sealed(p.message(den, nil))
	}},
	{"a text that another key signed", "bad_signature", func(p *peer) any {
		other := *p
		forger := *p.user
		forger.signing, other.user = newSigningKey(p.t), &forger
		return other.sealed(p.message(den, nil))
	}},
	{"another session", "session_mismatch", func(p *peer) any {
		return p.sealed(p.message(den, func(c *frame.MessageClaims) { c.SID = "another" }))
	}},
	{"another sender", "session_mismatch", func(p *peer) any {
		return p.sealed(p.message(den, func(c *frame.MessageClaims) { c.Sub = "somebody" }))
	}},
	{"another server key in the claims than in the header", "session_mismatch", func(p *peer) any {
		return p.sealed(p.message(den, func(c *frame.MessageClaims) { c.SKID = strings.Repeat("A", 43) }))
	}},
	{"a room that the user is not in", "not_a_member", func(p *peer) any { return p.sealed(p.message("attic", nil)) }},
	{"a room that does not exist", "not_a_member",
		func(p *peer) any { return p.sealed(p.message("nowhere-at-all", nil)) }},
	{"an invalid room name", "room_invalid", func(p *peer) any { return p.sealed(p.message("No Room", nil)) }},
	{"a text of 16 KiB and one byte", "body_too_large", func(p *peer) any {
		return p.sealed(p.message(den, func(c *frame.MessageClaims) { c.Body = strings.Repeat("x", chat.MaxBody+1) }))
	}},
	{"history of a room that the user is not in", "not_a_member", request(frame.Request{
		Action: frame.ActionHistory,
		Room:   "attic",
	})},
	{"history of an invalid room name", "room_invalid", request(frame.Request{
		Action: frame.ActionHistory,
		Room:   "No Room",
	})},
	{"history without a room", "bad_frame", request(frame.Request{Action: frame.ActionHistory})},
	{"history of more than 100", "bad_frame", request(frame.Request{
		Action: frame.ActionHistory,
		Room:   den,
		Limit:  101,
	})},
	{"history after a negative seq", "bad_frame", request(frame.Request{
		Action: frame.ActionHistory,
		Room:   den,
		After:  -1,
	})},
	{"creating a room that exists", "room_taken", request(frame.Request{
		Action: frame.ActionCreateRoom,
		Room:   "attic",
	})},
	{"creating a room with a reserved name", "room_invalid", request(frame.Request{
		Action: frame.ActionCreateRoom,
		Room:   "everyone",
	})},
	{"joining a closed room", "room_invalid", request(join(chat.NewClosedRoom()))},
	{"the members of a closed room of others", "not_a_member", request(frame.Request{
		Action: frame.ActionRooms,
		Room:   chat.NewClosedRoom(),
	})},
	{"accepting without an invitation", "not_a_member", func(p *peer) any {
		return p.operation(frame.RoomClaims{Op: frame.OpAccept, Room: chat.NewClosedRoom()})
	}},
	{"an operation signed long ago", "not_fresh", func(p *peer) any {
		return p.operation(frame.RoomClaims{Op: frame.OpLeave, Room: chat.NewClosedRoom(), At: 1})
	}},
	{"an operation on an open room", "room_invalid", func(p *peer) any {
		return p.operation(frame.RoomClaims{Op: frame.OpLeave, Room: den})
	}},
	{"an operation with a member of another one", "bad_envelope", func(p *peer) any {
		return p.operation(frame.RoomClaims{Op: frame.OpLeave, Room: chat.NewClosedRoom(), User: "ada"})
	}},
	{"joining an invalid room name", "room_invalid", request(join("No Room"))},
	{"leaving the lobby", "room_invalid", request(frame.Request{Action: frame.ActionLeaveRoom, Room: "lobby"})},
	{"leaving a room that does not exist", "room_invalid", request(frame.Request{
		Action: frame.ActionLeaveRoom,
		Room:   "nowhere-at-all",
	})},
	{"presence in a room that the user is not in", "not_a_member", text(`{"action":"presence","ref":"r","room":"attic"}`)},
	{"presence in an invalid room name", "room_invalid", text(`{"action":"presence","ref":"r","room":"No Room"}`)},
	{"presence without a room", "bad_frame", text(`{"action":"presence"}`)},
	{"typing in a room that the user is not in", "not_a_member", text(`{"action":"typing","room":"attic"}`)},
	{"typing in a room that does not exist", "not_a_member", text(`{"action":"typing","room":"nowhere-at-all"}`)},
	{"typing without a room", "bad_frame", text(`{"action":"typing"}`)},
	{"marking a room that the user is not in", "not_a_member",
		text(`{"action":"mark","room":"attic","delivered":1,"read":1}`)},
	{"marking as read what was not delivered", "bad_frame",
		text(`{"action":"mark","room":"den-of-breaches","delivered":1,"read":2}`)},
	{"marking a negative seq", "bad_frame",
		text(`{"action":"mark","room":"den-of-breaches","delivered":-1,"read":-1}`)},
	{"marking a fraction", "bad_frame", text(`{"action":"mark","room":"den-of-breaches","delivered":1.5,"read":1}`)},
	{"a negative head", "bad_frame", text(`{"action":"ping","heads":{"lobby":-1}}`)},
	{"a rotation that is not a token", "bad_proof",
		rotation(func(*peer, *frame.RotateClaims) string { return "nonsense" })},
	{"a rotation that skips a generation", "bad_proof",
		rotation(func(_ *peer, c *frame.RotateClaims) string { c.Gen += 2; return "" })},
	{"a rotation to the same key", "bad_proof", rotation(func(p *peer, c *frame.RotateClaims) string {
		c.Enc = p.user.opening.Public().JWK()
		return ""
	})},
	{"a rotation to a key without a modulus", "key_unacceptable",
		rotation(func(_ *peer, c *frame.RotateClaims) string { c.Enc = []byte(`{"kty":"RSA"}`); return "" })},
	{"a rotation of another session", "session_mismatch",
		rotation(func(_ *peer, c *frame.RotateClaims) string { c.SID = "another"; return "" })},
	{"a rotation that another key signed", "bad_signature", rotation(func(p *peer, c *frame.RotateClaims) string {
		token, err := envelope.Sign(newSigningKey(p.t), envelope.TypeRotate, []byte(encode(p.t, c)))
		if err != nil {
			p.t.Fatal(err)
		}
		return token
	})},
}

// rotation returns a rotateKey frame. alter may change the claims, or return a
// token to send instead.
func rotation(alter func(*peer, *frame.RotateClaims) string) func(*peer) any {
	return func(p *peer) any {
		claims := frame.RotateClaims{SID: p.sid, Enc: p.server.JWK(), Gen: p.user.gen + 1}
		token := alter(p, &claims)
		if token == "" {
			token = p.sign(envelope.TypeRotate, claims)
		}
		return frame.Request{Action: frame.ActionRotateKey, Proof: token}
	}
}

// swap returns another character of base64url.
func swap(c string) string {
	if c == "A" {
		return "B"
	}
	return "A"
}

// What the protocol says of errors (§5, §8), independent of the code.
var (
	closing    = []string{"bad_envelope", "bad_signature", "session_mismatch"}
	repeatable = []string{"rate_limited", "try_again", "internal"}
	// elsewhere are the codes that TestBreaches does not provoke: other tests
	// do, or no client can.
	elsewhere = map[string]string{
		"frame_too_large":  "TestFramesThatAreTooLarge",
		"name_taken":       "TestHandshakesOfAUserWhoIsKnown",
		"stale_device_key": "TestHandshakesOfAUserWhoIsKnown",
		"too_many_rooms":   "TestTooManyRooms",
		"rate_limited":     "TestTooManyFrames",
		"user_unknown":     "the script closed_rooms",
		"not_allowed":      "the script closed_rooms",
		"too_many_members": "wants two hundred users: package room's tests",
		"device_revoked":   "wants a second device: package room's tests",
		"too_many_devices": "wants twenty devices: package room's tests",
		"try_again":        "wants a database that is contended or gone",
		"internal":         "wants a defect",
	}
)

// TestBreaches breaks the protocol in every way that one frame can. The answer
// is an error frame of the closed list, the connection stays open unless the
// protocol closes it, and nothing is stored.
func TestBreaches(t *testing.T) {
	s := sharedStack(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	observer := openSession(ctx, t, s, newUser(t, "observer"))
	observer.enterRoom("attic")
	observer.enterRoom(den)
	before := observer.heads()
	provoked := map[string]bool{}

	keys := newUser(t, "stranger") // one set of keys for all, since none of them gets a session
	for _, b := range withoutSession {
		t.Run(b.name, func(t *testing.T) {
			stranger := *keys
			stranger.name = newName("stranger")
			p := connect(ctx, t, s, &stranger)
			provoked[b.code] = true
			p.mustRefuse(b)
			if !slices.Contains(closing, b.code) {
				p.begin() // the connection still works
			}
		})
	}
	var users []*user // several, to stay below the rate of a device
	for range 4 {
		u := newUser(t, "breaker")
		users = append(users, u)
		p := openSession(ctx, t, s, u)
		p.enterRoom(den)
	}
	for i, b := range withSession {
		t.Run(b.name, func(t *testing.T) {
			p := openSession(ctx, t, s, users[i%len(users)])
			provoked[b.code] = true
			p.mustRefuse(b)
			if slices.Contains(closing, b.code) {
				if code, err := p.closed(ctx); err != nil || code != websocket.StatusNormalClosure {
					t.Errorf("got close code %v, %v; want 1000, as DeleteConnection closes", code, err)
				}
			} else {
				p.heads() // the connection still works
			}
			if after := observer.heads(); !maps.Equal(before, after) {
				t.Errorf("got the heads %v, want them unchanged: %v", after, before)
			}
		})
	}
	var list []string
	for _, e := range chat.Errors() {
		list = append(list, string(e.Code()))
		if provoked[string(e.Code())] == (elsewhere[string(e.Code())] != "") {
			t.Errorf("%s: provoked here: %v, listed in elsewhere: %q; want exactly one of the two",
				e.Code(), provoked[string(e.Code())],
				elsewhere[string(e.Code())])
		}
	}
	for code := range provoked {
		if !slices.Contains(list, code) {
			t.Errorf("%s is not in the closed list", code)
		}
	}
}

// TestErrorsAreThoseOfTheProtocol wants the closed list of package chat to be
// that of docs/protocol.md.
func TestErrorsAreThoseOfTheProtocol(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## 8. Errors\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var written, coded []string
	for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(section, -1) {
		written = append(written, code[1])
	}
	for _, e := range chat.Errors() {
		coded = append(coded, string(e.Code()))
	}
	slices.Sort(written)
	slices.Sort(coded)
	if !slices.Equal(slices.Compact(written), coded) {
		t.Errorf("package chat has the errors %v, docs/protocol.md §8 has %v; want the same", coded, written)
	}
}

// mustRefuse sends the frame of a breach and wants its error frame as the next
// one.
func (p *peer) mustRefuse(b breach) {
	p.t.Helper()
	sent := b.frame(p)
	var text string
	if raw, is := sent.(unauthenticated); is {
		text = string(raw)
		if err := p.send(p.ctx, text); err != nil {
			p.t.Fatal(err)
		}
	} else {
		text = p.sendFrame(sent)
	}
	got, err := p.next(p.ctx)
	if err != nil {
		p.t.Fatalf("%s: got %v, want the error frame %s", b.name, err, b.code)
	}
	checkError(p.t, got, b.code, refOf(text))
	var members map[string]any
	isFrame := strict.Unmarshal([]byte(text), &members) == nil
	inSession := p.sid != "" && envelope.HasMAC([]byte(text)) && isFrame && b.code != "bad_mac"
	if proven := p.toClient != nil && p.toClient.Verify([]byte(got)) == nil; inSession && !proven {
		p.t.Errorf("%s: got %s, want it authenticated", b.name, got)
	} else if p.sid != "" && !inSession && proven {
		p.t.Errorf("%s: got %s, want it without the session's mac", b.name, got)
	}
}

// unauthenticated is a frame that is sent without a MAC.
type unauthenticated string

func (p *peer) unauthenticated(r frame.Request) unauthenticated {
	return unauthenticated(encode(p.t, r))
}

// refOf returns the ref that an answer to a frame repeats.
func refOf(text string) string {
	var f struct {
		Ref string `json:"ref"`
	}
	if strict.Unmarshal([]byte(text), &f) != nil || utf8.RuneCountInString(f.Ref) > chat.MaxRef {
		return ""
	}
	return f.Ref
}

// checkError fails the test unless got is the error frame of a code.
func checkError(t testing.TB, got, code, ref string) {
	t.Helper()
	e := decode[frame.Error](t, []byte(got))
	i := slices.IndexFunc(chat.Errors(), func(known *chat.Error) bool { return string(known.Code()) == code })
	if i < 0 {
		t.Fatalf("%s is not in the closed list", code)
	}
	want := frame.Error{
		Type:    frame.TypeError,
		Ref:     ref,
		Code:    chat.Code(code),
		Message: chat.Errors()[i].Message(),
		Retry:   slices.Contains(repeatable, code),
		KeySet:  e.KeySet,
	}
	if e != want || (e.KeySet != "") != (code == "stale_server_key") {
		t.Errorf("got %s, want the error %s with retry %v, ref %q", got, code, want.Retry, ref)
	}
}
