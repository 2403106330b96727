// Package roomkeys adapts a keyring to the interface that the use cases of
// package room need. Neither of the two packages imports the other.
package roomkeys

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/room"
)

// Keys implements room.Keys with a keyring, whose errors it turns into those of
// package room.
type Keys struct{ *keyring.Keyring }

var _ room.Keys = Keys{}

// KeySet implements room.Keys.
func (k Keys) KeySet(ctx context.Context) (string, error) {
	token, _, err := k.Keyring.KeySet(ctx)
	if errors.Is(err, keyring.ErrNoKeySet) {
		err = fmt.Errorf("%w: %w", room.ErrNoKeySet, err)
	}
	return token, err
}

// Accepts implements room.Keys.
func (k Keys) Accepts(ctx context.Context, kid string) (bool, error) {
	return k.AcceptsServerKey(ctx, kid)
}

// OpenSend implements room.Keys.
func (k Keys) OpenSend(ctx context.Context, token string) ([]byte, string, error) {
	plaintext, kid, err := k.Keyring.OpenSend(ctx, token)
	if errors.Is(err, keyring.ErrStaleKey) {
		err = fmt.Errorf("%w: %w", room.ErrStaleKey, err)
	}
	return plaintext, kid, err
}

// OpenSession implements room.Keys.
func (k Keys) OpenSession(ctx context.Context, token string, nonce []byte, proof string,
	place []byte) (toService, toClient []byte, err error) {
	keys, err := k.Keyring.OpenSession(ctx, token, nonce, proof, place)
	if errors.Is(err, keyring.ErrStaleKey) {
		err = fmt.Errorf("%w: %w", room.ErrStaleKey, err)
	}
	return keys.ToService, keys.ToClient, err
}

// CheckFrame implements room.Keys.
func (k Keys) CheckFrame(ctx context.Context, toService, place, frame []byte) error {
	err := k.Keyring.CheckFrame(ctx, toService, place, frame)
	if errors.Is(err, keyring.ErrMAC) {
		err = fmt.Errorf("%w: %w", room.ErrMAC, err)
	}
	return damaged(err)
}

// AuthenticateFrame implements room.Keys.
func (k Keys) AuthenticateFrame(ctx context.Context, toClient, place, frame []byte) ([]byte, error) {
	data, err := k.Keyring.AuthenticateFrame(ctx, toClient, place, frame)
	return data, damaged(err)
}

// damaged adds room.ErrDamaged to keyring.ErrAtRest.
func damaged(err error) error {
	if errors.Is(err, keyring.ErrAtRest) {
		return fmt.Errorf("%w: %w", room.ErrDamaged, err)
	}
	return err
}

// OpenAtRest implements room.Keys.
func (k Keys) OpenAtRest(ctx context.Context, dataKey string, sealed, additional []byte) ([]byte, error) {
	plaintext, err := k.Keyring.OpenAtRest(ctx, dataKey, sealed, additional)
	return plaintext, damaged(err)
}
