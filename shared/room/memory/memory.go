// Package memory implements room's stores in memory, for tests. It is also the
// shortest description of what a store does. The service does not use it.
package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// Store implements room.Store. Create it with New.
type Store struct {
	now func() time.Time

	mu          sync.Mutex
	connections map[chat.Connection]*connection
	users       map[chat.User][]room.UserConnection
	owners      map[chat.User]chat.Device
	devices     map[deviceKey]*device
	rooms       map[chat.Room]*room.Meta
	members     map[chat.User]map[chat.Room]bool
	closed      map[chat.Room]map[chat.User]room.Member
	invitations map[chat.Room]map[chat.User]room.Invitation
	removed     map[chat.Room]map[chat.User]chat.Seq // listeners of an earlier membership are hidden
	listeners   map[chat.Room]map[chat.Connection]*room.Listener
	logs        map[logKey]*messageLog
	rates       map[bucketKey]time.Time
}

type bucketKey struct {
	rate   room.Rate
	bucket string
}

type connection struct {
	room.Connection
	begins  int
	expires time.Time
}

type deviceKey struct {
	user   chat.User
	device chat.Device
}

type device struct {
	room.Device
	full time.Time
}

type logKey struct {
	room  chat.Room
	epoch chat.Epoch
}

type messageLog struct {
	entries map[chat.Seq]*room.Entry
	ids     map[idKey]room.DuplicateError
	// repeated are the ids that MarkRepeated has marked.
	repeated map[idKey]bool
}

type idKey struct {
	user   chat.User
	device chat.Device
	id     chat.MessageID
}

var _ room.Store = (*Store)(nil)

// New returns an empty store that reads the time from now.
func New(now func() time.Time) *Store {
	return &Store{
		now:         now,
		connections: map[chat.Connection]*connection{},
		users:       map[chat.User][]room.UserConnection{},
		owners:      map[chat.User]chat.Device{},
		devices:     map[deviceKey]*device{},
		rooms:       map[chat.Room]*room.Meta{},
		members:     map[chat.User]map[chat.Room]bool{},
		closed:      map[chat.Room]map[chat.User]room.Member{},
		invitations: map[chat.Room]map[chat.User]room.Invitation{},
		removed:     map[chat.Room]map[chat.User]chat.Seq{},
		listeners:   map[chat.Room]map[chat.Connection]*room.Listener{},
		logs:        map[logKey]*messageLog{},
		rates:       map[bucketKey]time.Time{},
	}
}

func (s *Store) live(id chat.Connection) *connection {
	c := s.connections[id]
	if c == nil || !s.now().Before(c.expires) {
		return nil
	}
	return c
}

// OpenConnection implements room.Connections.
func (s *Store) OpenConnection(_ context.Context, id chat.Connection, connectedAt time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connections[id] != nil {
		return nil
	}
	s.connections[id] = &connection{
		Connection: room.Connection{ID: id, ConnectedAt: connectedAt},
		expires:    connectedAt.Add(chat.ConnectionRowLifetime),
	}
	return nil
}

// Connection implements room.Connections.
func (s *Store) Connection(_ context.Context, id chat.Connection) (*room.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.live(id)
	if c == nil {
		return nil, room.ErrNotFound
	}
	found := c.Connection
	return &found, nil
}

// OpenChallenge implements room.Connections.
func (s *Store) OpenChallenge(_ context.Context, id chat.Connection, claimed chat.User, nonce string,
	expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.live(id)
	if c == nil || c.Bound() || c.begins >= chat.MaxBegins {
		return room.ErrConflict
	}
	c.begins++
	c.Claimed, c.Nonce, c.NonceExpires = claimed, nonce, expires
	return nil
}

// SpendNonce implements room.Connections.
func (s *Store) SpendNonce(_ context.Context, id chat.Connection, nonce string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.live(id); c != nil && c.Nonce == nonce {
		c.Nonce = ""
	}
	return nil
}

