package room

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Devices answers with the user's own devices, so that a user sees what speaks
// in their name: those in use first, the newest first among each, and of the
// revoked ones as many as fit. Errors: those of admit.
func (s *Service) Devices(ctx context.Context, c Call) error {
	conn, _, err := s.admit(ctx, c)
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

// Revoke bars another device of the user for ever. Its connections stop hearing
// first, so that a call that dies leaves a device that is deaf, and not one
// that is barred and hears. From the tombstone on no frame of the device passes
// and no handshake binds it. Then what was bound in between stops hearing, too,
// and all its connections are closed: no send that begins after the answer
// seals to it. A repeat does what is left of that and answers again. No device
// revokes itself, so that one always remains (protocol §11). Errors: those of
// admit, chat.BadProof, chat.BadSignature, chat.SessionMismatch,
// chat.DeviceUnknown.
func (s *Service) Revoke(ctx context.Context, c Call, proof string) error {
	conn, device, err := s.admit(ctx, c)
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
	if _, err := s.mute(ctx, conn.User, barred); err != nil {
		return err
	}
	err = s.store.Revoke(ctx, conn.User, barred, conn.Device, s.now())
	switch {
	case errors.Is(err, ErrNotFound):
		return chat.DeviceUnknown
	case errors.Is(err, ErrConflict):
		return chat.DeviceRevoked // the caller itself, meanwhile
	case err != nil:
		return fmt.Errorf("revoke the device: %w", err)
	}
	if err := s.expel(ctx, conn.User, barred); err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Revoked{Type: frame.TypeRevoked, Ref: c.Ref, Device: barred})
}

// mute makes all connections of a device hear nothing any more, and lists them.
func (s *Service) mute(ctx context.Context, user chat.User, device chat.Device) ([]UserConnection, error) {
	rooms, err := s.roomsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	connections, err := s.connectionsOf(ctx, user, device)
	if err != nil {
		return nil, err
	}
	return connections, each(ctx, connections, func(ctx context.Context, uc UserConnection) error {
		return s.silence(ctx, rooms, uc.ID)
	})
}

// expel ends all connections of a device that is revoked. All of them hear
// nothing before the first is closed, and one that cannot be closed does not
// stand before the others. Each is forgotten only once it is closed, so that a
// call that died half way finds its work again. A handshake, join or rotation
// that runs meanwhile finds the tombstone and undoes itself (listen).
func (s *Service) expel(ctx context.Context, user chat.User, device chat.Device) error {
	connections, err := s.mute(ctx, user, device)
	if err != nil {
		return err
	}
	return s.end(ctx, connections)
}

// end closes connections and forgets them. It tries all and returns what
// failed.
func (s *Service) end(ctx context.Context, connections []UserConnection) error {
	failed := make([]error, len(connections))
	places := make([]int, len(connections))
	for i := range places {
		places[i] = i
	}
	_ = each(ctx, places, func(ctx context.Context, i int) error {
		if failed[i] = s.post.Close(ctx, connections[i].ID); failed[i] == nil {
			failed[i] = s.Disconnect(ctx, Call{Connection: connections[i].ID})
		}
		return nil
	})
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("end the connections: %w", err)
	}
	return nil
}
