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
)

// KeySet is a key set that was verified against the profile.
type KeySet struct {
	Audience string
	Gen      int64
	Newest   *envelope.EncryptionKey // messages are sealed to it
	Token    string                  // as received
}

// AcceptKeySet verifies a key set (protocol §3). It pins the signer and the
// audience at the first use of the deployment, and stores the highest
// generation. Errors: ErrSigner, ErrOlder, ErrExpired, ErrAudience,
// ErrProtocol.
func (d *Device) AcceptKeySet(token string) (*KeySet, error) {
	return accept(d.user.Deployment(), token)
}

func accept(deployment *profile.Deployment, token string) (*KeySet, error) {
	claims, signer, err := verifyKeySet(token)
	if err != nil {
		return nil, fmt.Errorf("%w: its key set: %w", ErrProtocol, err)
	}
	if len(claims.Keys) == 0 || claims.Gen < 1 || claims.Aud == "" {
		return nil, fmt.Errorf("%w: its key set has no keys, generation or audience", ErrProtocol)
	}
	newest, err := envelope.ParseEncryptionKey(claims.Keys[0])
	if err != nil {
		return nil, fmt.Errorf("%w: its key set: %w", ErrProtocol, err)
	}
	address := deployment.Address()
	err = deployment.UpdateTrust(func(t profile.Trust) (profile.Trust, error) {
		switch {
		case t.ServiceKey != "" && t.ServiceKey != signer:
			return t, fmt.Errorf("the key set of %s is %w (%s) than the one pinned at first use (%s)",
				address, ErrSigner, signer, t.ServiceKey)
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
	return &KeySet{Audience: claims.Aud, Gen: claims.Gen, Newest: newest, Token: token}, nil
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

// verifyKeySet verifies the set with the service key in its header and returns
// the key's thumbprint. The caller checks that it is the pinned one.
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
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return nil, "", err
	}
	return &claims, signed.KID, nil
}
