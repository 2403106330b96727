package room_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
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

// interrupted is a store that calls a test's function before a call: to run
// another invocation at that moment, or to let this one die.
type interrupted struct {
	room.Store
	before *steps
}

func (s interrupted) step(call string) error { return s.before.take(call) }

// steps are the functions that tests run within calls of the store, by the
// call's name. Calls run concurrently.
type steps struct {
	sync.Mutex
	once, always map[string]func() error
}

// take runs the function for a call, if there is one.
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

func (s interrupted) Read(ctx context.Context, name chat.Room, epoch chat.Epoch, after chat.Seq,
	limit int) ([]room.Entry, error) {
	if err := s.step("Read"); err != nil {
		return nil, err
	}
	return s.Store.Read(ctx, name, epoch, after, limit)
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

func (s interrupted) Bind(ctx context.Context, b room.Binding) error {
	if err := s.step("Bind"); err != nil {
		return err
	}
	return s.Store.Bind(ctx, b)
}

func (s interrupted) Revoke(ctx context.Context, user chat.User, id, by chat.Device, now time.Time) error {
	if err := s.step("Revoke"); err != nil {
		return err
	}
	if err := s.Store.Revoke(ctx, user, id, by, now); err != nil {
		return err
	}
	return s.step("after Revoke")
}

func (s interrupted) ReplaceKey(ctx context.Context, d *room.Device) error {
	if err := s.step("ReplaceKey"); err != nil {
		return err
	}
	return s.Store.ReplaceKey(ctx, d)
}

func (s interrupted) RemoveListener(ctx context.Context, name chat.Room, id chat.Connection) error {
	if err := s.step("RemoveListener"); err != nil {
		return err
	}
	return s.Store.RemoveListener(ctx, name, id)
}

func (s interrupted) RemoveConnection(ctx context.Context, c *room.Connection) error {
	if err := s.step("RemoveConnection"); err != nil {
		return err
	}
	return s.Store.RemoveConnection(ctx, c)
}

// interruptedCourier does the same for hand-overs.
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
	perHour   int // registrations from one address
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
	var keys *keyring.Keyring
	keys = keyring.New(keyringtest.NewStore(), keyringtest.NewKMS(), keyring.Options{
		Audience: audience,
		Maker:    func(ctx context.Context) error { return keys.Ensure(ctx) },
		Now:      w.clock.Now,
	})
	w.keys = ring{roomkeys.Keys{Keyring: keys}, new(error)}
	w.compose(interrupted{w.store, w.before}, w.hub)
	return w
}

// compose makes a new service, like a new instance.
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

		Registrations: w.perHour,
		Now:           w.clock.Now,
		Pause: func(ctx context.Context, d time.Duration) error {
			w.clock.Advance(max(d, 0))
			return ctx.Err()
		},
	})
	w.router = &route.Router{Service: service, Poster: poster, KeySet: w.keys.KeySet, Log: log}
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
