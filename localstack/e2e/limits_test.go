package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// testContext returns a context that ends after twice waitTimeout.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*waitTimeout)
	t.Cleanup(cancel)
	return ctx
}

// TestRefsComeBack wants every answer to repeat the ref of its request, of any
// length up to the longest.
func TestRefsComeBack(t *testing.T) {
	ctx := testContext(t)
	p := connect(ctx, t, sharedStack(t), newUser(t, "ref"))
	longest := strings.Repeat("é", 64)
	for _, r := range []struct{ frame, typ, ref string }{
		{`{"action":"handshake","v":2,"user":"somebody","ref":"r-1"}`, frame.TypeChallenge, "r-1"},
		{`{"action":"ping","ref":"` + longest + `"}`, frame.TypeError, longest},
		{`{"action":"shout","ref":"<&>\u2028"}`, frame.TypeError, "<&>\u2028"},
		{`{"action":"handshake","ref":"r-2"}`, frame.TypeError, "r-2"},
	} {
		p.sendFrame(r.frame)
		if got := expect[struct {
			Ref string `json:"ref"`
		}](p, r.typ); got.Ref != r.ref {
			t.Errorf("%s: got ref %q, want %q", r.frame, got.Ref, r.ref)
		}
	}
}

// TestFramesThatAreTooLarge sends frames around the limit. Exactly 32 KB is
// accepted; one byte more closes with 1009, as API Gateway does; a message in
// several frames is measured as a whole.
func TestFramesThatAreTooLarge(t *testing.T) {
	ctx, s, u := testContext(t), sharedStack(t), newUser(t, "large")
	p := openSession(ctx, t, s, u)
	padded := func(size int) string {
		const head, end = `{"action":"ping","ref":"r","padding":"`, `"}`
		return p.authentic(head + strings.Repeat("x", size-len(head)-len(end)-envelope.MACSize) + end)
	}
	p.sendFrame(padded(chat.MaxFrame))
	expect[frame.Pong](p, frame.TypePong)

	// In two frames: API Gateway joins them, and the service refuses the
	// message.
	writer, err := p.conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	whole := padded(chat.MaxFrame + 1)
	for _, part := range []string{whole[:20000], whole[20000:]} {
		if _, err := writer.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := p.next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	checkError(t, got, "frame_too_large", "")
	p.heads() // the connection still works

	p.sendFrame(padded(chat.MaxFrame + 1))
	if code, err := p.closed(ctx); code != websocket.StatusMessageTooBig {
		t.Errorf("a frame of 32769 bytes: got close code %v, %v; want 1009", code, err)
	}

	p = openSession(ctx, t, s, u)
	if err := p.conn.Write(ctx, websocket.MessageBinary, []byte(`{"action":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if code, err := p.closed(ctx); code != websocket.StatusUnsupportedData {
		t.Errorf("a binary frame: got close code %v, %v; want 1003", code, err)
	}
}

// TestHandshakesOfAUserWhoIsKnown makes handshakes whose result depends on what
// is stored about the user.
func TestHandshakesOfAUserWhoIsKnown(t *testing.T) {
	ctx, s, u := testContext(t), sharedStack(t), newUser(t, "known")
	p := openSession(ctx, t, s, u)

	// The identical proof gets the same answer again, since an invocation may
	// be delivered twice.
	p.sendFrame(prove(p.lastProof))
	sid := p.sid
	p.takeSession(expect[frame.Welcome](p, frame.TypeWelcome))
	if p.sid != sid {
		t.Errorf("the same proof again: got session %s, want %s", p.sid, sid)
	}

	thief := newUser(t, "thief")
	thief.name = u.name
	taken := breach{"a name that is taken", "name_taken", claims(func(*frame.HandshakeClaims) {})}
	connect(ctx, t, s, thief).mustRefuse(taken)

	linked := claims(func(c *frame.HandshakeClaims) { c.Link = "e30.e30.e30" })
	connect(ctx, t, s, thief).mustRefuse(breach{"an invalid link", "device_unknown", linked})

	forged := proof(func(p *peer) string { // the user's public key, the thief's signature
		own := strings.Split(p.proof(nil), ".")
		theirs := strings.Split((&peer{
			t:         t,
			user:      u,
			challenge: p.challenge,
			audience:  p.audience,
			server:    p.server,
			sealTo:    p.sealTo,
		}).proof(nil), ".")
		return theirs[0] + "." + theirs[1] + "." + own[2]
	})
	connect(ctx, t, s, thief).mustRefuse(breach{"the signature of another key", "bad_proof", forged})

	jump := claims(func(c *frame.HandshakeClaims) { c.Gen, c.Enc = 3, thief.opening.Public().JWK() })
	connect(ctx, t, s, u).mustRefuse(breach{"a key two generations ahead", "bad_proof", jump})
	other := claims(func(c *frame.HandshakeClaims) { c.Enc = thief.opening.Public().JWK() })
	connect(ctx, t, s, u).mustRefuse(breach{"another key of the same generation", "stale_device_key", other})

	// A handshake with the next generation is a rotation. The previous
	// generation is then stale.
	u.gen, u.opening = 2, newDecryptionKey(t)
	openSession(ctx, t, s, u)
	old := *u
	u.gen, u.opening = 3, newDecryptionKey(t)
	p = openSession(ctx, t, s, u)
	stale := breach{"a key of an earlier generation", "stale_device_key", claims(func(*frame.HandshakeClaims) {})}
	connect(ctx, t, s, &old).mustRefuse(stale)
	p.mustRefuse(breach{"a rotation to an earlier generation", "stale_device_key",
		rotation(func(p *peer, c *frame.RotateClaims) string {
			c.Gen, c.Enc = old.gen, old.opening.Public().JWK()
			return ""
		})})

	// A failed proof uses the challenge up.
	q := connect(ctx, t, s, u)
	q.mustRefuse(breach{"a proof for another name", "bad_proof",
		claims(func(c *frame.HandshakeClaims) { c.Sub = "somebody" })})
	q.mustRefuse(breach{"the right proof, too late", "nonce_expired", func(p *peer) any { return prove(p.proof(nil)) }})

	// Five challenges and no more.
	for range 4 {
		q.begin()
	}
	q.mustRefuse(breach{"a sixth begin", "already_bound", func(*peer) any { return begin(u.name) }})
}

// TestARepeatedIDIsStoredOnce sends three texts under one id. The first one is
// stored, once.
func TestARepeatedIDIsStoredOnce(t *testing.T) {
	ctx, s := testContext(t), sharedStack(t)
	p := openSession(ctx, t, s, newUser(t, "repeat"))
	room := chat.Room(fmt.Sprintf("repeats-%d", runs.Add(1)))
	p.enterRoom(room)
	id := chat.MessageID(ulid.Make().String())
	for i, body := range []string{"first", "first", "another text"} {
		p.sendFrame(p.sealed(p.message(room, func(c *frame.MessageClaims) { c.ID, c.Body = id, body })))
		if ack := expect[frame.Ack](p, frame.TypeAck); ack.Seq != 1 || ack.ID != id ||
			ack.Duplicate != (i > 0) {
			t.Errorf("send %d: got the ack %+v, want seq 1, id %s, duplicate %v", i+1, ack, id, i > 0)
		}
		if text := p.open(expect[frame.Message](p, frame.TypeMessage)); text != "first" {
			t.Errorf("send %d: got the text %q, want \"first\"", i+1, text)
		}
	}
	if heads := p.heads(); heads[room].Head != 1 {
		t.Errorf("got head %d, want 1", heads[room].Head)
	}
}

// open decrypts and verifies a message and returns its text.
func (p *peer) open(m frame.Message) string {
	p.t.Helper()
	sealed, err := envelope.ParseSealed(m.JWE, envelope.TypeSealedMessage)
	if err != nil {
		p.t.Fatal(err)
	}
	data, err := sealed.Open(p.user.opening)
	if err != nil {
		p.t.Fatal(err)
	}
	plain := decode[frame.MessagePlain](p.t, data)
	key, err := envelope.ParseVerifyKey(plain.JWK)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := envelope.ParseSigned(plain.JWS, envelope.TypeMessage)
	if err != nil {
		p.t.Fatal(err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		p.t.Fatal(err)
	}
	return decode[frame.MessageClaims](p.t, payload).Body
}

// TestTooManyRooms joins rooms up to the limit, and one more.
func TestTooManyRooms(t *testing.T) {
	ctx, s := testContext(t), sharedStack(t)
	p := openSession(ctx, t, s, newUser(t, "roomy"))
	prefix := fmt.Sprintf("roomy-%d-", runs.Add(1))
	maker := openSession(ctx, t, s, newUser(t, "maker")) // each device has a rate
	create := func(room chat.Room) {
		maker.sendFrame(frame.Request{Action: frame.ActionCreateRoom, Room: room})
		expect[frame.Created](maker, frame.TypeCreated)
	}
	create(chat.Room(prefix + "more"))
	for i := 1; i < chat.MaxRooms; i++ { // the lobby counts as one
		create(chat.Room(fmt.Sprint(prefix, i)))
		p.sendFrame(join(chat.Room(fmt.Sprint(prefix, i))))
		expect[frame.Joined](p, frame.TypeJoined)
	}
	p.mustRefuse(breach{"one room more", "too_many_rooms", request(join(chat.Room(prefix + "more")))})
	p.sendFrame(join(chat.Room(prefix + "1"))) // already a member, so not one more
	expect[frame.Joined](p, frame.TypeJoined)
	p.sendFrame(frame.Request{Action: frame.ActionLeaveRoom, Room: chat.Room(prefix + "1")})
	expect[frame.Left](p, frame.TypeLeft)
	p.sendFrame(join(chat.Room(prefix + "more")))
	expect[frame.Joined](p, frame.TypeJoined)
}

// TestTooManyFrames wants rate_limited for a device that sends too often, and
// normal answers again when tokens have come back.
func TestTooManyFrames(t *testing.T) {
	ctx, s := testContext(t), sharedStack(t)
	p := openSession(ctx, t, s, newUser(t, "hasty"))
	const ahead = 8 // frames in flight; more would only start more processes
	sent, answered := 0, 0
	start := time.Now()
	for limited := false; !limited; answered++ {
		for ; sent-answered < ahead; sent++ {
			p.sendFrame(`{"action":"rotateKey","ref":"r","proof":"nonsense"}`) // the cheapest frame that counts
		}
		got, err := p.next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if limited = strings.Contains(got, "rate_limited"); limited {
			checkError(t, got, "rate_limited", "r")
		} else {
			checkError(t, got, "bad_proof", "r")
		}
		pace := time.Since(start) / time.Duration(answered+1)
		if answered > 2*chat.DeviceBurst && pace > chat.DeviceInterval/2 {
			t.Skipf("this machine answers one frame in %v, too slow to use up tokens", pace)
		}
	}
	if sent < chat.DeviceBurst {
		t.Errorf("got rate_limited after %d frames, want at least %d at once", sent, chat.DeviceBurst)
	}
	for ; answered < sent; answered++ {
		if _, err := p.next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// When tokens have come back, frames are accepted again.
	if !eventually(func() bool {
		p.sendFrame(frame.Request{Action: frame.ActionPing})
		got, err := p.next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return typeOf(got) == frame.TypePong
	}) {
		t.Error("timed out waiting until the device's frames are accepted again")
	}
}
