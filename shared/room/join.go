package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// CreateRoom creates an open room, which the client then joins. A repeat by the
// same user succeeds. Errors: those of admit; chat.RoomTaken, chat.RoomInvalid
// for a reserved name, chat.TooManyRooms.
func (s *Service) CreateRoom(ctx context.Context, c Call, room chat.Room) error {
	conn, _, err := s.admit(ctx, c, chat.CostFrame)
	if err != nil {
		return err
	}
	if err := room.CheckNew(); err != nil {
		return err
	}
	if err := s.hasSpace(ctx, conn.User); err != nil {
		return err
	}
	meta, err := s.store.CreateRoom(ctx, &Meta{Room: room, Epoch: chat.NewEpoch(), Creator: conn.User}, s.now())
	if err != nil {
		return fmt.Errorf("create the room: %w", err)
	}
	if meta.Creator != conn.User {
		return chat.RoomTaken
	}
	return s.answer(ctx, c, frame.Created{Type: frame.TypeCreated, Ref: c.Ref, Room: room})
}

// Join makes the user a member of an open room that exists, and subscribes all
// of the user's connections to it. Errors: those of admit; chat.RoomInvalid,
// chat.TooManyRooms. A join that changes nothing writes nothing but the rates.
func (s *Service) Join(ctx context.Context, c Call, room chat.Room) error {
	conn, _, err := s.admit(ctx, c, chat.CostFrame)
	if err != nil {
		return err
	}
	if room != chat.Lobby {
		if err := s.addMember(ctx, room, conn.User); err != nil {
			return err
		}
	}
	if err := s.subscribeUser(ctx, conn, room); err != nil {
		return err
	}
	state, err := s.state(ctx, room, conn.User)
	if err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Joined{Type: frame.TypeJoined, Ref: c.Ref, RoomState: state})
}

// subscribeUser subscribes all connections of the caller's user to a room, as
// far as they do not listen yet, and lets the user pay for them. The membership
// is written before the connections are listed: a concurrent handshake either
// sees the membership or is among these connections. Error: chat.RateLimited.
func (s *Service) subscribeUser(ctx context.Context, caller *Connection, room chat.Room) error {
	connections, err := s.listening(ctx, room, caller.User, false)
	if err != nil || len(connections) == 0 {
		return err
	}
	if err := s.charge(ctx, caller.User, chat.CostRow*len(connections)); err != nil {
		return err
	}
	return each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		device, err := s.store.Device(ctx, caller.User, uc.Device)
		if err != nil {
			return fmt.Errorf("read a device of the user: %w", err)
		}
		_, err = s.subscribeConnection(ctx, uc, device, []chat.Room{room})
		if errors.Is(err, chat.DeviceRevoked) && uc.Device != caller.Device {
			return nil // ignore: a different device was revoked concurrently
		}
		return err
	})
}

// addMember adds the member to a room that exists. Concurrent joins may exceed
// chat.MaxRooms by their number: the bound limits the number of rows, and
// nothing relies on its exact value.
func (s *Service) addMember(ctx context.Context, room chat.Room, user chat.User) error {
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
	if _, err := s.loadRoom(ctx, room); err != nil {
		return err
	}
	if err := s.store.AddMember(ctx, room, user, s.now()); err != nil {
		return fmt.Errorf("add the member: %w", err)
	}
	return nil
}

// Leave ends the user's membership of a room. It is not an error if the user is
// not a member, so that a repeat succeeds and writes nothing. Errors: those of
// admit, chat.RoomInvalid for the lobby and for a room that does not exist.
func (s *Service) Leave(ctx context.Context, c Call, room chat.Room) error {
	conn, _, err := s.admit(ctx, c, chat.CostFrame)
	if err != nil {
		return err
	}
	if room == chat.Lobby {
		return chat.RoomInvalid
	}
	if _, err := s.loadRoom(ctx, room); err != nil {
		return err
	}
	is, err := s.store.IsMember(ctx, room, conn.User)
	if err != nil {
		return fmt.Errorf("read the membership: %w", err)
	}
	connections, err := s.listening(ctx, room, conn.User, true)
	if err != nil {
		return err
	}
	if is || len(connections) > 0 {
		if err := s.charge(ctx, conn.User, chat.CostRow*(len(connections)+1)); err != nil {
			return err
		}
	}
	// The listeners are removed before the membership: a call that dies between
	// the two leaves a member without a subscription, who reads the history,
	// and never a listener who is no member. They are removed again after it,
	// for a handshake that subscribed in between.
	if err := s.unsubscribeAll(ctx, room, connections); err != nil {
		return err
	}
	if is {
		if err := s.store.RemoveMember(ctx, room, conn.User); err != nil {
			return fmt.Errorf("remove the member: %w", err)
		}
	}
	if connections, err = s.listening(ctx, room, conn.User, true); err != nil {
		return err
	}
	if err := s.unsubscribeAll(ctx, room, connections); err != nil {
		return err
	}
	// The second removal may have undone a concurrent join.
	if again, err := s.store.IsMember(ctx, room, conn.User); err != nil {
		return fmt.Errorf("read the membership again: %w", err)
	} else if again {
		if err := s.subscribeUser(ctx, conn, room); err != nil {
			return err
		}
	}
	return s.answer(ctx, c, frame.Left{Type: frame.TypeLeft, Ref: c.Ref, Room: room})
}

// listening lists those of the user's connections that listen in a room, or
// those that do not. One with an old key, or of an earlier membership, counts
// as one that does not: a call that died may have left it.
func (s *Service) listening(ctx context.Context, room chat.Room, user chat.User, do bool) ([]UserConnection, error) {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list the user's connections: %w", err)
	}
	var mu sync.Mutex
	var found []UserConnection
	err = each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		listeners, err := s.store.ListenersIn(ctx, room, uc.ID, uc.ID)
		if err != nil {
			return fmt.Errorf("look for the connection among the listeners: %w", err)
		}
		listens := len(listeners) == 1
		if listens && !do {
			device, err := s.store.Device(ctx, user, uc.Device)
			if err != nil {
				return fmt.Errorf("read a device of the user: %w", err)
			}
			from, err := s.readableFrom(ctx, room, user)
			if err != nil && !errors.Is(err, chat.NotAMember) {
				return err
			}
			listens = err == nil && listeners[0].From == from && listeners[0].Gen == device.Gen && !device.Revoked
		}
		if listens == do {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, uc)
		}
		return nil
	})
	return found, err
}

// unsubscribeUser removes the listeners of all the user's connections from a
// room.
func (s *Service) unsubscribeUser(ctx context.Context, room chat.Room, user chat.User) error {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("list the user's connections: %w", err)
	}
	return s.unsubscribeAll(ctx, room, connections)
}

// unsubscribeAll removes the listeners of connections from a room.
func (s *Service) unsubscribeAll(ctx context.Context, room chat.Room, connections []UserConnection) error {
	return each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		return s.unsubscribeConnection(ctx, []chat.Room{room}, uc.ID)
	})
}
