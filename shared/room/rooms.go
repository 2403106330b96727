package room

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Rooms answers with what the user may know about closed rooms, sealed to the
// caller's newest key: all of the user's rooms and invitations or, if only
// names a room, that room with its members. Errors: those of admit;
// chat.NotAMember.
func (s *Service) Rooms(ctx context.Context, c Call, only chat.Room) error {
	conn, device, err := s.admit(ctx, c, chat.CostPage)
	if err != nil {
		return err
	}
	plain := frame.RoomsPlain{Rooms: []frame.RoomInfo{}, Invitations: []frame.Invitation{}}
	if only != "" {
		info, err := s.roomWithMembers(ctx, only, conn.User)
		if err != nil {
			return err
		}
		plain.Rooms = append(plain.Rooms, *info)
	} else if err := s.listRooms(ctx, conn.User, &plain); err != nil {
		return err
	}
	enc, err := envelope.EncryptionKeyFromModulus(device.Enc)
	if err != nil {
		return fmt.Errorf("read the device's encryption key: %w", err)
	}
	token, err := seal(enc, envelope.TypeRooms, plain)
	if err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Rooms{Type: frame.TypeRooms, Ref: c.Ref, JWE: token})
}

// listRooms adds the user's closed rooms, sorted by name, and the invitations,
// the newest first.
func (s *Service) listRooms(ctx context.Context, user chat.User, plain *frame.RoomsPlain) error {
	rooms, err := s.store.RoomsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("list the user's rooms: %w", err)
	}
	rooms = slices.DeleteFunc(rooms, func(r chat.Room) bool { return !r.IsClosed() })
	var mu sync.Mutex
	if err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
		info, err := s.roomInfo(ctx, room, user)
		if errors.Is(err, chat.NotAMember) || errors.Is(err, ErrDamaged) {
			return nil // removed meanwhile, or unreadable: the others are listed
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		plain.Rooms = append(plain.Rooms, *info)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(plain.Rooms, func(a, b frame.RoomInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Room, b.Room))
	})
	return s.listInvitations(ctx, user, plain)
}

func (s *Service) listInvitations(ctx context.Context, user chat.User, plain *frame.RoomsPlain) error {
	invitations, err := s.store.InvitationsTo(ctx, user)
	if err != nil {
		return fmt.Errorf("list the user's invitations: %w", err)
	}
	slices.SortFunc(invitations, func(a, b Invitation) int { return b.At.Compare(a.At) })
	for _, i := range invitations[:min(len(invitations), chat.MaxInvitations)] {
		meta, err := s.store.Room(ctx, i.Room)
		if err != nil {
			return fmt.Errorf("read the room: %w", err)
		}
		rules, err := s.openSettings(ctx, meta)
		if errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return err
		}
		plain.Invitations = append(plain.Invitations, frame.Invitation{
			Room: i.Room,
			Name: rules.Name,
			By:   i.By,
			At:   i.At.UnixMilli(),
		})
	}
	return nil
}

// roomInfo returns what a member knows about a closed room. Error:
// chat.NotAMember.
func (s *Service) roomInfo(ctx context.Context, room chat.Room, user chat.User) (*frame.RoomInfo, error) {
	member, err := s.store.Member(ctx, room, user)
	if errors.Is(err, ErrNotFound) {
		return nil, chat.NotAMember
	}
	if err != nil {
		return nil, fmt.Errorf("read the membership: %w", err)
	}
	meta, err := s.store.Room(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("read the room: %w", err)
	}
	rules, err := s.openSettings(ctx, meta)
	if err != nil {
		return nil, err
	}
	return &frame.RoomInfo{
		Room:    room,
		Name:    rules.Name,
		History: rules.History,
		Role:    member.Role,
		From:    member.From,
	}, nil
}

func (s *Service) roomWithMembers(ctx context.Context, room chat.Room, user chat.User) (*frame.RoomInfo, error) {
	info, err := s.roomInfo(ctx, room, user)
	if err != nil {
		return nil, err
	}
	members, invited, err := s.store.MembersOf(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("list the members: %w", err)
	}
	for _, m := range members {
		info.Members = append(info.Members, frame.RoomMember{User: m.User, Role: m.Role})
	}
	for _, i := range invited {
		info.Invited = append(info.Invited, i.User)
	}
	return info, nil
}
