// Package device implements what a user's device computes in protocol v2: it
// proves its identity, seals texts to the service, opens what the service seals
// to it, and pins the keys of the service and of other devices at first use.
//
// It uses the profile and no connection: its inputs and outputs are tokens and
// frames, which the chat client sends over a WebSocket and `sotto frame`
// prints. It never returns or logs a private key, and none of its errors quotes
// a plaintext.
package device

import (
	"errors"
	"fmt"
	"sync"

	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// ErrProtocol means that the service sent something that protocol v2 does not
// allow.
var ErrProtocol = errors.New("the service broke the protocol")

// errKeyUnknown means that a token is sealed to a key that this device does not
// have.
var errKeyUnknown = errors.New("sealed to a key that this device does not have")

// Device acts for one user at one deployment. It is safe for concurrent use.
type Device struct {
	user *profile.User

	mu    sync.Mutex
	keys  profile.Device
	known profile.Known
}

// Load reads the user's device from its profile. At first use it creates the
// device, which takes from a tenth of a second to some seconds.
func Load(user *profile.User) (*Device, error) {
	keys, err := user.Device()
	if err != nil {
		return nil, err
	}
	known, err := user.Known()
	if err != nil {
		return nil, err
	}
	d := &Device{user: user, keys: keys, known: known}
	// The user's own first device is known from the start, so that a second one
	// is reported as new.
	if _, err := d.pin(user.Name(), keys.ID()); err != nil {
		return nil, err
	}
	return d, nil
}

// User returns the user that the device belongs to.
func (d *Device) User() chat.User { return d.user.Name() }

// ID returns the device's id, the thumbprint of its signing key.
func (d *Device) ID() chat.Device { return d.snapshot().ID() }

// Gen returns the generation of the newest encryption key that the service has
// confirmed.
func (d *Device) Gen() int64 { return d.snapshot().Current.Gen }

// NewestGen returns the generation of the key that the next handshake offers.
func (d *Device) NewestGen() int64 { return d.snapshot().Newest().Gen }

// EncryptionKey returns the thumbprint of the newest confirmed encryption key.
func (d *Device) EncryptionKey() string { return d.snapshot().Current.Private.Thumbprint() }

func (d *Device) snapshot() profile.Device {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keys
}

// Reload reads the keys again, because another process may have rotated them.
func (d *Device) Reload() error { return d.update(d.user.Device) }

// update runs a profile operation and stores the keys that it returns.
func (d *Device) update(operation func() (profile.Device, error)) error {
	keys, err := operation()
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.keys = keys
	d.mu.Unlock()
	return nil
}

// open opens a token sealed to this device and decodes its plaintext into v. It
// returns the thumbprint of the key that opened it.
func (d *Device) open(token string, typ envelope.Type, v any) (kid string, err error) {
	sealed, err := envelope.ParseSealed(token, typ)
	if err != nil {
		return "", err
	}
	key := d.snapshot().Find(sealed.KID)
	if key == nil {
		if err := d.Reload(); err != nil {
			return "", err
		}
		if key = d.snapshot().Find(sealed.KID); key == nil {
			return "", errKeyUnknown
		}
	}
	plaintext, err := sealed.Open(key)
	if err != nil {
		return "", err
	}
	if err := strict.Unmarshal(plaintext, v); err != nil {
		return "", fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return sealed.KID, nil
}

// confirm records that the service has the key named kid, because it sealed to
// it.
func (d *Device) confirm(kid string) error {
	keys := d.snapshot()
	if keys.Next == nil || keys.Next.Private.Thumbprint() != kid {
		return nil
	}
	return d.update(func() (profile.Device, error) { return d.user.ConfirmKey(keys.Next.Gen) })
}

// sign signs claims with the device's signing key.
func (d *Device) sign(typ envelope.Type, claims any) (string, error) {
	data, err := strict.Marshal(claims)
	if err != nil {
		return "", err
	}
	key := d.snapshot().Signing
	if typ == envelope.TypeHandshake {
		// Include the key, because the device may be new to the service.
		return envelope.SignWithJWK(key, typ, data)
	}
	return envelope.Sign(key, typ, data)
}

// Prove returns the `proof` of a handshake, the answer to a challenge. It
// offers the newest encryption key, which completes an interrupted rotation.
// link is empty or a token that another device of the user has signed with
// Link. The session's keys are only the service's and the caller's, since the
// proof carries them sealed to the service.
func (d *Device) Prove(nonce string, keys *KeySet, link string) (string, *Session, error) {
	if !frame.IsNonce(nonce) {
		return "", nil, fmt.Errorf("%w: the challenge's nonce is malformed", ErrProtocol)
	}
	secret, sk, err := newSession(keys)
	if err != nil {
		return "", nil, err
	}
	newest := d.snapshot().Newest()
	proof, err := d.sign(envelope.TypeHandshake, frame.HandshakeClaims{
		V:     frame.Version,
		Sub:   d.User(),
		Aud:   keys.Audience,
		Nonce: nonce,
		SKID:  keys.Newest.Thumbprint(),
		Enc:   newest.Private.Public().JWK(),
		Gen:   newest.Gen,
		SK:    sk,
		Link:  link,
	})
	if err != nil {
		return "", nil, err
	}
	session, err := deriveSession(secret, nonce, proof)
	return proof, session, err
}

// OpenWelcome opens the answer to the proof for nonce.
func (d *Device) OpenWelcome(f frame.Welcome, nonce string) (*frame.WelcomePlain, error) {
	var w frame.WelcomePlain
	kid, err := d.open(f.JWE, envelope.TypeWelcome, &w)
	if err != nil {
		return nil, fmt.Errorf("open the welcome: %w", err)
	}
	if w.V != frame.Version || w.Nonce != nonce || w.User != d.User() || w.Device != d.ID() || w.SID == "" {
		return nil, fmt.Errorf("%w: the welcome is for another handshake", ErrProtocol)
	}
	return &w, d.confirm(kid)
}

// NewMessageID returns the idempotency key of a new message.
func NewMessageID() chat.MessageID { return chat.MessageID(ulid.Make().String()) }

// SealMessage returns the `jwe` of a sendMessage frame for one session. Error:
// chat.FrameTooLarge if the text does not fit into a frame.
func (d *Device) SealMessage(sid chat.Session, keys *KeySet, room chat.Room, id chat.MessageID,
	body string) (string, error) {
	token, err := d.sign(envelope.TypeMessage, frame.MessageClaims{
		V:    frame.Version,
		SID:  sid,
		Sub:  d.User(),
		SKID: keys.Newest.Thumbprint(),
		Room: room,
		ID:   id,
		Body: body,
	})
	if errors.Is(err, envelope.ErrSignature) {
		// Only the size limit of a token can fail here.
		return "", chat.FrameTooLarge
	}
	if err != nil {
		return "", err
	}
	return envelope.Seal(keys.Newest, envelope.TypeSend, []byte(token))
}

// SealOperation returns the `jwe` of a sendMessage frame with an operation on a
// closed room. It sets the claims that name the session.
func (d *Device) SealOperation(sid chat.Session, keys *KeySet, op frame.RoomClaims) (string, error) {
	op.V, op.SID, op.Sub, op.SKID = frame.Version, sid, d.User(), keys.Newest.Thumbprint()
	token, err := d.sign(envelope.TypeRoom, op)
	if err != nil {
		return "", err
	}
	return envelope.Seal(keys.Newest, envelope.TypeSend, []byte(token))
}

// OpenRooms opens the answer to rooms.
func (d *Device) OpenRooms(f frame.Rooms) (*frame.RoomsPlain, error) {
	var r frame.RoomsPlain
	if _, err := d.open(f.JWE, envelope.TypeRooms, &r); err != nil {
		return nil, fmt.Errorf("open the list of rooms: %w", err)
	}
	return &r, nil
}

// PrepareRotation stores the next encryption key in the profile and returns its
// generation. If an interrupted rotation has prepared one, it keeps that.
func (d *Device) PrepareRotation() (int64, error) {
	if err := d.update(d.user.PrepareKey); err != nil {
		return 0, err
	}
	return d.NewestGen(), nil
}

// ProveRotation returns the `proof` of a rotateKey frame for the newest key.
// The same key may be sent again: the service answers again.
func (d *Device) ProveRotation(sid chat.Session) (string, error) {
	newest := d.snapshot().Newest()
	return d.sign(envelope.TypeRotate, frame.RotateClaims{
		SID: sid,
		Enc: newest.Private.Public().JWK(),
		Gen: newest.Gen,
	})
}

// OpenRotated opens the answer to a rotation and makes the new key the current
// one.
func (d *Device) OpenRotated(f frame.Rotated, sid chat.Session) (*frame.RotatedPlain, error) {
	var r frame.RotatedPlain
	kid, err := d.open(f.JWE, envelope.TypeRotated, &r)
	if err != nil {
		return nil, fmt.Errorf("open the answer to the rotation: %w", err)
	}
	if r.Gen != f.Gen || r.SID != sid {
		return nil, fmt.Errorf("%w: the answer is for another rotation", ErrProtocol)
	}
	if newest := d.snapshot().Newest(); r.Gen == newest.Gen && kid != newest.Private.Thumbprint() {
		return nil, fmt.Errorf("%w: the answer to the rotation is sealed to an older key", ErrProtocol)
	}
	return &r, d.confirm(kid)
}