// Bind implements room.Connections.
func (s *Store) Bind(_ context.Context, b room.Binding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.live(b.Connection)
	if c == nil || c.Bound() || c.Nonce == "" || c.Nonce != b.Nonce {
		return room.ErrConflict
	}
	key := deviceKey{b.User, b.Device.ID}
	if b.NewUser {
		if _, taken := s.owners[b.User]; taken {
			return room.ErrConflict
		}
		s.owners[b.User] = b.Device.ID
		d := &device{Device: b.Device}
		d.Propagated = d.Gen
		d.LastSeenAt = s.now()
		s.devices[key] = d
	} else if b.LinkedBy != "" {
		_, named := s.owners[b.User]
		by := s.devices[deviceKey{b.User, b.LinkedBy}]
		if !named || by == nil || by.Revoked || s.devices[key] != nil {
			return room.ErrConflict
		}
		d := &device{Device: b.Device}
		d.Propagated, d.LastSeenAt = d.Gen, s.now()
		s.devices[key] = d
	} else {
		d := s.devices[key]
		if d == nil || d.Revoked || d.Gen != b.ReplacesGen {
			return room.ErrConflict
		}
		d.Gen, d.Enc, d.LastSeenAt = b.Device.Gen, b.Device.Enc, s.now()
	}
	s.users[b.User] = append(s.users[b.User], room.UserConnection{
		ID:          b.Connection,
		Device:      b.Device.ID,
		ConnectedAt: b.ConnectedAt,
		ToClient:    b.ToClient,
	})
	c.Nonce, c.BoundNonce = "", b.Nonce
	c.ProofHash, c.Session, c.User, c.Device = b.ProofHash, b.Session, b.User, b.Device.ID
	c.ToService, c.ToClient = b.ToService, b.ToClient
	return nil
}

// MarkWelcomed implements room.Connections.
func (s *Store) MarkWelcomed(_ context.Context, id chat.Connection, session chat.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.connections[id]
	if c == nil || c.Session != session {
		return room.ErrConflict
	}
	c.Welcomed = true
	return nil
}

// RemoveConnection implements room.Connections.
func (s *Store) RemoveConnection(_ context.Context, c *room.Connection) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there := s.connections[c.ID]; there != nil && there.Session != c.Session {
		return room.ErrConflict
	}
	delete(s.connections, c.ID)
	s.users[c.User] = slices.DeleteFunc(s.users[c.User], func(uc room.UserConnection) bool { return uc.ID == c.ID })
	return nil
}

// ConnectionsOf implements room.Connections.
func (s *Store) ConnectionsOf(_ context.Context, user chat.User) ([]room.UserConnection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []room.UserConnection
	for _, uc := range s.users[user] {
		if s.now().Before(uc.ConnectedAt.Add(chat.ConnectionRowLifetime)) {
			found = append(found, uc)
		}
	}
	return found, nil
}

// Owner implements room.Devices.
func (s *Store) Owner(_ context.Context, user chat.User) (chat.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, ok := s.owners[user]
	if !ok {
		return "", room.ErrNotFound
	}
	return owner, nil
}

// Device implements room.Devices.
func (s *Store) Device(_ context.Context, user chat.User, id chat.Device) (*room.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[deviceKey{user, id}]
	if d == nil {
		return nil, room.ErrNotFound
	}
	found := d.Device
	return &found, nil
}

// DevicesOf implements room.Devices.
func (s *Store) DevicesOf(_ context.Context, user chat.User) ([]room.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []room.Device
	for key, d := range s.devices {
		if key.user == user {
			found = append(found, d.Device)
		}
	}
	slices.SortFunc(found, func(a, b room.Device) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// Revoke implements room.Devices.
func (s *Store) Revoke(_ context.Context, user chat.User, id, by chat.Device, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, other := s.devices[deviceKey{user, id}], s.devices[deviceKey{user, by}]
	switch {
	case other == nil || other.Revoked:
		return room.ErrConflict
	case d == nil:
		return room.ErrNotFound
	}
	d.Revoked = true
	return nil
}

// Admit implements room.Devices.
func (s *Store) Admit(_ context.Context, user chat.User, id chat.Device, now time.Time) (*room.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[deviceKey{user, id}]
	if d == nil {
		return nil, room.ErrNotFound
	}
	found := d.Device
	if d.Revoked {
		return &found, nil
	}
	full := later(d.full, now).Add(chat.DeviceInterval)
	if full.After(now.Add(chat.DeviceBurst * chat.DeviceInterval)) {
		return nil, room.ErrThrottled
	}
	d.full, d.LastSeenAt = full, now
	return &found, nil
}

// ReplaceKey implements room.Devices.
func (s *Store) ReplaceKey(_ context.Context, next *room.Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[deviceKey{next.User, next.ID}]
	if d == nil || d.Revoked || d.Gen != next.Gen-1 {
		return room.ErrConflict
	}
	d.Gen, d.Enc, d.LastSeenAt = next.Gen, next.Enc, s.now()
	return nil
}

// MarkPropagated implements room.Devices.
func (s *Store) MarkPropagated(_ context.Context, user chat.User, id chat.Device, gen int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.devices[deviceKey{user, id}]; d != nil {
		d.Propagated = max(d.Propagated, gen)
	}
	return nil
}
