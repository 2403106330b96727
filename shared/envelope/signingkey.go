package envelope

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
)

// SeedSize is the length of a signing key's seed in bytes (RFC 8032 §5.1.5).
const SeedSize = ed25519.SeedSize

// SigningKey is an Ed25519 private key: the identity of a device or of the
// service. Every format verb prints only its thumbprint. The zero value is not
// usable. It is safe for concurrent use.
type SigningKey struct {
	private ed25519.PrivateKey
	public  VerifyKey
	kid     string
}

// GenerateSigningKey makes a new key.
func GenerateSigningKey() (*SigningKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate signing key: %w", err)
	}
	return newSigningKey(private), nil
}

// SigningKeyFromSeed restores a key from the result of Seed. Error: ErrKey
// unless the seed has SeedSize bytes.
func SigningKeyFromSeed(seed []byte) (*SigningKey, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("%w: seed of the wrong length", ErrKey)
	}
	return newSigningKey(ed25519.NewKeyFromSeed(seed)), nil
}

// newSigningKey need not check the public half as VerifyKeyFromBytes does:
// RFC 8032 clamps the secret scalar into [2²⁵⁴, 2²⁵⁵) and makes it a multiple
// of eight, and no such multiple of the base point is of small order.
func newSigningKey(private ed25519.PrivateKey) *SigningKey {
	k := &SigningKey{private: private}
	copy(k.public.point[:], private.Public().(ed25519.PublicKey))
	k.kid = k.public.Thumbprint()
	return k
}

// Seed returns the 32 bytes of the private key, which its owner stores.
func (k *SigningKey) Seed() []byte { return k.private.Seed() }

// Public returns the key that verifies what k signs.
func (k *SigningKey) Public() VerifyKey { return k.public }

// Thumbprint returns the public key's RFC 7638 SHA-256 thumbprint.
func (k *SigningKey) Thumbprint() string { return k.kid }

// Format keeps the private key out of every formatted text.
func (k SigningKey) Format(s fmt.State, _ rune) { writeRedacted(s, "Ed25519", k.kid) }

func writeRedacted(w io.Writer, kind, kid string) {
	_, _ = io.WriteString(w, "["+kind+" private key "+kid+"]")
}
