package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// verifyLink checks the link of a new device of a known user: another device of
// the user must have signed it for this device, at this deployment, at most
// chat.LinkLifetime ago. The transaction that writes the binding checks again
// that the other device is not revoked. Errors: chat.DeviceUnknown for every
// link that is not valid; chat.TooManyDevices.
func (s *Service) verifyLink(ctx context.Context, b *Binding, link string) error {
	token, err := envelope.ParseSigned(link, envelope.TypeLink)
	if err != nil {
		return chat.DeviceUnknown
	}
	by, err := s.store.Device(ctx, b.User, chat.Device(token.KID))
	if errors.Is(err, ErrNotFound) {
		return chat.DeviceUnknown
	}
	if err != nil {
		return fmt.Errorf("read the linking device: %w", err)
	}
	key, err := envelope.VerifyKeyFromBytes(by.Key)
	if err != nil {
		return fmt.Errorf("read the linking device's key: %w", err)
	}
	payload, err := token.Verify(key)
	if err != nil {
		return chat.DeviceUnknown
	}
	var claims frame.LinkClaims
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return chat.DeviceUnknown
	}
	now := s.now()
	switch {
	case by.Revoked,
		claims.Sub != b.User, claims.Aud != s.audience, claims.Dev != b.Device.ID,
		claims.Exp <= now.Unix(), claims.Exp > now.Add(chat.LinkLifetime).Unix():
		return chat.DeviceUnknown
	}
	// Concurrent links may exceed the bound by their number, as joins may.
	devices, err := s.store.DevicesOf(ctx, b.User)
	if err != nil {
		return fmt.Errorf("list the user's devices: %w", err)
	}
	inUse := 0
	for _, d := range devices {
		if !d.Revoked {
			inUse++
		}
	}
	if inUse >= chat.MaxDevices {
		return chat.TooManyDevices
	}
	b.LinkedBy, b.Device.Propagated = by.ID, b.Device.Gen
	return nil
}
