// Package clienttest is a small service that speaks protocol v1 over a real
// WebSocket, for the tests of clients. Its cryptography is the real one; its
// rooms live in memory, and it can be told to misbehave in every way that a
// client has to live through: lost, repeated, reordered and forged frames, lost
// connections, retired keys, other signers.
//
// It is no second service: it has one process, no rates and no durability. Use
// it where a test needs faults on order; what the real service does is tested
// against the real service.
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

// Faults are the ways to misbehave; nil and zero values are none.
type Faults struct {
	// Refuse answers a frame with an error frame instead of heeding it.
	Refuse func(user chat.User, r frame.Request) *chat.Error
	// Answer decides what leaves in place of a frame: nothing, itself, several.
	Answer func(user chat.User, kind string, data []byte) [][]byte
	// Forge changes a message before it is sealed to a recipient.
	Forge func(to chat.User, m *frame.MessagePlain)
	// KeySet changes the claims of key sets before they are signed.
	KeySet func(c *frame.KeySetClaims)
}

// Service is one deployment. Safe for concurrent use.
type Service struct {
	// URL is where to dial.
	URL string

	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex
	faults  Faults
	signer  *envelope.SigningKey
	servers []*envelope.DecryptionKey // newest first
	gen     int64
	devices map[chat.User][]*device // in the order in which they came
	rooms   map[chat.Room]*room
	conns   map[*conn]bool
	frames  []Frame
}

// Frame is a client's frame that the service has read.
type Frame struct {
	User    chat.User // "" before the handshake
	Session chat.Session
	frame.Request
	Claims frame.MessageClaims // of a message that could be opened
}

type room struct {
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
	s := &Service{
		t:       t,
		signer:  signer,
		gen:     1,
		servers: []*envelope.DecryptionKey{first},
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

// firstServerKey is every service's first one: a key takes long to make.
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

// Stop ends the service: nothing answers at its address any more.
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

// Frames returns the frames of one action that have been read so far.
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

// NewEpoch empties a room's log and begins another one.
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

// RotateServerKey makes a new server key. The older ones are destroyed unless
// keep; the connected clients hear of it if tell.
func (s *Service) RotateServerKey(keep, tell bool) {
	key := newServerKey(s.t)
	s.mu.Lock()
	defer s.mu.Unlock()
	older := s.servers
	if !keep {
		older = nil
	}
	s.servers = append([]*envelope.DecryptionKey{key}, older...)
	s.gen++
	if tell {
		for c := range s.conns {
			s.post(c, frame.TypeServerKey, frame.ServerKey{Type: frame.TypeServerKey, KeySet: s.keySet()})
		}
	}
}

// ReplaceServiceKey gives the service another identity.
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

// ServiceKey is the thumbprint of the service key.
func (s *Service) ServiceKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signer.Thumbprint()
}

// DeviceGen is the generation of the encryption key on record of a user's first
// device.
func (s *Service) DeviceGen(user chat.User) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if devices := s.devices[user]; len(devices) > 0 {
		return devices[0].gen
	}
	return 0
}

// room returns a room and makes it if need be.
func (s *Service) room(name chat.Room) *room {
	r := s.rooms[name]
	if r == nil {
		r = &room{epoch: chat.NewEpoch(), floor: 1, members: map[chat.User]bool{}}
		s.rooms[name] = r
	}
	return r
}

// audience is every service's own.
const audience = "test.example/local"

func (s *Service) keySet() string {
	c := frame.KeySetClaims{Aud: audience, Gen: s.gen, Exp: time.Now().Add(time.Hour).Unix()}
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

// serve reads one connection's frames, each in its turn.
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
		s.heed(c, data)
		s.mu.Unlock()
	}
}
