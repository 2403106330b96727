package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// Room implements room.Rooms.
func (s *Store) Room(_ context.Context, name chat.Room) (*room.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	meta := s.rooms[name]
	if meta == nil {
		return nil, room.ErrNotFound
	}
	found := *meta
	return &found, nil
}

// CreateRoom implements room.Rooms.
func (s *Store) CreateRoom(_ context.Context, meta *room.Meta, _ time.Time) (*room.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[meta.Room] == nil {
		created := *meta
		s.rooms[meta.Room] = &created
	}
	found := *s.rooms[meta.Room]
	return &found, nil
}

// AddMember implements room.Rooms.
func (s *Store) AddMember(_ context.Context, name chat.Room, user chat.User, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addMember(name, user)
	return nil
}

func (s *Store) addMember(name chat.Room, user chat.User) {
	if s.members[user] == nil {
		s.members[user] = map[chat.Room]bool{}
	}
	s.members[user][name] = true
}

// RemoveMember implements room.Rooms.
func (s *Store) RemoveMember(_ context.Context, name chat.Room, user chat.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members[user], name)
	return nil
}

// IsMember implements room.Rooms.
func (s *Store) IsMember(_ context.Context, name chat.Room, user chat.User) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[user][name], nil
}

// RoomsOf implements room.Rooms.
func (s *Store) RoomsOf(_ context.Context, user chat.User) ([]chat.Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.members[user])), nil
}

// AddListener implements room.Listeners.
func (s *Store) AddListener(_ context.Context, name chat.Room, l room.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners[name] == nil {
		s.listeners[name] = map[chat.Connection]*room.Listener{}
	}
	if old := s.listeners[name][l.Connection]; old == nil || old.Gen <= l.Gen {
		s.listeners[name][l.Connection] = &l
	}
	return nil
}

// RemoveListener implements room.Listeners.
func (s *Store) RemoveListener(_ context.Context, name chat.Room, id chat.Connection) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners[name], id)
	return nil
}

// ListenersIn implements room.Listeners.
func (s *Store) ListenersIn(ctx context.Context, name chat.Room, first, last chat.Connection) ([]room.Listener, error) {
	found, err := s.Listeners(ctx, name)
	return slices.DeleteFunc(found, func(l room.Listener) bool {
		return l.Connection < first || l.Connection > last
	}), err
}

// FirstListeners implements room.Listeners.
func (s *Store) FirstListeners(ctx context.Context, name chat.Room, n int) ([]room.Listener, bool, error) {
	found, err := s.Listeners(ctx, name)
	return found[:min(n, len(found))], len(found) > n, err
}

// Listeners implements room.Listeners.
func (s *Store) Listeners(_ context.Context, name chat.Room) ([]room.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []room.Listener
	for _, l := range s.listeners[name] {
		if l.Since < s.removed[name][l.User] {
			continue
		}
		if s.now().Before(l.ConnectedAt.Add(chat.ConnectionRowLifetime)) {
			found = append(found, *l)
		}
	}
	slices.SortFunc(found, func(a, b room.Listener) int { return cmp.Compare(a.Connection, b.Connection) })
	return found, nil
}
