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

// patient is a context for one test.
func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}

// A ref comes back with every answer, also at its longest.
func TestRefsComeBack(t *testing.T) {
	ctx := patient(t)
	p := connect(ctx, t, sharedStack(t), newUser(t, "ref"))
	longest := strings.Repeat("é", 64)
	for _, r := range []struct{ frame, typ, ref string }{
		{`{"action":"handshake","user":"somebody","ref":"r-1"}`, frame.TypeChallenge, "r-1"},
		{`{"action":"ping","ref":"` + longest + `"}`, frame.TypeError, longest},
		{`{"action":"shout","ref":"<&>\u2028"}`, frame.TypeError, "<&>\u2028"},
		{`{"action":"handshake","ref":"r-2"}`, frame.TypeError, "r-2"},
	} {
		p.say(r.frame)
		if got := expect[struct {
			Ref string `json:"ref"`
		}](p, r.typ); got.Ref != r.ref {
			t.Errorf("%s was answered with ref %q", r.frame, got.Ref)
		}
	}
}

// A frame of exactly 32 KB is taken, one byte more closes with 1009 as API
// Gateway does, and what comes in several frames is measured as a whole.
func TestFramesThatAreTooLarge(t *testing.T) {
	ctx, s, u := patient(t), sharedStack(t), newUser(t, "large")
	padded := func(size int) string {
		const head, end = `{"action":"ping","padding":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(end)) + end
	}
	p := enter(ctx, t, s, u)
	p.say(padded(chat.MaxFrame))
	expect[frame.Pong](p, frame.TypePong)

	// In two frames: API Gateway puts them together, the service refuses.
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
	p.heads() // it goes on

	p.say(padded(chat.MaxFrame + 1))
	if code, err := p.closed(ctx); code != websocket.StatusMessageTooBig {
		t.Errorf("a frame of 32769 bytes closed with %v, %v; want 1009", code, err)
	}

	p = enter(ctx, t, s, u)
	if err := p.conn.Write(ctx, websocket.MessageBinary, []byte(`{"action":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if code, err := p.closed(ctx); code != websocket.StatusUnsupportedData {
		t.Errorf("a binary frame closed with %v, %v; want 1003", code, err)
	}
}

// Handshakes that depend on what is on record of the user.
func TestHandshakesOfAUserWhoIsKnown(t *testing.T) {
	ctx, s, u := patient(t), sharedStack(t), newUser(t, "known")
	p := enter(ctx, t, s, u)

	// The identical proof again is answered again: it may have been delivered
	// twice.
	p.say(prove(p.proven))
	sid := p.sid
	p.enterWith(expect[frame.Welcome](p, frame.TypeWelcome))
	if p.sid != sid {
		t.Errorf("the same proof made session %s, after %s", p.sid, sid)
	}

	thief := newUser(t, "thief")
	thief.name = u.name
	taken := breach{"a name that is taken", "name_taken", claims(func(*frame.HandshakeClaims) {})}
	connect(ctx, t, s, thief).refused(taken)

	linked := claims(func(c *frame.HandshakeClaims) { c.Link = "e30.e30.e30" })
	connect(ctx, t, s, thief).refused(breach{"a link that does not hold", "device_unknown", linked})

	forged := proof(func(p *peer) string { // ada's public key, the thief's signature
		own := strings.Split(p.proof(nil), ".")
		theirs := strings.Split((&peer{
			t:         t,
			user:      u,
			challenge: p.challenge,
			audience:  p.audience,
			server:    p.server,
		}).proof(nil), ".")
		return theirs[0] + "." + theirs[1] + "." + own[2]
	})
	connect(ctx, t, s, thief).refused(breach{"another's signature", "bad_proof", forged})

	jump := claims(func(c *frame.HandshakeClaims) { c.Gen, c.Enc = 3, thief.opening.Public().JWK() })
	connect(ctx, t, s, u).refused(breach{"a key two generations on", "bad_proof", jump})
	other := claims(func(c *frame.HandshakeClaims) { c.Enc = thief.opening.Public().JWK() })
	connect(ctx, t, s, u).refused(breach{"another key of the same generation", "stale_device_key", other})

	// A handshake with the next generation is a rotation; the last one is stale
	// then.
	u.gen, u.opening = 2, newDecryptionKey(t)
	enter(ctx, t, s, u)
	old := *u
	u.gen, u.opening = 3, newDecryptionKey(t)
	p = enter(ctx, t, s, u)
	stale := breach{"a key of a generation that is over", "stale_device_key", claims(func(*frame.HandshakeClaims) {})}
	connect(ctx, t, s, &old).refused(stale)
	p.refused(breach{"a rotation back", "stale_device_key", rotation(func(p *peer, c *frame.RotateClaims) string {
		c.Gen, c.Enc = old.gen, old.opening.Public().JWK()
		return ""
	})})

	// A failed proof has used the challenge up.
	q := connect(ctx, t, s, u)
	q.refused(breach{"a proof for another name", "bad_proof",
		claims(func(c *frame.HandshakeClaims) { c.Sub = "somebody" })})
	q.refused(breach{"the right proof, too late", "nonce_expired", func(p *peer) any { return prove(p.proof(nil)) }})

	// Five challenges and no more.
	for range 4 {
		q.begin()
	}
	q.refused(breach{"a sixth begin", "already_bound", func(*peer) any { return begin(u.name) }})
}

// A message sent again under its id is stored once, and the stored text counts.
func TestARepeatedIDIsStoredOnce(t *testing.T) {
	ctx, s := patient(t), sharedStack(t)
	p := enter(ctx, t, s, newUser(t, "repeat"))
	room := chat.Room(fmt.Sprintf("repeats-%d", runs.Add(1)))
	p.say(join(room))
	expect[frame.Joined](p, frame.TypeJoined)
	id := chat.MessageID(ulid.Make().String())
	for i, body := range []string{"first", "first", "another text"} {
		p.say(p.sealed(p.message(room, func(c *frame.MessageClaims) { c.ID, c.Body = id, body })))
		if ack := expect[frame.Ack](p, frame.TypeAck); ack.Seq != 1 || ack.ID != id ||
			ack.Duplicate != (i > 0) {
			t.Errorf("try %d was acknowledged with %+v", i+1, ack)
		}
		if text := p.open(expect[frame.Message](p, frame.TypeMessage)); text != "first" {
			t.Errorf("try %d delivered %q", i+1, text)
		}
	}
	if heads := p.heads(); heads[room].Head != 1 {
		t.Errorf("the head is %d, want 1", heads[room].Head)
	}
}

// open returns the text of a message.
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

func TestTooManyRooms(t *testing.T) {
	ctx, s := patient(t), sharedStack(t)
	p := enter(ctx, t, s, newUser(t, "roomy"))
	prefix := fmt.Sprintf("roomy-%d-", runs.Add(1))
	for i := 1; i < chat.MaxRooms; i++ { // the lobby is one
		p.say(join(chat.Room(fmt.Sprint(prefix, i))))
		expect[frame.Joined](p, frame.TypeJoined)
	}
	p.refused(breach{"one room more", "too_many_rooms", request(join(chat.Room(prefix + "more")))})
	p.say(join(chat.Room(prefix + "1"))) // is no room more
	expect[frame.Joined](p, frame.TypeJoined)
	p.say(frame.Request{Action: frame.ActionLeaveRoom, Room: chat.Room(prefix + "1")})
	expect[frame.Left](p, frame.TypeLeft)
	p.say(join(chat.Room(prefix + "more")))
	expect[frame.Joined](p, frame.TypeJoined)
}

// Who sends too often is told so, and goes on when the window is over.
func TestTooManyFrames(t *testing.T) {
	ctx, s := patient(t), sharedStack(t)
	p := enter(ctx, t, s, newUser(t, "hasty"))
	const ahead = 8 // more would only start more processes
	sent, answered := 0, 0
	start := time.Now()
	for limited := false; !limited; answered++ {
		for ; sent-answered < ahead; sent++ {
			p.say(`{"action":"rotateKey","proof":"nonsense"}`) // the cheapest that counts
		}
		got, err := p.next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if limited = strings.Contains(got, "rate_limited"); limited {
			checkError(t, got, "rate_limited", "")
		} else {
			checkError(t, got, "bad_proof", "")
		}
		if pace := time.Since(start) / time.Duration(answered+1); answered > 2*chat.DeviceRate &&
			pace > chat.DeviceRateWindow/chat.DeviceRate/2 {
			t.Skipf("this machine answers a frame in %v, too slow to send %d in %v", pace, chat.DeviceRate,
				chat.DeviceRateWindow)
		}
	}
	if sent < chat.DeviceRate {
		t.Errorf("the first %d frames were too many, want %d in a window", sent, chat.DeviceRate)
	}
	for ; answered < sent; answered++ {
		if _, err := p.next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// When the window is over, it goes on.
	if !eventually(func() bool {
		p.say(frame.Request{Action: frame.ActionPing})
		got, err := p.next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return typeOf(got) == frame.TypePong
	}) {
		t.Error("the device is refused for ever")
	}
}
