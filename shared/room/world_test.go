package room_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
	"github.com/sotto-chat/sotto/shared/keyring/roomkeys"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/room/memory"
	"github.com/sotto-chat/sotto/shared/room/storetest"
	"github.com/sotto-chat/sotto/shared/route"
	"github.com/sotto-chat/sotto/shared/strict"
)

const audience = "chat.example/test"

// ring is a keyring whose messages at rest a test can make unreadable.
type ring struct {
	roomkeys.Keys
	unreadable *error // what OpenAtRest fails with, if anything
}

func (r ring) OpenAtRest(ctx context.Context, dataKey string, sealed, additional []byte) ([]byte, error) {
	if err := *r.unreadable; err != nil {
		return nil, err
	}
	return r.Keys.OpenAtRest(ctx, dataKey, sealed, additional)
}

// interrupted is a store that lets a test step in before a call: to run another
// invocation at that moment, or to let this one die there.
type interrupted struct {
	room.Store
	before *steps
}

func (s interrupted) step(call string) error { return s.before.take(call) }

// steps are what tests do in the middle of others' calls. Calls run in
// parallel.
type steps struct {
	sync.Mutex
	once, always map[string]func() error
}

// take does what is to be done at a call, once or every time.
func (s *steps) take(call string) error {
	s.Lock()
	f := s.once[call]
	delete(s.once, call)
	if f == nil {
		f = s.always[call]
	}
	s.Unlock()
	if f == nil {
		return nil
	}
	return f()
}

func (s interrupted) Device(ctx context.Context, user chat.User, id chat.Device) (*room.Device, error) {
	d, err := s.Store.Device(ctx, user, id)
	if died := s.step("after Device"); died != nil {
		return nil, died
	}
	return d, err
}

func (s interrupted) AddListener(ctx context.Context, name chat.Room, l room.Listener) error {
	if err := s.step("AddListener"); err != nil {
		return err
	}
	return s.Store.AddListener(ctx, name, l)
}

func (s interrupted) RemoveMember(ctx context.Context, name chat.Room, user chat.User) error {
	if err := s.step("RemoveMember"); err != nil {
		return err
	}
	if err := s.Store.RemoveMember(ctx, name, user); err != nil {
		return err
	}
	return s.step("after RemoveMember")
}

// interruptedCourier is the same for hand-overs, several of which may be under
// way.
type interruptedCourier struct {
	room.Courier
	before *steps
}

func (c interruptedCourier) HandOver(ctx context.Context, chunk room.Chunk) error {
	if err := c.before.take("HandOver"); err != nil {
		return err
	}
	return c.Courier.HandOver(ctx, chunk)
}

// world is the whole service over stores in memory.
type world struct {
	t         *testing.T
	before    *steps
	clock     *storetest.Clock
	store     *memory.Store
	keys      ring
	hub       *memory.Hub
	courier   *memory.Courier
	retention time.Duration
	log       *bytes.Buffer
	router    *route.Router
	opened    atomic.Int64
}

const retention = 30 * 24 * time.Hour

func newWorld(t *testing.T) *world {
	w := &world{
		t:         t,
		clock:     storetest.NewClock(),
		hub:       &memory.Hub{},
		courier:   &memory.Courier{},
		retention: retention,
		before:    &steps{once: map[string]func() error{}, always: map[string]func() error{}},
	}
	w.store = memory.New(w.clock.Now)
	w.keys = ring{roomkeys.Keys{Keyring: keyring.New(keyringtest.NewStore(), keyringtest.NewKMS(), keyring.Options{
		Audience: audience,
		Now:      w.clock.Now,
	})}, new(error)}
	w.compose(interrupted{w.store, w.before}, w.hub)
	return w
}

// compose makes the service anew, as another version of an instance would be.
func (w *world) compose(store room.Store, poster room.Poster) {
	w.log = new(bytes.Buffer)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	service := room.New(room.Options{
		Store:     store,
		Keys:      w.keys,
		Poster:    poster,
		Courier:   interruptedCourier{w.courier, w.before},
		Log:       log,
		Audience:  audience,
		Retention: w.retention,
		Now:       w.clock.Now,
	})
	w.router = &route.Router{Service: service, Poster: poster, KeySet: w.keys.KeySet, Log: log}
}

