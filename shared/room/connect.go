package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Connect records a new connection. A handshake requires this row, so that a
// handshake that overlaps with the connection's end leaves no rows behind.
func (s *Service) Connect(ctx context.Context, c Call) error {
	if err := s.store.OpenConnection(ctx, c.Connection, c.ConnectedAt); err != nil {
		return fmt.Errorf("open the connection: %w", err)
	}
	return nil
}

// Disconnect removes the rows of a connection. API Gateway calls $disconnect
// with best effort only, so rows that remain expire. A handshake may overlap:
// Disconnect reads again what was bound meanwhile.
func (s *Service) Disconnect(ctx context.Context, c Call) error {
	for range bindAttempts {
		conn, err := s.store.Connection(ctx, c.Connection)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the connection: %w", err)
		}
		if err := s.removeConnection(ctx, conn); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrBusy
}

// removeConnection removes a connection's listeners and then its row, so that
// another call can complete one that died between the two. Error: ErrConflict,
// as of Connections.RemoveConnection.
func (s *Service) removeConnection(ctx context.Context, conn *Connection) error {
	if conn.Bound() {
		rooms, err := s.roomsOf(ctx, conn.User)
		if err != nil {
			return err
		}
		if err := s.unsubscribeConnection(ctx, rooms, conn.ID); err != nil {
			return err
		}
	}
	if err := s.store.RemoveConnection(ctx, conn); err != nil {
		return fmt.Errorf("remove the connection: %w", err)
	}
	return nil
}

// roomsOf lists all rooms of a user, the lobby first.
func (s *Service) roomsOf(ctx context.Context, user chat.User) ([]chat.Room, error) {
	rooms, err := s.store.RoomsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list the user's rooms: %w", err)
	}
	return append([]chat.Room{chat.Lobby}, rooms...), nil
}
