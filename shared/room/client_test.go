package room_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/route"
	"github.com/sotto-chat/sotto/shared/strict"
)

// device is one device of a user on the client's side.
type device struct {
	user    chat.User
	signing *envelope.SigningKey
	enc     *envelope.DecryptionKey
	gen     int64
}

func newDevice(t *testing.T, user chat.User) *device {
	t.Helper()
	signing, err := envelope.GenerateSigningKey()
	must(t, err)
	return &device{user: user, signing: signing, enc: newKey(t), gen: 1}
}

// pool has keys that the tests share: to make one takes longer than most tests.
var (
	pool [8]*envelope.DecryptionKey
	next int
)

// newKey returns a key that differs from the last seven.
func newKey(t *testing.T) *envelope.DecryptionKey {
	t.Helper()
	next = (next + 1) % len(pool)
	if pool[next] == nil {
		key, err := envelope.GenerateDecryptionKey(2048)
		must(t, err)
		pool[next] = key
	}
	return pool[next]
}

// conn is one connection of a device.
type conn struct {
	*world
	*device
	id     chat.Connection
	ip     string
	at     time.Time
	nonce  string
	keyset string
	server *envelope.EncryptionKey
	sealTo *envelope.EncryptionKey // the session key of the key set
	secret []byte                  // of the last proof
	sid    chat.Session

	toService, toClient *envelope.MACKey // of the last proof that proof made
	wrapped             []byte           // toClient as a listener's row has it; only crowds know it
	rooms               []frame.RoomState
}

// dial opens a connection.
func (w *world) dial(d *device) *conn {
	w.t.Helper()
	c := &conn{world: w, device: d, id: chat.Connection(fmt.Sprintf("conn-%d=", w.opened.Add(1))), at: w.clock.Now()}
	r, err := w.router.Handler(&route.Connect)(w.t.Context(), c.event(""))
	must(w.t, err)
	if r.StatusCode != 200 {
		w.t.Fatalf("$connect: got status %d, want 200", r.StatusCode)
	}
	return c
}

// enter opens a connection and completes a handshake.
func (w *world) enter(d *device) *conn {
	w.t.Helper()
	c := w.dial(d)
	c.begin()
	c.expectOne(c.do("handshake", frame.Request{Proof: c.proof(nil)}), frame.TypeWelcome)
	return c
}

func (c *conn) event(body string) *events.APIGatewayWebsocketProxyRequest {
	e := &events.APIGatewayWebsocketProxyRequest{Body: body}
	e.RequestContext.ConnectionID = string(c.id)
	e.RequestContext.ConnectedAt = c.at.UnixMilli()
	e.RequestContext.Identity.SourceIP = c.ip
	return e
}

// raw sends a body to the handler of a route and returns all frames that this
// connection got.
func (c *conn) raw(action, body string) []received {
	c.t.Helper()
	r, err := c.router.Handler(routeOf(c.t, action))(c.t.Context(), c.event(body))
	must(c.t, err)
	if r.StatusCode != 200 {
		c.t.Fatalf("%s: got status %d, want 200", action, r.StatusCode)
	}
	return c.take()
}

// routeOf returns the route with a key.
func routeOf(t *testing.T, key string) *route.Route {
	t.Helper()
	i := slices.IndexFunc(route.All(), func(r *route.Route) bool { return r.Key == key })
	if i < 0 {
		t.Fatalf("no route has the key %s", key)
	}
	return route.All()[i]
}

// do sends a frame, with a ref, and with a MAC if the connection has a session;
// see raw.
func (c *conn) do(action string, f frame.Request) []received {
	c.t.Helper()
	f.Action = action
	switch {
	case action == frame.ActionHandshake && f.User != "":
		f.V = frame.Version
	case action != frame.ActionHandshake && f.Ref == "":
		f.Ref = chat.NewRef()
	}
	return c.rawMAC(action, string(encode(c.t, f)))
}

// rawMAC is raw with a MAC, if the connection has a session and the frame is
// none of a handshake.
func (c *conn) rawMAC(action, body string) []received {
	c.t.Helper()
	if c.sid != "" && action != frame.ActionHandshake {
		if data, err := c.toService.Authenticate([]byte(body)); err == nil { // not for what is no object
			body = string(data)
		}
	}
	return c.raw(action, body)
}

