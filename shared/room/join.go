package room

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Join makes the user a member of a room, which it creates if there is none,
// and lets all of the user's connections hear it.
// Errors: those of admit, chat.TooManyRooms.
func (s *Service) Join(ctx context.Context, c Call, room chat.Room) error {
	conn, _, err := s.admit(ctx, c)
	if err != nil {
		return err
	}
	if room != chat.Lobby {
		if err := s.enter(ctx, room, conn.User); err != nil {
			return err
		}
	}
	if err := s.hear(ctx, conn, room); err != nil {
		return err
	}
	state, err := s.state(ctx, room)
	if err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Joined{Type: frame.TypeJoined, Ref: c.Ref, RoomState: state})
}

// hear lets all connections of the caller's user hear a room. Membership stands
// first and the connections are listed second: a handshake at this moment sees
// the one or is seen among the others.
func (s *Service) hear(ctx context.Context, caller *Connection, room chat.Room) error {
	connections, err := s.store.ConnectionsOf(ctx, caller.User)
	if err != nil {
		return fmt.Errorf("list the user's connections: %w", err)
	}
	return each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		device, err := s.store.Device(ctx, caller.User, uc.Device)
		if err != nil {
			return fmt.Errorf("read a device of the user: %w", err)
		}
		_, err = s.listen(ctx, uc.ID, uc.ConnectedAt, device, []chat.Room{room})
		if errors.Is(err, chat.DeviceRevoked) && uc.Device != caller.Device {
			return nil // another device's end is no matter of this call's
		}
		return err
	})
}

// enter creates the room if need be and adds the member. Joins at the same time
// may pass the bound by their number: it is there against piles of rows, not
// for a property that anything relies on.
func (s *Service) enter(ctx context.Context, room chat.Room, user chat.User) error {
	rooms, err := s.roomsOf(ctx, user)
	if err != nil {
		return err
	}
	if slices.Contains(rooms, room) {
		return nil
	}
	if len(rooms) >= chat.MaxRooms {
		return chat.TooManyRooms
	}
	if _, err := s.store.Room(ctx, room); errors.Is(err, ErrNotFound) {
		_, err = s.store.CreateRoom(ctx, room, chat.NewEpoch(), s.now())
		if err != nil {
			return fmt.Errorf("create the room: %w", err)
		}
	} else if err != nil {
		return fmt.Errorf("read the room: %w", err)
	}
	if err := s.store.AddMember(ctx, room, user, s.now()); err != nil {
		return fmt.Errorf("add the member: %w", err)
	}
	return nil
}

// Leave ends the user's membership of a room. Leaving a room one is not in is
// no error, so that a repeat is none. Errors: those of admit,
// chat.RoomInvalid for the lobby and for a room that does not exist.
func (s *Service) Leave(ctx context.Context, c Call, room chat.Room) error {
	conn, _, err := s.admit(ctx, c)
	if err != nil {
		return err
	}
	if room == chat.Lobby {
		return chat.RoomInvalid
	}
	if _, err := s.open(ctx, room); err != nil {
		return err
	}
	// The listeners go before the membership, so that a call that dies leaves a
	// member who does not hear, which history mends, and never a listener who
	// is no member; and again after it, for a handshake that ran in between.
	if err := s.deafen(ctx, room, conn.User); err != nil {
		return err
	}
	if err := s.store.RemoveMember(ctx, room, conn.User); err != nil {
		return fmt.Errorf("remove the member: %w", err)
	}
	if err := s.deafen(ctx, room, conn.User); err != nil {
		return err
	}
	// A join that overlapped may have been deafened with the rest.
	if again, err := s.store.IsMember(ctx, room, conn.User); err != nil {
		return fmt.Errorf("read the membership again: %w", err)
	} else if again {
		if err := s.hear(ctx, conn, room); err != nil {
			return err
		}
	}
	return s.answer(ctx, c, frame.Left{Type: frame.TypeLeft, Ref: c.Ref, Room: room})
}

// deafen removes the listeners of all the user's connections from a room.
func (s *Service) deafen(ctx context.Context, room chat.Room, user chat.User) error {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("list the user's connections: %w", err)
	}
	return each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		return s.silence(ctx, []chat.Room{room}, uc.ID)
	})
}
