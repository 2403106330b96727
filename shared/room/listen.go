package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/recovery"
)

// readers bounds how many rows one call reads or writes at the same time.
const readers = 8

// listen makes a connection hear rooms, and leaves behind what is true even
// when the device's key or the memberships change meanwhile: a rotation or a
// revocation writes the device's row first and then the rows it finds, a leave
// removes the membership first and then the rows it finds; so whoever writes a
// row reads both afterwards and repairs (protocol §7).
// It returns the device as it is then. Error: chat.DeviceRevoked.
func (s *Service) listen(ctx context.Context, id chat.Connection, connectedAt time.Time, d *Device,
	rooms []chat.Room) (*Device, error) {
	for {
		if d.Revoked {
			if err := s.silence(ctx, rooms, id); err != nil {
				return nil, err
			}
			return nil, chat.DeviceRevoked
		}
		l := Listener{Connection: id, ConnectedAt: connectedAt, User: d.User, Device: d.ID, Gen: d.Gen, Enc: d.Enc}
		if err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
			return s.store.Listen(ctx, room, l)
		}); err != nil {
			return nil, fmt.Errorf("write the listener: %w", err)
		}
		now, err := s.store.Device(ctx, d.User, d.ID)
		if err != nil {
			return nil, fmt.Errorf("read the device again: %w", err)
		}
		if now.Gen == d.Gen && !now.Revoked {
			break
		}
		d = now
	}
	memberships, err := s.roomsOf(ctx, d.User)
	if err != nil {
		return nil, err
	}
	for _, room := range rooms {
		if !slices.Contains(memberships, room) {
			if err := s.store.Unlisten(ctx, room, id); err != nil {
				return nil, fmt.Errorf("take back the listener: %w", err)
			}
		}
	}
	return d, nil
}

// silence makes a connection hear rooms no longer.
func (s *Service) silence(ctx context.Context, rooms []chat.Room, id chat.Connection) error {
	if err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
		return s.store.Unlisten(ctx, room, id)
	}); err != nil {
		return fmt.Errorf("stop listening: %w", err)
	}
	return nil
}

// spread writes the device's newest key into the rows of all its connections,
// unless that is known to be done. The mark on the device's row makes whoever
// comes next finish what a call that died has left.
func (s *Service) spread(ctx context.Context, d *Device) error {
	if d.Spread >= d.Gen {
		return nil
	}
	rooms, err := s.roomsOf(ctx, d.User)
	if err != nil {
		return err
	}
	connections, err := s.connectionsOf(ctx, d.User, d.ID)
	if err != nil {
		return err
	}
	if err := each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		_, err := s.listen(ctx, uc.ID, uc.ConnectedAt, d, rooms)
		return err
	}); err != nil {
		return err
	}
	if err := s.store.MarkSpread(ctx, d.User, d.ID, d.Gen); err != nil {
		return fmt.Errorf("mark the key as spread: %w", err)
	}
	return nil
}

// connectionsOf lists the open connections of one device, the oldest first.
func (s *Service) connectionsOf(ctx context.Context, user chat.User, device chat.Device) ([]UserConnection, error) {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list the user's connections: %w", err)
	}
	connections = slices.DeleteFunc(connections, func(uc UserConnection) bool { return uc.Device != device })
	slices.SortFunc(connections, func(a, b UserConnection) int { return a.ConnectedAt.Compare(b.ConnectedAt) })
	return connections, nil
}

// prune ends a device's oldest connections above chat.MaxConnections. Most of
// these are rows of connections whose end nobody reported. What fails is left
// to the next handshake.
func (s *Service) prune(ctx context.Context, d *Device) {
	connections, err := s.connectionsOf(ctx, d.User, d.ID)
	if err == nil && len(connections) > chat.MaxConnections {
		err = s.end(ctx, connections[:len(connections)-chat.MaxConnections])
	}
	if err != nil {
		s.log.WarnContext(ctx, "the device's oldest connections were not all ended", "err", err)
	}
}

// each runs do for every item, a bounded number at a time, and returns the
// first error.
func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, item := range items {
		g.Go(func() error { return recovery.Call(func() error { return do(ctx, item) }) })
	}
	return g.Wait()
}

// open reads a room, and creates the lobby, which exists always. Error:
// chat.RoomInvalid.
func (s *Service) open(ctx context.Context, room chat.Room) (*Meta, error) {
	meta, err := s.store.Room(ctx, room)
	if errors.Is(err, ErrNotFound) && room == chat.Lobby {
		meta, err = s.store.CreateRoom(ctx, room, chat.NewEpoch(), s.now())
	}
	if errors.Is(err, ErrNotFound) {
		return nil, chat.RoomInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("read the room: %w", err)
	}
	return meta, nil
}

// member checks that the user is a member of the room. Error: chat.NotAMember.
func (s *Service) member(ctx context.Context, room chat.Room, user chat.User) error {
	if room == chat.Lobby {
		return nil
	}
	is, err := s.store.IsMember(ctx, room, user)
	if err != nil {
		return fmt.Errorf("read the membership: %w", err)
	}
	if !is {
		return chat.NotAMember
	}
	return nil
}
