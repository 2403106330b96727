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

// Devices answers with the user's devices, so that users see which devices can
// act in their name. Those in use come first, then the revoked ones; in both
// groups the newest comes first. The list has at most chat.MaxDevicesListed.
// Errors: those of admit.
func (s *Service) Devices(ctx context.Context, c Call) error {
	conn, _, err := s.admit(ctx, c, chat.CostFrame)
	if err != nil {
		return err
	}
	devices, err := s.store.DevicesOf(ctx, conn.User)
	if err != nil {
		return fmt.Errorf("list the user's devices: %w", err)
	}
	slices.SortFunc(devices, func(a, b Device) int {
		if a.Revoked != b.Revoked {
			if a.Revoked {
				return 1
			}
			return -1
		}
		return cmp.Or(b.AddedAt.Compare(a.AddedAt), cmp.Compare(a.ID, b.ID))
	})
	reply := frame.Devices{Type: frame.TypeDevices, Ref: c.Ref}
	for _, d := range devices[:min(len(devices), chat.MaxDevicesListed)] {
		reply.Devices = append(reply.Devices, frame.DeviceState{
			Device:     d.ID,
			AddedAt:    d.AddedAt.UnixMilli(),
			LastSeenAt: d.LastSeenAt.UnixMilli(),
			Revoked:    d.Revoked,
			Current:    d.ID == conn.Device,
		})
	}
	return s.answer(ctx, c, reply)
}

// Revoke bars another device of the user for ever.
//
// First it unsubscribes the device's connections: a call that dies then leaves
// a device that gets no messages, and never a revoked device that still gets
// them. Then it writes the tombstone, after which no frame of the device is
// admitted and no handshake binds it. Finally it unsubscribes the connections
// that were bound meanwhile and closes all of them. No send that begins after
// the answer seals to the device. A repeat completes what is missing and
// answers again.
//
// No device can revoke itself, so that one always remains (protocol §11).
// Errors: those of admitDevice, chat.BadProof, chat.BadSignature,
// chat.SessionMismatch, chat.DeviceUnknown.
func (s *Service) Revoke(ctx context.Context, c Call, proof string) error {
	// A device that floods the user's rate must not keep the others from
	// revoking it, so this frame costs only the device.
	conn, device, err := s.admitDevice(ctx, c)
	if err != nil {
		return err
	}
	var claims frame.RevokeClaims
	if err := signedBy(device, proof, envelope.TypeRevoke, &claims); err != nil {
		return err
	}
	if err := claims.Check(); err != nil {
		return err
	}
	if claims.SID != conn.Session {
		return chat.SessionMismatch
	}
	barred := claims.Dev
	if barred == conn.Device {
		return chat.BadProof
	}
	if _, err := s.unsubscribeDevice(ctx, conn.User, barred); err != nil {
		return err
	}
	err = s.store.Revoke(ctx, conn.User, barred, conn.Device, s.now())
	switch {
	case errors.Is(err, ErrNotFound):
		return chat.DeviceUnknown
	case errors.Is(err, ErrConflict):
		return chat.DeviceRevoked // the caller was revoked meanwhile
	case err != nil:
		return fmt.Errorf("revoke the device: %w", err)
	}
	if err := s.disconnectDevice(ctx, conn.User, barred); err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Revoked{Type: frame.TypeRevoked, Ref: c.Ref, Device: barred})
}

// unsubscribeDevice removes the listeners of all connections of a device, and
// returns these connections.
func (s *Service) unsubscribeDevice(ctx context.Context, user chat.User, device chat.Device) ([]UserConnection, error) {
	rooms, err := s.roomsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	connections, err := s.connectionsOf(ctx, user, device)
	if err != nil {
		return nil, err
	}
	return connections, each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		return s.unsubscribeConnection(ctx, rooms, uc.ID)
	})
}

// disconnectDevice closes all connections of a revoked device, after it has
// unsubscribed all of them. A handshake, join or rotation that runs
// concurrently reads the tombstone and removes its own listeners
// (subscribeConnection).
func (s *Service) disconnectDevice(ctx context.Context, user chat.User, device chat.Device) error {
	connections, err := s.unsubscribeDevice(ctx, user, device)
	if err != nil {
		return err
	}
	return s.closeConnections(ctx, connections)
}

// closeConnections closes connections and removes their rows. It tries all of
// them and returns all errors. The rows of a connection are removed only after
// it is closed, so that another call can complete one that died.
func (s *Service) closeConnections(ctx context.Context, connections []UserConnection) error {
	var mu sync.Mutex
	var failed []error
	err := each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		err := s.post.Close(ctx, uc.ID)
		if err == nil {
			err = s.Disconnect(ctx, Call{Connection: uc.ID})
		}
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, err)
		return nil // an error would cancel the others
	})
	if err := errors.Join(append(failed, err)...); err != nil {
		return fmt.Errorf("close the connections: %w", err)
	}
	return nil
}