// received is a frame of the service, of any type.
type received struct {
	Type   string                   `json:"type"`
	Ref    string                   `json:"ref"`
	Code   chat.Code                `json:"code"`
	Retry  bool                     `json:"retry"`
	Nonce  string                   `json:"nonce"`
	KeySet string                   `json:"keyset"`
	JWE    string                   `json:"jwe"`
	Room   chat.Room                `json:"room"`
	Epoch  chat.Epoch               `json:"epoch"`
	Seq    chat.Seq                 `json:"seq"`
	From   chat.Seq                 `json:"from"`
	To     chat.Seq                 `json:"to"`
	Head   chat.Seq                 `json:"head"`
	Floor  chat.Seq                 `json:"floor"`
	More   bool                     `json:"more"`
	Gen    int64                    `json:"gen"`
	ID     string                   `json:"id"`
	Dup    bool                     `json:"duplicate"`
	Heads  map[chat.Room]frame.Head `json:"heads"`

	Device  chat.Device         `json:"device"`
	Devices []frame.DeviceState `json:"devices"`

	User      chat.User   `json:"user"`
	Users     []chat.User `json:"users"`
	Delivered chat.Seq    `json:"delivered"`
	Read      chat.Seq    `json:"read"`

	N  string `json:"n"`
	At int64  `json:"at"`

	authentic bool // its MAC is that of the connection's last proof
}

// take returns the frames that the connection got, and reads what the handshake
// needs from them.
func (c *conn) take() []received {
	c.t.Helper()
	var all []received
	for _, data := range c.hub.Take(c.id) {
		var r received
		must(c.t, strict.Unmarshal(data, &r))
		r.authentic = c.toClient != nil && c.toClient.Verify(data) == nil
		if r.Type != frame.TypeError && r.Type != frame.TypeChallenge && !r.authentic {
			c.t.Errorf("%s got %s, want it authenticated", c.id, data)
		}
		switch r.Type {
		case frame.TypeChallenge:
			c.challenge(r)
		case frame.TypeWelcome:
			c.welcome(r)
		}
		all = append(all, r)
	}
	return all
}

func (c *conn) challenge(r received) {
	c.nonce, c.keyset = r.Nonce, r.KeySet
	signed, err := envelope.ParseSigned(r.KeySet, envelope.TypeKeys)
	must(c.t, err)
	payload, err := signed.Verify(signed.JWK)
	must(c.t, err)
	var claims frame.KeySetClaims
	must(c.t, strict.Unmarshal(payload, &claims))
	c.server, err = envelope.ParseEncryptionKey(claims.Keys[0])
	must(c.t, err)
	c.sealTo, err = envelope.ParseEncryptionKey(claims.Session)
	must(c.t, err)
}

func (c *conn) welcome(r received) {
	var w frame.WelcomePlain
	c.open(r.JWE, envelope.TypeWelcome, &w)
	if w.Nonce != c.nonce || w.User != c.user || w.Device != chat.Device(c.signing.Thumbprint()) {
		c.t.Fatalf("got the welcome %+v, want one for %s with nonce %s", w, c.user, c.nonce)
	}
	c.sid, c.rooms = w.SID, w.Rooms
}

// open opens a token with the device's newest key.
func (c *conn) open(token string, typ envelope.Type, into any) {
	c.t.Helper()
	sealed, err := envelope.ParseSealed(token, typ)
	must(c.t, err)
	plain, err := sealed.Open(c.enc)
	must(c.t, err)
	must(c.t, strict.Unmarshal(plain, into))
}

func (c *conn) begin() {
	c.t.Helper()
	got := c.do("handshake", frame.Request{User: c.user, Ref: "b"})
	if len(got) != 1 || got[0].Type != frame.TypeChallenge || got[0].Ref != "b" {
		c.t.Fatalf("begin got %+v, want a challenge with ref b", got)
	}
}

// proof signs a handshake's proof after change was applied to the claims.
func (c *conn) proof(change func(*frame.HandshakeClaims)) string {
	c.t.Helper()
	claims := frame.HandshakeClaims{
		V:     frame.Version,
		Sub:   c.user,
		Aud:   audience,
		Nonce: c.nonce,
		SKID:  c.server.Thumbprint(),
		Enc:   c.device.enc.Public().JWK(),
		Gen:   c.gen,
		SK:    c.newSecret(),
	}
	if change != nil {
		change(&claims)
	}
	token, err := envelope.SignWithJWK(c.signing, envelope.TypeHandshake, encode(c.t, claims))
	must(c.t, err)
	c.derive(token)
	return token
}

