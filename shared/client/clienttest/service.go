// Package clienttest is a small service that speaks protocol v2 over a real
// WebSocket, for the tests of clients. Its cryptography is real and its rooms
// are in memory. A test can switch on the faults that a client must handle:
// lost, repeated, reordered and forged frames, lost connections, deleted keys,
// other signers.
//
// It does not replace the service: it has one process, no rate limits and no
// durability. Use it for tests that need faults; test the behaviour of the
// service against the service.
package clienttest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Faults are the ways to misbehave. A nil member switches its fault off.
type Faults struct {
	// Refuse returns the error to answer a frame with, or nil to handle it.
	Refuse func(user chat.User, r frame.Request) *chat.Error
	// Answer returns the frames to send instead of a frame: none, itself, or
	// several. They are authenticated, as frames of the service are.
	Answer func(user chat.User, kind string, data []byte) [][]byte
	// Wire does the same with the bytes on the wire, as somebody who ends TLS
	// can: it has no key.
	Wire func(user chat.User, kind string, data []byte) [][]byte
	// Forge changes a message before it is sealed to a recipient.
	Forge func(to chat.User, m *frame.MessagePlain)
	// KeySet changes the claims of key sets before they are signed.
	KeySet func(c *frame.KeySetClaims)
}

// Service is one deployment. It is safe for concurrent use.
type Service struct {
	// URL is the WebSocket address.
	URL string

	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex
	faults  Faults
	signer  *envelope.SigningKey
	servers []*envelope.DecryptionKey // newest first
	session *envelope.DecryptionKey   // opens the secrets of sessions
	gen     int64
	devices map[chat.User][]*device // in the order in which they came
	rooms   map[chat.Room]*room
	conns   map[*conn]bool
	frames  []Frame
}

// Frame is a frame that the service has received.
type Frame struct {
	User    chat.User // "" before the handshake
	Session chat.Session
	frame.Request
	Claims frame.MessageClaims // of a message that could be opened
}

type room struct {
	creator chat.User // empty if the room does not exist
	epoch   chat.Epoch
	floor   chat.Seq
	log     []entry
	members map[chat.User]bool
}

type entry struct {
	seq    chat.Seq
	id     chat.MessageID
	from   chat.User
	device chat.Device
	jwk    jsontext.Value
	jws    string
	at     int64
}

// New starts a service on a loopback port. It ends with the test.
func New(t testing.TB) *Service {
	t.Helper()
	signer, err := envelope.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	first, err := firstServerKey()
	if err != nil {
		t.Fatal(err)
	}
	session, err := sessionKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{
		t:       t,
		signer:  signer,
		gen:     1,
		servers: []*envelope.DecryptionKey{first},
		session: session,
		devices: map[chat.User][]*device{},
		rooms:   map[chat.Room]*room{},
		conns:   map[*conn]bool{},
	}
	s.room(chat.Lobby)
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Stop)
	s.URL = "ws" + strings.TrimPrefix(s.server.URL, "http") + "/local"
	return s
}

// sessionKey returns the session key of all services in the process.
var sessionKey = sync.OnceValues(func() (*envelope.DecryptionKey, error) {
	return envelope.GenerateDecryptionKey(envelope.DefaultBits)
})

// firstServerKey returns the first server key of all services in the process,
// because generating a key is slow.
var firstServerKey = sync.OnceValues(func() (*envelope.DecryptionKey, error) {
	return envelope.GenerateDecryptionKey(envelope.DefaultBits)
})

func newServerKey(t testing.TB) *envelope.DecryptionKey {
	key, err := envelope.GenerateDecryptionKey(envelope.DefaultBits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Stop ends the service. Its address does not answer any more.
func (s *Service) Stop() {
	s.Disconnect()
	s.server.Close()
}

// Misbehave replaces the faults.
func (s *Service) Misbehave(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Disconnect drops every connection.
func (s *Service) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.ws.CloseNow()
	}
}

// Frames returns the frames of one action that the service has received so far.
func (s *Service) Frames(action string) []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Frame
	for _, f := range s.frames {
		if f.Action == action {
			found = append(found, f)
		}
	}
	return found
}

// Log returns the bodies in a room's log.
func (s *Service) Log(name chat.Room) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var bodies []string
	for _, e := range s.room(name).log {
		bodies = append(bodies, e.body(s.t))
	}
	return bodies
}

func (e entry) body(t testing.TB) string {
	key, err := envelope.ParseVerifyKey(e.jwk)
	if err != nil {
		t.Error(err)
		return ""
	}
	var c frame.MessageClaims
	if err := verify(e.jws, envelope.TypeMessage, key, &c); err != nil {
		t.Error(err)
	}
	return c.Body
}

// NewEpoch starts a new, empty log in a room.
func (s *Service) NewEpoch(name chat.Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.room(name)
	r.epoch, r.log, r.floor = chat.NewEpoch(), nil, 1
}

// Trim lets everything below floor expire.
func (s *Service) Trim(name chat.Room, floor chat.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room(name).floor = floor
}

// RotateServerKey makes a new server key. keep keeps the older keys; announce
// sends a serverKey frame to the connected clients.
func (s *Service) RotateServerKey(keep, announce bool) {
	key := newServerKey(s.t)
	s.mu.Lock()
	defer s.mu.Unlock()
	older := s.servers
	if !keep {
		older = nil
	}
	s.servers = append([]*envelope.DecryptionKey{key}, older...)
	s.gen++
	if announce {
		for c := range s.conns {
			s.post(c, frame.TypeServerKey, frame.ServerKey{Type: frame.TypeServerKey, Push: push(), KeySet: s.keySet()})
		}
	}
}

// ReplaceServiceKey gives the service a new service key.
func (s *Service) ReplaceServiceKey() {
	signer, err := envelope.GenerateSigningKey()
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signer = signer
}

// ServiceKey returns the thumbprint of the service key.
func (s *Service) ServiceKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signer.Thumbprint()
}

// DeviceGen returns the generation of the encryption key of a user's first
// device, or 0.
func (s *Service) DeviceGen(user chat.User) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if devices := s.devices[user]; len(devices) > 0 {
		return devices[0].gen
	}
	return 0
}

// room returns a room and creates it if necessary.
func (s *Service) room(name chat.Room) *room {
	r := s.rooms[name]
	if r == nil {
		r = &room{epoch: chat.NewEpoch(), floor: 1, members: map[chat.User]bool{}}
		s.rooms[name] = r
	}
	return r
}

// audience is the audience of all services.
const audience = "test.example/local"

func (s *Service) keySet() string {
	c := frame.KeySetClaims{
		V:       frame.Version,
		Aud:     audience,
		Gen:     s.gen,
		Exp:     time.Now().Add(time.Hour).Unix(),
		Session: s.session.Public().JWK(),
	}
	for _, key := range s.servers {
		c.Keys = append(c.Keys, key.Public().JWK())
	}
	if s.faults.KeySet != nil {
		s.faults.KeySet(&c)
	}
	data, err := strict.Marshal(c)
	if err != nil {
		s.t.Error(err)
	}
	token, err := envelope.SignWithJWK(s.signer, envelope.TypeKeys, data)
	if err != nil {
		s.t.Error(err)
	}
	return token
}

// serve handles the frames of one connection in order.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	ws.SetReadLimit(chat.MaxFrame) // ends the connection with 1009, as API Gateway does
	c := &conn{ws: ws}
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = ws.CloseNow()
	}()
	for {
		_, data, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		s.mu.Lock()
		s.handle(c, data)
		s.mu.Unlock()
	}
}
