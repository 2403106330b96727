package room

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Rotate makes a device's next encryption key the newest. It writes the
// device's row first and then the listeners of its connections, so that every
// message after its answer is sealed to the new key. A repeat with the current
// key completes the listeners and answers again. Errors: those of admit,
// chat.BadProof, chat.BadSignature, chat.SessionMismatch, chat.KeyUnacceptable,
// chat.StaleDeviceKey.
func (s *Service) Rotate(ctx context.Context, c Call, proof string) error {
	conn, device, err := s.admit(ctx, c, chat.CostFrame)
	if err != nil {
		return err
	}
	next, err := s.nextKey(conn, device, proof)
	if err != nil {
		return err
	}
	if next.Gen != device.Gen {
		rows, err := s.rowsOf(ctx, conn.User, conn.Device)
		if err != nil {
			return err
		}
		if err := s.charge(ctx, conn.User, chat.CostRow*rows); err != nil {
			return err
		}
		if err := s.replaceKey(ctx, next); err != nil {
			return err
		}
	}
	if err := s.propagateKey(ctx, next); err != nil {
		return err
	}
	enc, err := envelope.EncryptionKeyFromModulus(next.Enc)
	if err != nil {
		return fmt.Errorf("read the new key: %w", err)
	}
	token, err := seal(enc, envelope.TypeRotated, frame.RotatedPlain{SID: conn.Session, Gen: next.Gen})
	if err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Rotated{Type: frame.TypeRotated, Ref: c.Ref, Gen: next.Gen, JWE: token})
}

// replaceKey writes the device's next key. Errors: chat.DeviceRevoked,
// chat.StaleDeviceKey.
func (s *Service) replaceKey(ctx context.Context, next *Device) error {
	err := s.store.ReplaceKey(ctx, next)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrConflict) {
		return fmt.Errorf("replace the key: %w", err)
	}
	// A concurrent rotation was first, or this one was delivered twice.
	now, err := s.store.Device(ctx, next.User, next.ID)
	switch {
	case err != nil:
		return fmt.Errorf("read the device again: %w", err)
	case now.Revoked:
		return chat.DeviceRevoked
	case now.Gen != next.Gen || !bytes.Equal(now.Enc, next.Enc):
		return chat.StaleDeviceKey
	}
	return nil
}

// nextKey verifies a rotation's proof and returns the device with its next key.
func (s *Service) nextKey(conn *Connection, device *Device, proof string) (*Device, error) {
	var claims frame.RotateClaims
	if err := signedBy(device, proof, envelope.TypeRotate, &claims); err != nil {
		return nil, err
	}
	if err := claims.Check(); err != nil {
		return nil, err
	}
	if claims.SID != conn.Session {
		return nil, chat.SessionMismatch
	}
	enc, err := envelope.ParseEncryptionKey(claims.Enc)
	if err != nil {
		return nil, chat.KeyUnacceptable
	}
	next := *device
	next.Gen, next.Enc = claims.Gen, enc.Modulus()
	same := bytes.Equal(next.Enc, device.Enc)
	switch {
	case next.Gen == device.Gen && same:
		return &next, nil
	case next.Gen <= device.Gen:
		return nil, chat.StaleDeviceKey
	case next.Gen > device.Gen+1 || same:
		return nil, chat.BadProof
	}
	return &next, trySeal(enc, envelope.TypeRotated)
}

// signedBy verifies a token that the device has signed and decodes its claims.
// Errors: chat.BadProof, chat.BadSignature.
func signedBy(device *Device, proof string, typ envelope.Type, claims any) error {
	token, err := envelope.ParseSigned(proof, typ)
	if err != nil {
		return chat.BadProof
	}
	key, err := envelope.VerifyKeyFromBytes(device.Key)
	if err != nil {
		return fmt.Errorf("read the device's key: %w", err)
	}
	payload, err := token.Verify(key)
	if err != nil {
		return chat.BadSignature
	}
	if err := strict.UnmarshalClaims(payload, claims); err != nil {
		return chat.BadProof
	}
	return nil
}

// Announce posts a new key set to every connected client. All of them are
// listeners of the lobby.
func (s *Service) Announce(ctx context.Context) error {
	keyset, err := s.keys.KeySet(ctx)
	if err != nil {
		return fmt.Errorf("get the key set: %w", err)
	}
	data, err := strict.Marshal(frame.ServerKey{Type: frame.TypeServerKey, Push: s.push(), KeySet: keyset})
	if err != nil {
		return fmt.Errorf("encode the key set: %w", err)
	}
	listeners, err := s.store.Listeners(ctx, chat.Lobby)
	if err != nil {
		return fmt.Errorf("list the listeners: %w", err)
	}
	s.postAll(ctx, chat.Lobby, listeners, func(Listener) ([]byte, error) { return data, nil })
	return nil
}
