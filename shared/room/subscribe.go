package room

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/recovery"
)

// rowsAtOnce bounds how many rows one call reads or writes at the same time.
const rowsAtOnce = 8

// subscribeConnection writes a connection's listeners in rooms, and corrects
// them if the device's key or the memberships change meanwhile.
//
// A rotation or revocation writes the device's row and then the listeners that
// it finds. A leave removes the listeners before the membership and once more
// after it. A listener that is written concurrently may be missed by either, so
// every writer reads the device and the memberships after its own write
// (protocol §7).
//
// It returns the device as it was read last. Error: chat.DeviceRevoked.
func (s *Service) subscribeConnection(ctx context.Context, uc UserConnection, d *Device,
	rooms []chat.Room) (*Device, error) {
	id := uc.ID
	for {
		if d.Revoked {
			if err := s.unsubscribeConnection(ctx, rooms, id); err != nil {
				return nil, err
			}
			return nil, chat.DeviceRevoked
		}
		l := Listener{
			Connection:  id,
			ConnectedAt: uc.ConnectedAt,
			User:        d.User,
			Device:      d.ID,
			Gen:         d.Gen,
			Enc:         d.Enc,
			ToClient:    uc.ToClient,
		}
		if err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
			return s.subscribe(ctx, room, l)
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
			if err := s.store.RemoveListener(ctx, room, id); err != nil {
				return nil, fmt.Errorf("remove the listener again: %w", err)
			}
		}
	}
	return d, nil
}

// subscribe writes a listener in one room. It writes none for a user who is not
// a member of a closed room.
func (s *Service) subscribe(ctx context.Context, room chat.Room, l Listener) error {
	if room.IsClosed() {
		member, err := s.store.Member(ctx, room, l.User)
		if errors.Is(err, ErrNotFound) {
			return nil // removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("read the membership: %w", err)
		}
		l.From, l.Since = member.From, member.Since
	}
	return s.store.AddListener(ctx, room, l)
}

// unsubscribeConnection removes a connection's listeners from rooms.
func (s *Service) unsubscribeConnection(ctx context.Context, rooms []chat.Room, id chat.Connection) error {
	if err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
		return s.store.RemoveListener(ctx, room, id)
	}); err != nil {
		return fmt.Errorf("remove the connection's listeners: %w", err)
	}
	return nil
}

// propagateKey writes the device's newest key into the listeners of all its
// connections, unless its row says that this is done. Because of that mark the
// next call completes one that died.
func (s *Service) propagateKey(ctx context.Context, d *Device) error {
	if d.Propagated >= d.Gen {
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
		_, err := s.subscribeConnection(ctx, uc, d, rooms)
		return err
	}); err != nil {
		return err
	}
	if err := s.store.MarkPropagated(ctx, d.User, d.ID, d.Gen); err != nil {
		return fmt.Errorf("mark the key as propagated: %w", err)
	}
	return nil
}

// rowsOf returns how many listeners the connections of a device have: as many
// rows change with its key.
func (s *Service) rowsOf(ctx context.Context, user chat.User, device chat.Device) (int, error) {
	rooms, err := s.roomsOf(ctx, user)
	if err != nil {
		return 0, err
	}
	connections, err := s.connectionsOf(ctx, user, device)
	return len(rooms) * len(connections), err
}

// connectionsOf lists the open connections of one device.
func (s *Service) connectionsOf(ctx context.Context, user chat.User, device chat.Device) ([]UserConnection, error) {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list the user's connections: %w", err)
	}
	return slices.DeleteFunc(connections, func(uc UserConnection) bool { return uc.Device != device }), nil
}

// prune closes a user's oldest connections above chat.MaxConnections. Most of
// them have ended already without a $disconnect. It is best effort: the next
// handshake tries again.
func (s *Service) prune(ctx context.Context, user chat.User) {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err == nil && len(connections) > chat.MaxConnections {
		slices.SortFunc(connections, func(a, b UserConnection) int { return a.ConnectedAt.Compare(b.ConnectedAt) })
		err = s.closeConnections(ctx, connections[:len(connections)-chat.MaxConnections])
	}
	if err != nil {
		s.log.WarnContext(ctx, "failed to close the user's oldest connections", "err", err, recovery.StackOf(err))
	}
}

// each calls do for every item, a bounded number at a time, and returns the
// first error. A panic in do is an error.
func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(rowsAtOnce)
	for _, item := range items {
		g.Go(func() error { return recovery.Call(func() error { return do(ctx, item) }) })
	}
	return g.Wait()
}

// openRoom reads a room, and creates the lobby. Only handshakes and joins do
// that, so that no other function needs the right to write rooms. Error:
// chat.RoomInvalid.
func (s *Service) openRoom(ctx context.Context, room chat.Room) (*Meta, error) {
	meta, err := s.store.Room(ctx, room)
	if !errors.Is(err, ErrNotFound) || room != chat.Lobby {
		return found(meta, err)
	}
	return found(s.store.CreateRoom(ctx, &Meta{Room: room, Epoch: chat.NewEpoch()}, s.now()))
}

// loadRoom reads a room. Error: chat.RoomInvalid.
func (s *Service) loadRoom(ctx context.Context, room chat.Room) (*Meta, error) {
	return found(s.store.Room(ctx, room))
}

// found turns the error of a room that does not exist into chat.RoomInvalid.
func found(meta *Meta, err error) (*Meta, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, chat.RoomInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("read the room: %w", err)
	}
	return meta, nil
}

// checkMember checks that the user is a member of the room. Error:
// chat.NotAMember, also if there is no such room.
func (s *Service) checkMember(ctx context.Context, room chat.Room, user chat.User) error {
	if room.IsClosed() {
		_, err := s.readableFrom(ctx, room, user)
		return err
	}
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

// readableFrom returns the first seq of a room that the user may read: 0 in
// open rooms. Error: chat.NotAMember, of a closed room.
func (s *Service) readableFrom(ctx context.Context, room chat.Room, user chat.User) (chat.Seq, error) {
	if !room.IsClosed() {
		return 0, nil
	}
	member, err := s.store.Member(ctx, room, user)
	if errors.Is(err, ErrNotFound) {
		return 0, chat.NotAMember
	}
	if err != nil {
		return 0, fmt.Errorf("read the membership: %w", err)
	}
	return member.From, nil
}
