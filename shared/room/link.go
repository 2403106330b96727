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

// vouched checks the link that a new device of a known user brings: another
// device of the user has signed for this very one, here and just now. That it
// is still good when the binding is written is the transaction's to say.
// Errors: chat.DeviceUnknown for a link that does not hold, whatever is wrong
// with it; chat.TooManyDevices.
func (s *Service) vouched(ctx context.Context, b *Binding, link string) error {
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
	if err := strict.Unmarshal(payload, &claims); err != nil {
		return chat.DeviceUnknown
	}
	now := s.now()
	switch {
	case by.Revoked,
		claims.Sub != b.User, claims.Aud != s.audience, claims.Dev != b.Device.ID,
		claims.Exp <= now.Unix(), claims.Exp > now.Add(chat.LinkLifetime).Unix():
		return chat.DeviceUnknown
	}
	// Links at the same time may pass the bound by their number, as joins may.
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
	b.LinkedBy, b.Device.Spread = by.ID, b.Device.Gen
	return nil
}