// newSecret makes the secret of a session and seals it to the service.
func (c *conn) newSecret() string {
	c.t.Helper()
	c.secret = make([]byte, envelope.SecretSize)
	_, _ = rand.Read(c.secret)
	sk, err := envelope.Seal(c.sealTo, envelope.TypeSession, c.secret)
	must(c.t, err)
	return sk
}

// derive derives the session's keys from a proof with the last secret.
func (c *conn) derive(proof string) {
	c.t.Helper()
	nonce, err := base64.RawURLEncoding.DecodeString(c.nonce)
	must(c.t, err)
	c.toService, c.toClient, err = envelope.DeriveMACKeys(c.secret, nonce, proof)
	must(c.t, err)
}

// message signs and seals a message after change was applied to the claims.
func (c *conn) message(body string, change func(*frame.MessageClaims)) string {
	c.t.Helper()
	claims := frame.MessageClaims{
		V:    frame.Version,
		SID:  c.sid,
		Sub:  c.user,
		SKID: c.server.Thumbprint(),
		Room: "lobby",
		ID:   chat.MessageID(ulid.Make().String()),
		Body: body,
	}
	if change != nil {
		change(&claims)
	}
	return c.sealed(c.signing, encode(c.t, claims))
}

// sealed signs claims and seals them to the server key.
func (c *conn) sealed(by *envelope.SigningKey, claims []byte) string {
	c.t.Helper()
	jws, err := envelope.Sign(by, envelope.TypeMessage, claims)
	must(c.t, err)
	jwe, err := envelope.Seal(c.server, envelope.TypeSend, []byte(jws))
	must(c.t, err)
	return jwe
}

// read opens a message frame, verifies the sender's token, and returns the
// text.
func (c *conn) read(r received) (frame.MessagePlain, string) {
	c.t.Helper()
	var m frame.MessagePlain
	c.open(r.JWE, envelope.TypeSealedMessage, &m)
	if m.Seq != r.Seq || m.Room != r.Room || m.Epoch != r.Epoch {
		c.t.Fatalf("got the plaintext %+v in the frame %+v, want the same place in both", m, r)
	}
	return m, c.text(m)
}

// text verifies the sender's token of a message and returns its text.
func (c *conn) text(m frame.MessagePlain) string {
	c.t.Helper()
	key, err := envelope.ParseVerifyKey(m.JWK)
	must(c.t, err)
	signed, err := envelope.ParseSigned(m.JWS, envelope.TypeMessage)
	must(c.t, err)
	payload, err := signed.Verify(key)
	must(c.t, err)
	var claims frame.MessageClaims
	must(c.t, strict.Unmarshal(payload, &claims))
	if claims.Sub != m.From || claims.ID != m.ID || claims.Room != m.Room {
		c.t.Fatalf("got the claims %+v in the message %+v, want the same sender, id and room", claims, m)
	}
	return claims.Body
}

// expectOne wants exactly one frame, of the given type.
func (c *conn) expectOne(got []received, typ string) {
	c.t.Helper()
	if len(got) != 1 || got[0].Type != typ {
		c.t.Fatalf("got %+v, want %s", got, typ)
	}
}

// expect wants exactly one frame, the given error.
func (c *conn) expect(got []received, code *chat.Error) {
	c.t.Helper()
	if len(got) != 1 || got[0].Type != frame.TypeError || got[0].Code != code.Code() || got[0].Retry != code.Retry() {
		c.t.Fatalf("got %+v, want error %s", got, code.Code())
	}
	if c.hub.Closed(c.id) != code.Closes() {
		c.t.Fatalf("after %s the connection is closed: %v, want %v", code.Code(), c.hub.Closed(c.id), code.Closes())
	}
}

// enterRoom makes the user a member of an open room, and creates it if there is
// none.
func (c *conn) enterRoom(name chat.Room) {
	c.t.Helper()
	c.do("createRoom", frame.Request{Room: name})
	c.expectOne(c.do("joinRoom", frame.Request{Room: name}), frame.TypeJoined)
}
