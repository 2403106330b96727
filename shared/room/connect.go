package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Connect records a new connection. A handshake wants this row, so that one
// which overlaps with the connection's end leaves nothing behind.
func (s *Service) Connect(ctx context.Context, c Call) error {
	if err := s.store.OpenConnection(ctx, c.Connection, c.ConnectedAt); err != nil {
		return fmt.Errorf("open the connection: %w", err)
	}
	return nil
}

// Disconnect removes all that stands about a connection. API Gateway calls it
// at best once and perhaps never, so what it leaves expires by itself. A
// handshake may overlap with it: what is bound meanwhile is read again.
func (s *Service) Disconnect(ctx context.Context, c Call) error {
	for range bindAttempts {
		conn, err := s.store.Connection(ctx, c.Connection)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the connection: %w", err)
		}
		if err := s.forget(ctx, conn); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrBusy
}

// forget removes a connection's listeners, and then its row, so that a call
// that died half way finds its work again. Error: ErrConflict as of
// ForgetConnection.
func (s *Service) forget(ctx context.Context, conn *Connection) error {
	if conn.Bound() {
		rooms, err := s.roomsOf(ctx, conn.User)
		if err != nil {
			return err
		}
		if err := s.silence(ctx, rooms, conn.ID); err != nil {
			return err
		}
	}
	if err := s.store.ForgetConnection(ctx, conn); err != nil {
		return fmt.Errorf("forget the connection: %w", err)
	}
	return nil
}

// roomsOf lists every room the user is in, the lobby first.
func (s *Service) roomsOf(ctx context.Context, user chat.User) ([]chat.Room, error) {
	rooms, err := s.store.RoomsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list the user's rooms: %w", err)
	}
	return append([]chat.Room{chat.Lobby}, rooms...), nil
}
