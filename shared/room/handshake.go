package room

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// bindAttempts bounds how often a handshake reads back and decides anew after
// a condition failed. Each failure means that somebody else got further.
const bindAttempts = 4

// Begin answers a handshake's first frame with a challenge. Whether the name
// may be had is the proof's business. Error: chat.AlreadyBound.
func (s *Service) Begin(ctx context.Context, c Call, user chat.User) error {
	keyset, err := s.keys.KeySet(ctx)
	if err != nil {
		return fmt.Errorf("get the key set: %w", err)
	}
	nonce := chat.NewNonce()
	err = s.store.OpenChallenge(ctx, c.Connection, user, nonce, s.now().Add(chat.NonceLifetime))
	if errors.Is(err, ErrConflict) {
		return chat.AlreadyBound
	}
	if err != nil {
		return fmt.Errorf("open a challenge: %w", err)
	}
	return s.answer(ctx, c, frame.Challenge{
		Type:   frame.TypeChallenge,
		Ref:    c.Ref,
		V:      frame.Version,
		Nonce:  nonce,
		KeySet: keyset,
	})
}

// Prove completes a handshake: it verifies the proof, binds the connection to
// user and device in one transaction, and answers with the welcome.
// Errors: chat.AlreadyBound, chat.NonceExpired, chat.BadProof,
// chat.StaleServerKey, chat.KeyUnacceptable, chat.NameInvalid, chat.NameTaken,
// chat.DeviceUnknown, chat.DeviceRevoked, chat.StaleDeviceKey,
// chat.TooManyDevices.
func (s *Service) Prove(ctx context.Context, c Call, proof string) error {
	digest := sha256.Sum256([]byte(proof))
	hash := base64.RawURLEncoding.EncodeToString(digest[:])
	for range bindAttempts {
		conn, err := s.store.Connection(ctx, c.Connection)
		if errors.Is(err, ErrNotFound) {
			return chat.NonceExpired
		}
		if err != nil {
			return fmt.Errorf("read the connection: %w", err)
		}
		if conn.Bound() {
			if conn.ProofHash != hash {
				return chat.AlreadyBound
			}
			// The same proof again: an invocation delivered twice, or one
			// that died after the transaction. It costs a token as any frame.
			conn, device, err := s.admit(ctx, c)
			if err != nil {
				return err
			}
			return s.welcome(ctx, c, conn, device)
		}
		binding, err := s.verify(ctx, conn, proof)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			var refusal *chat.Error
			if errors.As(err, &refusal) {
				if err := s.store.SpendNonce(ctx, conn.ID, conn.Nonce); err != nil {
					return fmt.Errorf("spend the nonce: %w", err)
				}
			}
			return err
		}
		binding.ProofHash = hash
		err = s.store.Bind(ctx, *binding)
		if errors.Is(err, ErrConflict) {
			continue // read back: one's own thumbprint there means success
		}
		if err != nil {
			return fmt.Errorf("bind the connection: %w", err)
		}
		bound := *conn
		bound.Session, bound.User, bound.Device = binding.Session, binding.User, binding.Device.ID
		bound.BoundNonce = binding.Nonce
		return s.welcome(ctx, c, &bound, &binding.Device)
	}
	return chat.TryAgain
}

// verify checks a proof against what is on record, cheapest first, and says
// what to write. Error: ErrConflict when what it read does not hold any more.
func (s *Service) verify(ctx context.Context, conn *Connection, proof string) (*Binding, error) {
	if conn.Nonce == "" || !s.now().Before(conn.NonceExpires) {
		return nil, chat.NonceExpired
	}
	token, err := envelope.ParseSigned(proof, envelope.TypeHandshake)
	if err != nil {
		return nil, chat.BadProof
	}
	// Nothing in the token counts before its signature is verified, under the
	// key on record for the name that the begin gave.
	user := conn.Claimed
	record, err := s.store.Device(ctx, user, chat.Device(token.KID))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read the device: %w", err)
	}
	key, err := signer(record, token)
	if err != nil {
		return nil, err
	}
	payload, err := token.Verify(key)
	if err != nil {
		return nil, chat.BadProof
	}
	var claims frame.HandshakeClaims
	if err := strict.Unmarshal(payload, &claims); err != nil {
		return nil, chat.BadProof
	}
	if err := claims.Check(); err != nil {
		return nil, err
	}
	if claims.Sub != user || claims.Aud != s.audience {
		return nil, chat.BadProof
	}
	if claims.Nonce != conn.Nonce {
		// Two begins overlapped, or one was delivered twice: the device proved
		// itself to the challenge that lost, which is no fault of its own.
		return nil, chat.NonceExpired
	}
	if record != nil && record.Revoked {
		return nil, chat.DeviceRevoked
	}
	accepted, err := s.keys.Accepts(ctx, claims.SKID)
	if err != nil {
		return nil, fmt.Errorf("check the server key: %w", err)
	}
	if !accepted {
		return nil, chat.StaleServerKey
	}
	enc, err := envelope.ParseEncryptionKey(claims.Enc)
	if err != nil {
		return nil, chat.KeyUnacceptable
	}
	if err := trySeal(enc, envelope.TypeWelcome); err != nil {
		return nil, err
	}
	b := &Binding{
		Connection:  conn.ID,
		ConnectedAt: conn.ConnectedAt,
		Nonce:       conn.Nonce,
		Session:     chat.NewSession(),
		User:        user,
		Device: Device{
			ID:      chat.Device(token.KID),
			User:    user,
			Key:     key.Bytes(),
			Gen:     claims.Gen,
			Enc:     enc.Modulus(),
			AddedAt: s.now(),
		},
	}
	if record == nil {
		return b, s.claim(ctx, b, claims.Link)
	}
	b.Device.AddedAt, b.Device.Spread = record.AddedAt, record.Spread
	b.ReplacesGen = record.Gen
	same := bytes.Equal(record.Enc, b.Device.Enc)
	switch {
	case claims.Gen == record.Gen && same, claims.Gen == record.Gen+1 && !same:
		return b, nil
	case claims.Gen <= record.Gen:
		return nil, chat.StaleDeviceKey
	default:
		return nil, chat.BadProof
	}
}

