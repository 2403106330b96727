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

// Rotate makes a device's next encryption key the newest. From its answer on,
// everything is sealed to the new key: the device's row is written first, then
// the rows of its connections. Repeating the current pair does what is left of
// the second part and answers again.
// Errors: those of admit, chat.BadProof, chat.BadSignature,
// chat.SessionMismatch, chat.KeyUnacceptable, chat.StaleDeviceKey.
func (s *Service) Rotate(ctx context.Context, c Call, proof string) error {
	conn, device, err := s.admit(ctx, c)
	if err != nil {
		return err
	}
	next, err := s.nextKey(conn, device, proof)
	if err != nil {
		return err
	}
	if next.Gen != device.Gen {
		err := s.store.ReplaceKey(ctx, next)
		if errors.Is(err, ErrConflict) {
			// A rotation at the same time, perhaps this very one delivered
			// twice.
			now, err := s.store.Device(ctx, conn.User, conn.Device)
			if err != nil {
				return fmt.Errorf("read the device again: %w", err)
			}
			if now.Revoked {
				return chat.DeviceRevoked
			}
			if now.Gen != next.Gen || !bytes.Equal(now.Enc, next.Enc) {
				return chat.StaleDeviceKey
			}
		} else if err != nil {
			return fmt.Errorf("replace the key: %w", err)
		}
	}
	if err := s.spread(ctx, next); err != nil {
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

// nextKey verifies a rotation's proof and returns the device as it shall be.
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

// signedBy reads the claims of a token that the device has signed. Errors:
// chat.BadProof, chat.BadSignature.
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
	if err := strict.Unmarshal(payload, claims); err != nil {
		return chat.BadProof
	}
	return nil
}

// Announce tells every connected client of a new key set. Everybody hears the
// lobby, so its listeners are all there are.
func (s *Service) Announce(ctx context.Context) error {
	keyset, err := s.keys.KeySet(ctx)
	if err != nil {
		return fmt.Errorf("get the key set: %w", err)
	}
	data, err := strict.Marshal(frame.ServerKey{Type: frame.TypeServerKey, KeySet: keyset})
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
