package memory

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// Member implements room.Members.
func (s *Store) Member(_ context.Context, name chat.Room, user chat.User) (*room.Member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there := s.closed[name][user]
	if !there {
		return nil, room.ErrNotFound
	}
	return &m, nil
}

// MembersOf implements room.Members.
func (s *Store) MembersOf(_ context.Context, name chat.Room) (members []room.Member, invited []room.Invitation,
	err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range slices.Sorted(maps.Keys(s.closed[name])) {
		members = append(members, s.closed[name][user])
	}
	for _, user := range slices.Sorted(maps.Keys(s.invitations[name])) {
		if i := s.invitations[name][user]; s.now().Before(i.Expires) {
			invited = append(invited, i)
		}
	}
	return members, invited, nil
}

// Invitation implements room.Members.
func (s *Store) Invitation(_ context.Context, name chat.Room, user chat.User) (*room.Invitation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, there := s.invitations[name][user]
	if !there || !s.now().Before(i.Expires) {
		return nil, room.ErrNotFound
	}
	return &i, nil
}

// InvitationsTo implements room.Members.
func (s *Store) InvitationsTo(_ context.Context, user chat.User) ([]room.Invitation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []room.Invitation
	for _, invited := range s.invitations {
		if i, there := invited[user]; there && s.now().Before(i.Expires) {
			found = append(found, i)
		}
	}
	return found, nil
}

func (s *Store) change(c *room.Change, name chat.Room) {
	if c.Create != nil {
		meta := *c.Create
		s.rooms[name] = &meta
		s.closed[name] = map[chat.User]room.Member{}
		s.invitations[name] = map[chat.User]room.Invitation{}
		s.removed[name] = map[chat.User]chat.Seq{}
	}
	if m := c.Add; m != nil {
		s.closed[name][m.User] = *m
		s.addMember(name, m.User)
		delete(s.invitations[name], m.User)
		if _, wasRemoved := s.removed[name][m.User]; wasRemoved {
			s.removed[name][m.User] = m.Since
		}
	}
	if c.Set != nil {
		s.closed[name][c.Set.User] = *c.Set
	}
	if c.Invite != nil {
		s.invitations[name][c.Invite.User] = *c.Invite
	}
	delete(s.invitations[name], c.Uninvite)
	if c.Remove != "" {
		delete(s.closed[name], c.Remove)
		delete(s.members[c.Remove], name)
		s.removed[name][c.Remove] = math.MaxInt64
	}
}