// signer returns the key a proof must be signed with: the one on record for
// (user, kid), and only for a device not on record the one it brought along.
func signer(record *Device, token *envelope.Signed) (envelope.VerifyKey, error) {
	if record != nil {
		key, err := envelope.VerifyKeyFromBytes(record.Key)
		if err != nil {
			return key, fmt.Errorf("read the device's key: %w", err)
		}
		return key, nil
	}
	if token.JWK.IsZero() {
		return token.JWK, chat.DeviceUnknown
	}
	return token.JWK, nil
}

// claim decides about a device that is not on record: a free name is bound to
// it, a taken one wants a link. A link to a free name has nobody who could have
// signed it, and must not take the name.
func (s *Service) claim(ctx context.Context, b *Binding, link string) error {
	owner, err := s.store.Owner(ctx, b.User)
	switch {
	case errors.Is(err, ErrNotFound) && link == "":
		b.NewUser, b.Device.Spread = true, b.Device.Gen
		return nil
	case errors.Is(err, ErrNotFound):
		return chat.DeviceUnknown
	case err != nil:
		return fmt.Errorf("read the name: %w", err)
	case owner == b.Device.ID:
		return ErrConflict // it was put on record since verify looked
	case link == "":
		return chat.NameTaken
	}
	return s.vouched(ctx, b, link)
}

// welcome makes the connection hear the user's rooms and then reads where they
// stand, in this order: what is appended in between is posted or read. Where a
// rotation has not reached the device's other connections yet, it does now.
func (s *Service) welcome(ctx context.Context, c Call, conn *Connection, device *Device) error {
	if err := s.spread(ctx, device); err != nil {
		return err
	}
	rooms, err := s.roomsOf(ctx, conn.User)
	if err != nil {
		return err
	}
	device, err = s.listen(ctx, conn.ID, conn.ConnectedAt, device, rooms)
	if err != nil {
		return err
	}
	s.prune(ctx, device)
	// The connection may have ended meanwhile, and its $disconnect have found
	// less than stands there now.
	if _, err := s.store.Connection(ctx, conn.ID); errors.Is(err, ErrNotFound) {
		return s.forget(ctx, conn)
	} else if err != nil {
		return fmt.Errorf("read the connection again: %w", err)
	}
	states, err := s.states(ctx, rooms)
	if err != nil {
		return err
	}
	enc, err := envelope.EncryptionKeyFromModulus(device.Enc)
	if err != nil {
		return fmt.Errorf("read the device's encryption key: %w", err)
	}
	token, err := seal(enc, envelope.TypeWelcome, frame.WelcomePlain{
		V:      frame.Version,
		Nonce:  conn.BoundNonce,
		SID:    conn.Session,
		User:   conn.User,
		Device: conn.Device,
		Rooms:  states,
	})
	if err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Welcome{Type: frame.TypeWelcome, Ref: c.Ref, JWE: token})
}

// seal encrypts a plaintext frame to a device.
func seal(to *envelope.EncryptionKey, typ envelope.Type, plain any) (string, error) {
	data, err := strict.Marshal(plain)
	if err != nil {
		return "", fmt.Errorf("encode the plaintext: %w", err)
	}
	token, err := envelope.Seal(to, typ, data)
	if err != nil {
		return "", fmt.Errorf("seal to the device: %w", err)
	}
	return token, nil
}

// trySeal seals to a key once before it goes on record: a key that cannot be
// sealed to never reaches a fan-out (protocol §2).
func trySeal(key *envelope.EncryptionKey, typ envelope.Type) error {
	if _, err := envelope.Seal(key, typ, []byte("{}")); err != nil {
		return chat.KeyUnacceptable
	}
	return nil
}
