package device

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/envelope"
)

// ErrUnproven means that a frame was not authenticated by the service: it is
// one of API Gateway, one from before the session, or forged.
var ErrUnproven = errors.New("the service has not proved that this answer is its own")

// Session has the keys under which the frames of one session are authenticated
// in both directions (protocol §4). It is safe for concurrent use.
type Session struct{ toService, toClient *envelope.MACKey }

// newSession makes the secret of a session and seals it to the service.
func newSession(keys *KeySet) (secret []byte, sk string, err error) {
	secret = make([]byte, envelope.SecretSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	sk, err = envelope.Seal(keys.Session, envelope.TypeSession, secret)
	return secret, sk, err
}

// deriveSession derives the keys of the session that begins with a proof.
func deriveSession(secret []byte, nonce, proof string) (*Session, error) {
	salt, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil {
		return nil, fmt.Errorf("%w: the challenge's nonce is malformed", ErrProtocol)
	}
	toService, toClient, err := envelope.DeriveMACKeys(secret, salt, proof)
	if err != nil {
		return nil, err
	}
	return &Session{toService: toService, toClient: toClient}, nil
}

// RestoreSession restores a session from the keys that Keys returned.
func RestoreSession(k profile.SessionKeys) (*Session, error) {
	toService, err := envelope.MACKeyFromBytes(k.ToService[:])
	if err != nil {
		return nil, err
	}
	toClient, err := envelope.MACKeyFromBytes(k.ToClient[:])
	if err != nil {
		return nil, err
	}
	return &Session{toService: toService, toClient: toClient}, nil
}

// Keys returns the session's keys, for the profile.
func (s *Session) Keys() profile.SessionKeys {
	return profile.SessionKeys{ToService: [32]byte(s.toService.Bytes()), ToClient: [32]byte(s.toClient.Bytes())}
}

// Authenticate adds the MAC to a frame for the service.
func (s *Session) Authenticate(frame []byte) ([]byte, error) { return s.toService.Authenticate(frame) }

// Verify checks that a frame is one of the service in this session. Error:
// ErrUnproven.
func (s *Session) Verify(frame []byte) error {
	if s.toClient.Verify(frame) != nil {
		return ErrUnproven
	}
	return nil
}
