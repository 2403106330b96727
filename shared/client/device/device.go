// Package device does what a user's device computes in protocol v1: it proves
// who it is, seals texts to the service, opens what the service seals to it,
// and holds both the service and other devices to the keys it saw first.
//
// It touches the profile and nothing else: what it makes and takes are the
// tokens and frames themselves, so the chat client sends them over a connection
// and `sotto frame` prints them. Whoever carries frames some other way can use
// it too. It never returns or logs a private key, and no error of it quotes a
// plaintext.
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

// ErrProtocol says that the service sent what protocol v1 does not allow.
var ErrProtocol = errors.New("the service broke the protocol")

// errKeyUnknown says that a token is sealed to a key this device does not have.
var errKeyUnknown = errors.New("sealed to a key that this device does not have")

// Device acts for one user at one deployment. Safe for concurrent use.
type Device struct {
	user *profile.User

	mu    sync.Mutex
	keys  profile.Device
	known profile.Known
}

// Load reads the user's device from its profile and makes it at first use,
// which takes a tenth of a second to seconds.
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
	// One's own first device is known from the start, so that a second one
	// appears as new.
	if _, err := d.learn(user.Name(), keys.ID()); err != nil {
		return nil, err
	}
	return d, nil
}

// User is the user the device belongs to.
func (d *Device) User() chat.User { return d.user.Name() }

// ID is the device's name.
func (d *Device) ID() chat.Device { return d.snapshot().ID() }

// Gen is the generation of the newest encryption key that the service
// confirmed.
func (d *Device) Gen() int64 { return d.snapshot().Current.Gen }

// NewestGen is the generation of the key that the next handshake offers.
func (d *Device) NewestGen() int64 { return d.snapshot().Newest().Gen }

// EncryptionKey is the thumbprint of the newest confirmed encryption key.
func (d *Device) EncryptionKey() string { return d.snapshot().Current.Private.Thumbprint() }

func (d *Device) snapshot() profile.Device {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keys
}

// Reload reads the keys again: another process may have rotated them.
func (d *Device) Reload() error { return d.update(d.user.Device) }

// update runs an operation of the profile and keeps the keys it returns.
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
// returns the thumbprint of the key that did it.
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

// confirm notes that the service sealed to the key named kid, so it has it.
func (d *Device) confirm(kid string) error {
	keys := d.snapshot()
	if keys.Next == nil || keys.Next.Private.Thumbprint() != kid {
		return nil
	}
	return d.update(func() (profile.Device, error) { return d.user.ConfirmKey(keys.Next.Gen) })
}

// sign signs claims of this device.
func (d *Device) sign(typ envelope.Type, claims any) (string, error) {
	data, err := strict.Marshal(claims)
	if err != nil {
		return "", err
	}
	key := d.snapshot().Signing
	if typ == envelope.TypeHandshake {
		// With the key in it, since the device may be new to the service.
		return envelope.SignWithJWK(key, typ, data)
	}
	return envelope.Sign(key, typ, data)
}

// Prove answers a challenge: the `proof` of a handshake. It offers the newest
// encryption key, which takes up a rotation that was cut off. link, if there is
// one, is what another device of the user has signed by Link.
func (d *Device) Prove(nonce string, keys *KeySet, link string) (string, error) {
	if !frame.IsNonce(nonce) {
		return "", fmt.Errorf("%w: the challenge's nonce has not its form", ErrProtocol)
	}
	newest := d.snapshot().Newest()
	return d.sign(envelope.TypeHandshake, frame.HandshakeClaims{
		V:     frame.Version,
		Sub:   d.User(),
		Aud:   keys.Audience,
		Nonce: nonce,
		SKID:  keys.Newest.Thumbprint(),
		Enc:   newest.Private.Public().JWK(),
		Gen:   newest.Gen,
		Link:  link,
	})
}

// OpenWelcome opens the answer to a proof made for nonce.
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

// NewMessageID chooses the idempotency key of a new message.
func NewMessageID() chat.MessageID { return chat.MessageID(ulid.Make().String()) }

// SealMessage makes the `jwe` of a sendMessage frame for one session. Error:
// chat.FrameTooLarge for a text that no frame can carry.
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
		// Its bound is that of a frame, and nothing else can be wrong here.
		return "", chat.FrameTooLarge
	}
	if err != nil {
		return "", err
	}
	return envelope.Seal(keys.Newest, envelope.TypeSend, []byte(token))
}

// PrepareRotation keeps a next encryption key in the profile and returns its
// generation; the one already prepared, if a rotation was cut off.
func (d *Device) PrepareRotation() (int64, error) {
	if err := d.update(d.user.PrepareKey); err != nil {
		return 0, err
	}
	return d.NewestGen(), nil
}

// ProveRotation makes the `proof` of a rotateKey frame for the newest key. The
// same key may be announced again: the service answers again.
func (d *Device) ProveRotation(sid chat.Session) (string, error) {
	newest := d.snapshot().Newest()
	return d.sign(envelope.TypeRotate, frame.RotateClaims{
		SID: sid,
		Enc: newest.Private.Public().JWK(),
		Gen: newest.Gen,
	})
}

// OpenRotated opens the answer to a rotation, after which the new key is the
// current one.
func (d *Device) OpenRotated(f frame.Rotated, sid chat.Session) (*frame.RotatedPlain, error) {
	var r frame.RotatedPlain
	kid, err := d.open(f.JWE, envelope.TypeRotated, &r)
	if err != nil {
		return nil, fmt.Errorf("open the rotation's answer: %w", err)
	}
	if r.Gen != f.Gen || r.SID != sid {
		return nil, fmt.Errorf("%w: the answer is to another rotation", ErrProtocol)
	}
	if newest := d.snapshot().Newest(); r.Gen == newest.Gen && kid != newest.Private.Thumbprint() {
		return nil, fmt.Errorf("%w: the rotation's answer is sealed to an older key", ErrProtocol)
	}
	return &r, d.confirm(kid)
}
