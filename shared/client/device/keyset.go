package device

import (
	"errors"
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// The reasons why a key set is refused. After ErrSigner and ErrOlder the user
// decides: profile.Deployment has Forget and UpdateTrust.
var (
	ErrSigner   = errors.New("signed by a different service key")
	ErrOlder    = errors.New("older than one seen before")
	ErrExpired  = errors.New("expired")
	ErrAudience = errors.New("made for another deployment")
	ErrVersion  = errors.New("for another version of the protocol")
)

// KeySet is a key set that was verified against the profile.
type KeySet struct {
	Audience string
	Gen      int64
	Newest   *envelope.EncryptionKey // messages are sealed to it
	Session  *envelope.EncryptionKey // the secrets of sessions are sealed to it
	Token    string                  // as received
}

// AcceptKeySet verifies a key set (protocol §3). It pins the signer and the
// audience at the first use of the deployment, and stores the highest
// generation. Errors: ErrSigner, ErrOlder, ErrExpired, ErrAudience, ErrVersion,
// ErrProtocol.
func (d *Device) AcceptKeySet(token string) (*KeySet, error) {
	return accept(d.user.Deployment(), token)
}

func accept(deployment *profile.Deployment, token string) (*KeySet, error) {
	claims, signer, err := verifyKeySet(token)
	if err != nil {
		return nil, fmt.Errorf("%w: its key set: %w", ErrProtocol, err)
	}
	keys := &KeySet{Audience: claims.Aud, Gen: claims.Gen, Token: token}
	if claims.V == frame.Version {
		if err := keys.parse(claims); err != nil {
			return nil, err
		}
	}
	address := deployment.Address()
	err = deployment.UpdateTrust(func(t profile.Trust) (profile.Trust, error) {
		switch {
		case t.ServiceKey != "" && t.ServiceKey != signer:
			return t, fmt.Errorf("the key set of %s is %w (%s) than the one pinned at first use (%s)",
				address, ErrSigner, signer, t.ServiceKey)
		case claims.V != frame.Version:
			return t, versionError(claims.V)
		case t.Audience != "" && t.Audience != claims.Aud, t.Audience == "" && !audienceAllowed(address, claims.Aud):
			return t, fmt.Errorf("the key set of %s is %w (%s); check the address", address, ErrAudience, claims.Aud)
		case claims.Gen < t.Gen:
			return t, fmt.Errorf("the key set of %s is %w (generation %d after %d)",
				address, ErrOlder, claims.Gen, t.Gen)
		case !time.Unix(claims.Exp, 0).After(time.Now()):
			return t, fmt.Errorf("the key set of %s is %w (since %s); check the clock of this computer, or tell the operator",
				address, ErrExpired, time.Unix(claims.Exp, 0).UTC().Format(time.DateTime))
		}
		return profile.Trust{Audience: claims.Aud, ServiceKey: signer, Gen: claims.Gen}, nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// versionError returns the error for a service that speaks version v of the
// protocol; a key set of version 1 names none. It wraps ErrVersion.
func versionError(v int) error {
	update := "update this client"
	if v = max(v, 1); v < frame.Version {
		update = "ask the operator to update the service"
	}
	return fmt.Errorf("the service's key set is %w (%d; this client speaks %d); %s", ErrVersion, v, frame.Version, update)
}

// TrustServiceKey pins a deployment's service key, by its thumbprint, before
// the first use. Error: ErrSigner if a different key is pinned.
func TrustServiceKey(deployment *profile.Deployment, thumbprint string) error {
	if !chat.IsThumbprint(thumbprint) {
		return fmt.Errorf("%q is not a thumbprint of a service key", thumbprint)
	}
	return deployment.UpdateTrust(func(t profile.Trust) (profile.Trust, error) {
		if t.ServiceKey != "" && t.ServiceKey != thumbprint {
			return t, fmt.Errorf("the key sets of %s are %w (%s); if the pinned key is wrong, remove %s",
				deployment.Address(), ErrSigner, t.ServiceKey, deployment.Folder())
		}
		t.ServiceKey = thumbprint
		return t, nil
	})
}

// audienceAllowed reports whether a service at address may have the audience
// aud. On a loopback address any audience is allowed: no attacker answers
// there, and the end of a tunnel differs from the service's own address.
func audienceAllowed(address, aud string) bool { return aud == address || IsLoopback(address) }

// parse parses the keys of a set of this version.
func (k *KeySet) parse(claims *frame.KeySetClaims) (err error) {
	if len(claims.Keys) == 0 || claims.Gen < 1 || claims.Aud == "" {
		return fmt.Errorf("%w: its key set has no keys, generation or audience", ErrProtocol)
	}
	if k.Newest, err = envelope.ParseEncryptionKey(claims.Keys[0]); err != nil {
		return fmt.Errorf("%w: its key set: %w", ErrProtocol, err)
	}
	if k.Session, err = envelope.ParseEncryptionKey(claims.Session); err != nil {
		return fmt.Errorf("%w: its key set: %w", ErrProtocol, err)
	}
	return nil
}

// verifyKeySet verifies the set with the service key in its header and returns
// the key's thumbprint. The caller checks that it is the pinned one. Of a set
// of another version of the protocol only the version is read.
func verifyKeySet(token string) (*frame.KeySetClaims, string, error) {
	signed, err := envelope.ParseSigned(token, envelope.TypeKeys)
	if err != nil {
		return nil, "", err
	}
	if signed.JWK.IsZero() {
		return nil, "", errors.New("the header has no jwk")
	}
	payload, err := signed.Verify(signed.JWK)
	if err != nil {
		return nil, "", err
	}
	var claims frame.KeySetClaims
	var head struct {
		V int `json:"v"`
	}
	if err := strict.Unmarshal(payload, &head); err == nil && head.V != frame.Version {
		return &frame.KeySetClaims{V: head.V}, signed.KID, nil
	}
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return nil, "", err
	}
	return &claims, signed.KID, nil
}
