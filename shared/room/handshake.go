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

// bindAttempts bounds how often a handshake reads again after a condition
// failed. Each failure means that another handshake has made progress.
const bindAttempts = 4

// Begin answers a handshake's first frame with a challenge. Begin does not
// check whether the name is available; Prove does. Errors: chat.AlreadyBound,
// ErrNoKeySet.
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
// chat.TooManyDevices, chat.RateLimited.
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
			return s.welcomeAgain(ctx, c, conn, hash)
		}
		binding, err := s.verify(ctx, c, conn, proof)
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
		if err := s.payHandshake(ctx, c, binding); err != nil {
			return err
		}
		binding.ProofHash = hash
		err = s.store.Bind(ctx, *binding)
		if errors.Is(err, ErrConflict) {
			continue // another handshake was first, perhaps with this very proof
		}
		if err != nil {
			return fmt.Errorf("bind the connection: %w", err)
		}
		bound := *conn
		bound.Session, bound.User, bound.Device = binding.Session, binding.User, binding.Device.ID
		bound.BoundNonce = binding.Nonce
		bound.ToService, bound.ToClient = binding.ToService, binding.ToClient
		return s.welcome(ctx, c, &bound, &binding.Device)
	}
	return chat.TryAgain
}

// payHandshake lets a device pay for what its binding and the welcome write,
// and an address for a new name. Error: chat.RateLimited; the challenge stays
// open.
func (s *Service) payHandshake(ctx context.Context, c Call, b *Binding) error {
	if b.NewUser {
		if err := s.chargeRegistration(ctx, c.Network); err != nil {
			return err
		}
		return s.chargeNewName(ctx, b.User)
	}
	rooms, err := s.roomsOf(ctx, b.User)
	if err != nil {
		return err
	}
	rows := len(rooms)
	if b.LinkedBy == "" && b.ReplacesGen != b.Device.Gen { // the other connections get the key, too
		others, err := s.rowsOf(ctx, b.User, b.Device.ID)
		if err != nil {
			return err
		}
		rows += others
	}
	return s.chargeHandshake(ctx, b.User, b.Device.ID, rows)
}

// welcomeAgain answers a proof on a bound connection. It is the proof that
// bound it if the event was delivered twice or an invocation died after the
// transaction. The repeat spends a token of the device's rate, and writes
// nothing else if the first welcome got far enough. It has no MAC: only who has
// the proof can send it, and only the device can read the welcome.
func (s *Service) welcomeAgain(ctx context.Context, c Call, conn *Connection, proofHash string) error {
	if conn.ProofHash != proofHash {
		return chat.AlreadyBound
	}
	c.under(conn.ToClient, conn.place())
	conn, device, err := s.admitSession(ctx, conn)
	if err != nil {
		return err
	}
	if !conn.Welcomed {
		return s.welcome(ctx, c, conn, device)
	}
	rooms, err := s.roomsOf(ctx, conn.User)
	if err != nil {
		return err
	}
	return s.answerWelcome(ctx, c, conn, device, rooms)
}

// verify checks a proof, the cheapest checks first, and returns the binding to
// write. Error: ErrConflict if the rows that it read have changed.
func (s *Service) verify(ctx context.Context, c Call, conn *Connection, proof string) (*Binding, error) {
	if conn.Nonce == "" || !s.now().Before(conn.NonceExpires) {
		return nil, chat.NonceExpired
	}
	token, err := envelope.ParseSigned(proof, envelope.TypeHandshake)
	if err != nil {
		return nil, chat.BadProof
	}
	// The name is the one from the begin. Nothing in the token counts before
	// its signature is verified.
	user, device := conn.Claimed, chat.Device(token.KID)
	record, err := s.store.Device(ctx, user, device)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read the device: %w", err)
	}
	key, err := signer(record, token)
	if err != nil {
		return nil, err
	}
	claims, err := s.proofClaims(conn, token, key)
	if err != nil {
		return nil, err
	}
	b := &Binding{
		Connection:  conn.ID,
		ConnectedAt: conn.ConnectedAt,
		Nonce:       conn.Nonce,
		Session:     chat.NewSession(),
		User:        user,
		Device: Device{
			ID:      device,
			User:    user,
			Key:     key.Bytes(),
			Gen:     claims.Gen,
			AddedAt: s.now(),
		},
	}
	// The proof holds, so every refusal from here on is authenticated. Only now
	// is its secret opened, which takes an RSA operation.
	if err := s.openSession(ctx, c, b, claims.SK, proof); err != nil {
		return nil, err
	}
	if record != nil && record.Revoked {
		return nil, chat.DeviceRevoked
	}
	enc, err := s.checkKeys(ctx, claims)
	if err != nil {
		return nil, err
	}
	b.Device.Enc = enc.Modulus()
	if record == nil {
		return b, s.bindNewDevice(ctx, b, claims.Link)
	}
	return b, bindKnownDevice(b, record)
}