// device is a client's side of the protocol, without comfort.
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

// pool is a few keys to go round: making one takes longer than most tests.
var (
	pool [8]*envelope.DecryptionKey
	next int
)

// newKey returns a key that is another than the last seven.
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
	at     time.Time
	nonce  string
	keyset string
	server *envelope.EncryptionKey
	sid    chat.Session
	rooms  []frame.RoomState
}

// dial opens a connection.
func (w *world) dial(d *device) *conn {
	w.t.Helper()
	c := &conn{world: w, device: d, id: chat.Connection(fmt.Sprintf("conn-%d=", w.opened.Add(1))), at: w.clock.Now()}
	r, err := w.router.Handler(&route.Connect)(w.t.Context(), c.event(""))
	must(w.t, err)
	if r.StatusCode != 200 {
		w.t.Fatalf("$connect answered %d", r.StatusCode)
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
	return e
}

// raw sends a body to the handler of a route and returns the frames that
// this connection got, answers and others.
func (c *conn) raw(action, body string) []received {
	c.t.Helper()
	r, err := c.router.Handler(routeOf(c.t, action))(c.t.Context(), c.event(body))
	must(c.t, err)
	if r.StatusCode != 200 {
		c.t.Fatalf("%s answered %d", action, r.StatusCode)
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

func (c *conn) do(action string, f frame.Request) []received {
	c.t.Helper()
	f.Action = action
	return c.raw(action, string(encode(c.t, f)))
}

// received is any frame of the service.
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
}

func (c *conn) take() []received {
	c.t.Helper()
	var all []received
	for _, data := range c.hub.Take(c.id) {
		var r received
		must(c.t, strict.Unmarshal(data, &r))
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
}

func (c *conn) welcome(r received) {
	var w frame.WelcomePlain
	c.open(r.JWE, envelope.TypeWelcome, &w)
	if w.Nonce != c.nonce || w.User != c.user || w.Device != chat.Device(c.signing.Thumbprint()) {
		c.t.Fatalf("a welcome for somebody else: %+v", w)
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
		c.t.Fatalf("begin got %+v", got)
	}
}

// proof signs the handshake's claims after change had its way with them.
func (c *conn) proof(change func(*frame.HandshakeClaims)) string {
	c.t.Helper()
	claims := frame.HandshakeClaims{
		V:     1,
		Sub:   c.user,
		Aud:   audience,
		Nonce: c.nonce,
		SKID:  c.server.Thumbprint(),
		Enc:   c.device.enc.Public().JWK(),
		Gen:   c.gen,
	}
	if change != nil {
		change(&claims)
	}
	token, err := envelope.SignWithJWK(c.signing, envelope.TypeHandshake, encode(c.t, claims))
	must(c.t, err)
	return token
}

// message signs and seals a message after change had its way with the claims.
func (c *conn) message(body string, change func(*frame.MessageClaims)) string {
	c.t.Helper()
	claims := frame.MessageClaims{
		V:    1,
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
		c.t.Fatalf("inner and outer frame differ: %+v and %+v", m, r)
	}
	return m, c.text(m)
}

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
		c.t.Fatalf("the token says %+v, the frame %+v", claims, m)
	}
	return claims.Body
}

// expectOne wants exactly one frame, of the type.
func (c *conn) expectOne(got []received, typ string) {
	c.t.Helper()
	if len(got) != 1 || got[0].Type != typ {
		c.t.Fatalf("got %+v, want %s", got, typ)
	}
}

// expect wants exactly one frame, the error.
func (c *conn) expect(got []received, code *chat.Error) {
	c.t.Helper()
	if len(got) != 1 || got[0].Type != frame.TypeError || got[0].Code != code.Code() || got[0].Retry != code.Retry() {
		c.t.Fatalf("got %+v, want error %s", got, code.Code())
	}
	if c.hub.Closed(c.id) != code.Closes() {
		c.t.Fatalf("after %s the connection is closed: %v", code.Code(), c.hub.Closed(c.id))
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := strict.Marshal(v)
	must(t, err)
	return data
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
