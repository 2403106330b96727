package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
)

// OpenSend opens a token of TypeSend and returns its plaintext and the kid of
// the server key it was sealed to, which the plaintext must repeat as skid.
// Errors: envelope.ErrEnvelope; ErrStaleKey if the kid names no key that is
// published, active or decrypt-only. For an unknown kid the instance reads the
// keys again: whenever the key set has changed, otherwise at most once in ten
// seconds.
func (k *Keyring) OpenSend(ctx context.Context, token string) (plaintext []byte, skid string, err error) {
	sealed, err := envelope.ParseSealed(token, envelope.TypeSend)
	if err != nil {
		return nil, "", err
	}
	key, err := k.accepted(ctx, sealed.KID)
	if err != nil {
		return nil, "", err
	}
	private, err := k.unwrapServer(ctx, key)
	if err != nil {
		return nil, "", err
	}
	if plaintext, err = sealed.Open(private); err != nil {
		return nil, "", err
	}
	return plaintext, sealed.KID, nil
}

// AcceptsServerKey reports whether kid names a server key that OpenSend would
// use.
func (k *Keyring) AcceptsServerKey(ctx context.Context, kid string) (bool, error) {
	_, err := k.accepted(ctx, kid)
	if errors.Is(err, ErrStaleKey) {
		return false, nil
	}
	return err == nil, err
}

func (k *Keyring) accepted(ctx context.Context, kid string) (*serverKey, error) {
	return k.find(ctx, kid, k.options.DecryptOnlyFor, func(s *snapshot) *serverKey { return s.byKID[kid] })
}

// find finds a key by its thumbprint. A retired one is accepted for the given
// time.
func (k *Keyring) find(ctx context.Context, kid string, retired time.Duration,
	in func(*snapshot) *serverKey) (*serverKey, error) {
	s, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	if in(s) == nil {
		if k.mayReadForUnknown() {
			s, err = k.reload(ctx, s)
		} else {
			// The limit is against invented kids. A rotation changes the
			// generation, which costs one small read.
			s, err = k.latest(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	key := in(s)
	if key == nil || !s.accepts(key, k.now(), retired) {
		return nil, ErrStaleKey
	}
	return key, nil
}

// mayReadForUnknown allows one read per unknownKeyInterval.
func (k *Keyring) mayReadForUnknown() bool {
	k.unknown.Lock()
	defer k.unknown.Unlock()
	now := k.now()
	if !k.unknown.last.IsZero() && now.Sub(k.unknown.last) < unknownKeyInterval {
		return false
	}
	k.unknown.last = now
	return true
}

// unwrapServer returns a server key's private half, from memory after the first
// time.
func (k *Keyring) unwrapServer(ctx context.Context, key *serverKey) (*envelope.DecryptionKey, error) {
	private, err := k.unwrapPair(ctx, key, k.serverKeys, purposeServer)
	if err != nil {
		return nil, fmt.Errorf("unwrap server key %d: %w", key.number, err)
	}
	return private, nil
}

// unwrapPair does the same for a pair of any purpose.
func (k *Keyring) unwrapPair(ctx context.Context, key *serverKey, in secrets[envelope.DecryptionKey],
	purpose string) (*envelope.DecryptionKey, error) {
	kid := key.public.Thumbprint()
	return in.get(ctx, kid, func() (*envelope.DecryptionKey, error) {
		der, err := k.kms.Decrypt(ctx, key.wrapped, k.context(purpose))
		if err != nil {
			return nil, err
		}
		defer clear(der)
		private, err := envelope.ParseDecryptionKey(der)
		if err != nil {
			return nil, err
		}
		if private.Thumbprint() != kid {
			return nil, errors.New("its private half is another key's")
		}
		return private, nil
	})
}

// unwrapService does the same for the identity's private half.
func (k *Keyring) unwrapService(ctx context.Context, service *wrappedService) (*envelope.SigningKey, error) {
	return k.service.get(ctx, service.public.Thumbprint(), func() (*envelope.SigningKey, error) {
		seed, err := k.kms.Decrypt(ctx, service.wrapped, k.context(purposeService))
		if err != nil {
			return nil, fmt.Errorf("unwrap service key: %w", err)
		}
		defer clear(seed)
		private, err := envelope.SigningKeyFromSeed(seed)
		if err != nil {
			return nil, fmt.Errorf("unwrap service key: %w", err)
		}
		if private.Public() != service.public {
			return nil, errors.New("service key: its private half is another key's")
		}
		return private, nil
	})
}
