package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// user holds the keys of a device that speaks the protocol without package
// client, and so can break its rules.
type user struct {
	name    chat.User
	signing *envelope.SigningKey
	opening *envelope.DecryptionKey
	gen     int64
}

// newUser makes a device for a name that is not in use.
func newUser(t testing.TB, name string) *user {
	t.Helper()
	return &user{
		name:    newName(name),
		signing: newSigningKey(t),
		opening: newDecryptionKey(t),
		gen:     1,
	}
}

// newName returns a user name that is not in use.
func newName(name string) chat.User { return chat.User(fmt.Sprintf("%s-%d", name, runs.Add(1))) }

func newSigningKey(t testing.TB) *envelope.SigningKey {
	t.Helper()
	key, err := envelope.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newDecryptionKey(t testing.TB) *envelope.DecryptionKey {
	t.Helper()
	key, err := envelope.GenerateDecryptionKey(envelope.DefaultBits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// peer is a user's connection.
type peer struct {
	*socket
	t    testing.TB
	ctx  context.Context
	user *user

	challenge frame.Challenge // the last challenge
	audience  string
	server    *envelope.EncryptionKey // the service's newest key
	sealTo    *envelope.EncryptionKey // the session key of the key set
	lastProof string                  // the last proof
	sid       chat.Session            // after the welcome

	toService, toClient *envelope.MACKey // of the last proof
}

// connect opens a connection for a user, without a handshake.
func connect(ctx context.Context, t testing.TB, s *stack, u *user) *peer {
	t.Helper()
	c, err := openSocket(ctx, s.webSocket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.drop)
	return &peer{socket: c, t: t, ctx: ctx, user: u}
}

// openSession opens a connection and completes the handshake.
func openSession(ctx context.Context, t testing.TB, s *stack, u *user) *peer {
	t.Helper()
	p := connect(ctx, t, s, u)
	p.begin()
	p.sendFrame(prove(p.proof(nil)))
	p.takeSession(expect[frame.Welcome](p, frame.TypeWelcome))
	return p
}

// sendFrame sends a frame of the session: a string unchanged, anything else as
// JSON with a ref. It adds the MAC if the connection has a session, unless the
// frame has one or is none of a session. It returns what it has sent.
func (p *peer) sendFrame(f any) string {
	p.t.Helper()
	text := p.frame(f)
	if err := p.send(p.ctx, text); err != nil {
		p.t.Fatal(err)
	}
	return text
}

// trySend does the same for a connection that the service may close.
func (p *peer) trySend(ctx context.Context, f any) error { return p.send(ctx, p.frame(f)) }

// frame returns the text that sendFrame sends.
func (p *peer) frame(f any) string {
	p.t.Helper()
	text, ok := f.(string)
	if r, is := f.(frame.Request); is {
		if r.Ref == "" && r.Action != frame.ActionHandshake {
			r.Ref = chat.NewRef()
		}
		text = encode(p.t, r)
	} else if !ok {
		text = encode(p.t, f)
	}
	if p.sid != "" && !strings.HasPrefix(text, `{"action":"handshake"`) && !envelope.HasMAC([]byte(text)) {
		text = p.authentic(text)
	}
	return text
}

// authentic returns a frame with the MAC of the session. What is no object
// stays as it is.
func (p *peer) authentic(text string) string {
	if data, err := p.toService.Authenticate([]byte(text)); err == nil {
		return string(data)
	}
	return text
}

// expect returns the next frame of a type and ignores frames of other types. In
// a session the frame must be authenticated.
func expect[T any](p *peer, typ string) (f T) {
	p.t.Helper()
	text, err := p.receive(p.ctx, typ)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.sid != "" && p.toClient.Verify([]byte(text)) != nil {
		p.t.Fatalf("got %s, want it authenticated", text)
	}
	return decode[T](p.t, []byte(text))
}

func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := strict.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// begin requests a challenge and trusts its key set without a pin.
func (p *peer) begin() {
	p.t.Helper()
	p.sendFrame(begin(p.user.name))
	p.challenge = expect[frame.Challenge](p, frame.TypeChallenge)
	signed, err := envelope.ParseSigned(p.challenge.KeySet, envelope.TypeKeys)
	if err != nil {
		p.t.Fatal(err)
	}
	payload, err := signed.Verify(signed.JWK)
	if err != nil {
		p.t.Fatal(err)
	}
	claims := decode[frame.KeySetClaims](p.t, payload)
	p.audience = claims.Aud
	if p.server, err = envelope.ParseEncryptionKey(claims.Keys[0]); err != nil {
		p.t.Fatal(err)
	}
	if p.sealTo, err = envelope.ParseEncryptionKey(claims.Session); err != nil {
		p.t.Fatal(err)
	}
}

// proof returns the answer to the last challenge; alter may change the claims.
func (p *peer) proof(alter func(*frame.HandshakeClaims)) string {
	p.t.Helper()
	secret := make([]byte, envelope.SecretSize)
	_, _ = rand.Read(secret)
	sk, err := envelope.Seal(p.sealTo, envelope.TypeSession, secret)
	if err != nil {
		p.t.Fatal(err)
	}
	claims := frame.HandshakeClaims{
		V:     frame.Version,
		Sub:   p.user.name,
		Aud:   p.audience,
		Nonce: p.challenge.Nonce,
		SKID:  p.server.Thumbprint(),
		Enc:   p.user.opening.Public().JWK(),
		Gen:   p.user.gen,
		SK:    sk,
	}
	if alter != nil {
		alter(&claims)
	}
	token, err := envelope.SignWithJWK(p.user.signing, envelope.TypeHandshake, []byte(encode(p.t, claims)))
	if err != nil {
		p.t.Fatal(err)
	}
	nonce, err := base64.RawURLEncoding.DecodeString(p.challenge.Nonce)
	if err != nil {
		p.t.Fatal(err)
	}
	toService, toClient, err := envelope.DeriveMACKeys(secret, nonce, token)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.sid == "" { // a session keeps its keys
		p.toService, p.toClient = toService, toClient
	}
	p.lastProof = token
	return token
}

// takeSession decrypts a welcome and keeps its session.
func (p *peer) takeSession(w frame.Welcome) {
	p.t.Helper()
	sealed, err := envelope.ParseSealed(w.JWE, envelope.TypeWelcome)
	if err != nil {
		p.t.Fatal(err)
	}
	plain, err := sealed.Open(p.user.opening)
	if err != nil {
		p.t.Fatal(err)
	}
	p.sid = decode[frame.WelcomePlain](p.t, plain).SID
}

// sign signs claims as the user's device.
func (p *peer) sign(typ envelope.Type, claims any) string {
	p.t.Helper()
	token, err := envelope.Sign(p.user.signing, typ, []byte(encode(p.t, claims)))
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// seal encrypts to the service's newest key.
func (p *peer) seal(typ envelope.Type, plain string) string {
	p.t.Helper()
	token, err := envelope.Seal(p.server, typ, []byte(plain))
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// message returns the claims of a message; alter may change them.
func (p *peer) message(room chat.Room, alter func(*frame.MessageClaims)) frame.MessageClaims {
	claims := frame.MessageClaims{
		V:    frame.Version,
		SID:  p.sid,
		Sub:  p.user.name,
		SKID: p.server.Thumbprint(),
		Room: room,
		ID:   chat.MessageID(ulid.Make().String()),
		Body: "a refused message",
	}
	if alter != nil {
		alter(&claims)
	}
	return claims
}

// sealed returns a sendMessage frame with the claims, signed and encrypted.
func (p *peer) sealed(claims frame.MessageClaims) frame.Request {
	p.t.Helper()
	return send(p.seal(envelope.TypeSend, p.sign(envelope.TypeMessage, claims)))
}

// heads returns the heads of the user's rooms.
func (p *peer) heads() map[chat.Room]frame.Head {
	p.t.Helper()
	p.sendFrame(frame.Request{Action: frame.ActionPing})
	return expect[frame.Pong](p, frame.TypePong).Heads
}

func begin(name chat.User) frame.Request {
	return frame.Request{Action: frame.ActionHandshake, V: frame.Version, User: name}
}

func prove(proof string) frame.Request {
	return frame.Request{Action: frame.ActionHandshake, Proof: proof}
}

func send(jwe string) frame.Request {
	return frame.Request{Action: frame.ActionSendMessage, JWE: jwe}
}

func join(room chat.Room) frame.Request {
	return frame.Request{Action: frame.ActionJoinRoom, Room: room}
}

// enterRoom makes the peer's user a member of an open room, and creates the
// room if there is none.
func (p *peer) enterRoom(room chat.Room) {
	p.t.Helper()
	p.sendFrame(join(room))
	for {
		text, err := p.receive(p.ctx, frame.TypeJoined, frame.TypeError)
		if err != nil {
			p.t.Fatal(err)
		}
		if typeOf(text) == frame.TypeJoined {
			return
		}
		if code := decode[frame.Error](p.t, []byte(text)).Code; code != chat.RoomInvalid.Code() {
			p.t.Fatalf("join %s: got error %s, want joined", room, code)
		}
		p.sendFrame(frame.Request{Action: frame.ActionCreateRoom, Room: room})
		if _, err := p.receive(p.ctx, frame.TypeCreated, frame.TypeError); err != nil { // another user may be first
			p.t.Fatal(err)
		}
		p.sendFrame(join(room))
	}
}

// operation makes the frame of an operation on a closed room.
func (p *peer) operation(op frame.RoomClaims) frame.Request {
	p.t.Helper()
	op.V, op.SID, op.Sub, op.SKID = frame.Version, p.sid, p.user.name, p.server.Thumbprint()
	op.ID = chat.MessageID(ulid.Make().String())
	if op.At == 0 {
		op.At = time.Now().UnixMilli()
	}
	return send(p.seal(envelope.TypeSend, p.sign(envelope.TypeRoom, op)))
}

// enterAsClient does the same for a client.
func enterAsClient(ctx context.Context, c *client.Client, room chat.Room) (frame.RoomState, error) {
	state, err := c.Join(ctx, room)
	if errors.Is(err, chat.RoomInvalid) {
		state, err = c.CreateRoom(ctx, room)
	}
	if errors.Is(err, chat.RoomTaken) { // another user was first
		state, err = c.Join(ctx, room)
	}
	return state, err
}

// decode reads JSON strictly.
func decode[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := strict.Unmarshal(data, &v); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	return v
}