// signer returns the key that must have signed a proof: the one on record for
// the device or, if there is none, the key within the proof.
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

// proofClaims verifies a proof's signature and returns its claims, which are
// those of this deployment, this name and the open challenge.
func (s *Service) proofClaims(conn *Connection, token *envelope.Signed,
	key envelope.VerifyKey) (*frame.HandshakeClaims, error) {
	payload, err := token.Verify(key)
	if err != nil {
		return nil, chat.BadProof
	}
	var claims frame.HandshakeClaims
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return nil, chat.BadProof
	}
	if err := claims.Check(); err != nil {
		return nil, err
	}
	if claims.Sub != conn.Claimed || claims.Aud != s.audience {
		return nil, chat.BadProof
	}
	if claims.Nonce != conn.Nonce {
		// Two begins overlapped, or one was delivered twice: the device has
		// answered the challenge that was replaced, which is not its fault.
		return nil, chat.NonceExpired
	}
	return &claims, nil
}

// checkKeys checks the server key that a proof names, and returns the device's
// encryption key. Errors: chat.StaleServerKey, chat.KeyUnacceptable.
func (s *Service) checkKeys(ctx context.Context, claims *frame.HandshakeClaims) (*envelope.EncryptionKey, error) {
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
	return enc, trySeal(enc, envelope.TypeWelcome)
}

// bindKnownDevice completes the binding of a device that is on record: its
// proof has the encryption key on record, or the next one under the next
// generation. Errors: chat.StaleDeviceKey, chat.BadProof.
func bindKnownDevice(b *Binding, record *Device) error {
	b.Device.AddedAt, b.Device.Propagated = record.AddedAt, record.Propagated
	b.ReplacesGen = record.Gen
	same := bytes.Equal(record.Enc, b.Device.Enc)
	switch gen := b.Device.Gen; {
	case gen == record.Gen && same, gen == record.Gen+1 && !same:
		return nil
	case gen <= record.Gen:
		return chat.StaleDeviceKey
	default:
		return chat.BadProof
	}
}

// bindNewDevice completes the binding of a device that is not on record: it
// gets a name that is free, and needs a link for one that is taken. A link to a
// free name is refused, since no device of that name can have signed it.
// Errors: chat.NameTaken, and those of verifyLink; ErrConflict.
func (s *Service) bindNewDevice(ctx context.Context, b *Binding, link string) error {
	owner, err := s.store.Owner(ctx, b.User)
	switch {
	case errors.Is(err, ErrNotFound) && link == "":
		b.NewUser, b.Device.Propagated = true, b.Device.Gen
		return nil
	case errors.Is(err, ErrNotFound):
		return chat.DeviceUnknown
	case err != nil:
		return fmt.Errorf("read the name: %w", err)
	case owner == b.Device.ID:
		return ErrConflict // the device was recorded after verify had read it
	case link == "":
		return chat.NameTaken
	}
	return s.verifyLink(ctx, b, link)
}

// welcome subscribes the connection to the user's rooms and then reads their
// states, in this order: a message that is appended in between is posted or
// part of a state. It also completes a rotation whose key has not reached the
// device's other connections.
func (s *Service) welcome(ctx context.Context, c Call, conn *Connection, device *Device) error {
	if err := s.propagateKey(ctx, device); err != nil {
		return err
	}
	rooms, err := s.roomsOf(ctx, conn.User)
	if err != nil {
		return err
	}
	device, err = s.subscribeConnection(ctx, UserConnection{
		ID:          conn.ID,
		Device:      conn.Device,
		ConnectedAt: conn.ConnectedAt,
		ToClient:    conn.ToClient,
	}, device, rooms)
	if err != nil {
		return err
	}
	s.prune(ctx, device.User)
	// The connection may have ended meanwhile, before its $disconnect could see
	// the listeners.
	if err := s.store.MarkWelcomed(ctx, conn.ID, conn.Session); errors.Is(err, ErrConflict) {
		return s.removeConnection(ctx, conn)
	} else if err != nil {
		return fmt.Errorf("mark the connection as welcomed: %w", err)
	}
	return s.answerWelcome(ctx, c, conn, device, rooms)
}

// answerWelcome answers a proof with the session and the states of the rooms.
func (s *Service) answerWelcome(ctx context.Context, c Call, conn *Connection, device *Device,
	rooms []chat.Room) error {
	states, err := s.states(ctx, rooms, conn.User)
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
		At:     s.now().UnixMilli(),
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

// trySeal seals to a key once before it is recorded, so that no delivery meets
// a key that it cannot seal to (protocol §2). Error: chat.KeyUnacceptable.
func trySeal(key *envelope.EncryptionKey, typ envelope.Type) error {
	if _, err := envelope.Seal(key, typ, []byte("{}")); err != nil {
		return chat.KeyUnacceptable
	}
	return nil
}
