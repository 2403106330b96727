package envelope

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// DefaultBits is the RSA key size for devices and the service: it seals six
// times as fast as 3072 bits and opens three times as fast.
const DefaultBits = 2048

// exponent is the only public exponent, 65537, and exponentText its base64url.
const (
	exponent     = 65537
	exponentText = "AQAB"
)

// EncryptionKey is an RSA public key to which tokens are sealed. It is
// immutable and safe for concurrent use.
type EncryptionKey struct {
	public *rsa.PublicKey
	n      string // the modulus, base64url
	kid    string
}

// allowedBits reports whether a key may have that size. Fewer than 2048 bits
// are unsafe, and an owner could use more than 3072 to slow down the service:
// with 16384 bits every message to that owner would cost 300 times as much.
func allowedBits(bits int) bool { return bits == 2048 || bits == 3072 }

// ParseEncryptionKey reads a public JWK (RFC 7518 §6.3.1): exactly the members
// e, kid, kty and n, in any order, with kid the key's own thumbprint, n odd and
// of 2048 or 3072 bits, e = 65537. Error: ErrKey.
//
// It cannot check that n is the product of two large primes: an owner who
// registers a weak modulus exposes only what is sealed to that owner. Every odd
// modulus of these sizes can be sealed to.
func ParseEncryptionKey(jwk []byte) (*EncryptionKey, error) {
	if len(jwk) > MaxJWK {
		return nil, fmt.Errorf("%w: JWK %w", ErrKey, errSize)
	}
	m, err := decodeMembers(jwk)
	if err != nil {
		return nil, fmt.Errorf("%w: JWK: %w", ErrKey, err)
	}
	if !m.hasExactly("e", "kid", "kty", "n") || m.str("kty") != "RSA" {
		return nil, fmt.Errorf("%w: not a public RSA JWK", ErrKey)
	}
	if m.str("e") != exponentText {
		return nil, fmt.Errorf("%w: exponent is not 65537", ErrKey)
	}
	n, err := decode(m.str("n"))
	if err != nil {
		return nil, fmt.Errorf("%w: JWK member n: %w", ErrKey, err)
	}
	k, err := EncryptionKeyFromModulus(n)
	if err != nil {
		return nil, err
	}
	if m.str("kid") != k.kid {
		return nil, fmt.Errorf("%w: kid is not the thumbprint", ErrKey)
	}
	return k, nil
}

func newEncryptionKey(public *rsa.PublicKey) *EncryptionKey {
	n := base64url.EncodeToString(public.N.Bytes())
	return &EncryptionKey{
		public: public,
		n:      n,
		kid:    thumbprint(`{"e":"` + exponentText + `","kty":"RSA","n":"` + n + `"}`),
	}
}

// JWK returns the canonical JWK: the members e, kid, kty, n in that order.
func (k *EncryptionKey) JWK() []byte {
	return []byte(`{"e":"` + exponentText + `","kid":"` + k.kid + `","kty":"RSA","n":"` + k.n + `"}`)
}

// Thumbprint returns the RFC 7638 SHA-256 thumbprint, which is the key's name
// in the protocol.
func (k *EncryptionKey) Thumbprint() string { return k.kid }

// Bits returns the length of the modulus, 2048 or 3072.
func (k *EncryptionKey) Bits() int { return k.public.N.BitLen() }

// String returns the thumbprint.
func (k *EncryptionKey) String() string { return k.kid }

// DecryptionKey is an RSA private key. It opens tokens that are sealed to its
// public half. Every format verb prints only its thumbprint. It is safe for
// concurrent use.
type DecryptionKey struct {
	private *rsa.PrivateKey
	public  *EncryptionKey
}

// GenerateDecryptionKey makes a new key of 2048 or 3072 bits. It takes from a
// tenth of a second to seconds, so it must not run in a request. Error: ErrKey
// for other sizes.
func GenerateDecryptionKey(bits int) (*DecryptionKey, error) {
	if !allowedBits(bits) {
		return nil, fmt.Errorf("%w: RSA keys have 2048 or 3072 bits", ErrKey)
	}
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("generate decryption key: %w", err)
	}
	return &DecryptionKey{private: private, public: newEncryptionKey(&private.PublicKey)}, nil
}

// ParseDecryptionKey reads the output of MarshalPKCS8. Error: ErrKey for
// anything but a consistent RSA key of the profile.
func ParseDecryptionKey(der []byte) (*DecryptionKey, error) {
	private, err := parsePKCS8(der)
	if err != nil {
		// The cause may describe private material, so it is not wrapped.
		return nil, fmt.Errorf("%w: not a PKCS #8 RSA key of the profile", ErrKey)
	}
	return &DecryptionKey{private: private, public: newEncryptionKey(&private.PublicKey)}, nil
}

func parsePKCS8(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.E != exponent || !allowedBits(private.N.BitLen()) || len(private.Primes) != 2 {
		return nil, errors.New("outside the profile")
	}
	return private, nil
}

// MarshalPKCS8 returns the private key in PKCS #8 DER (RFC 5208), about 1.2 KB
// for 2048 bits and 1.8 KB for 3072. The caller must wrap it before storing it.
func (k *DecryptionKey) MarshalPKCS8() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("%w: cannot be marshalled", ErrKey)
	}
	return der, nil
}

// Public returns the key that seals to k.
func (k *DecryptionKey) Public() *EncryptionKey { return k.public }

// Thumbprint returns the public key's RFC 7638 SHA-256 thumbprint.
func (k *DecryptionKey) Thumbprint() string { return k.public.kid }

// Format keeps the private key out of every formatted text.
func (k DecryptionKey) Format(s fmt.State, _ rune) {
	kid := ""
	if k.public != nil {
		kid = k.public.kid
	}
	writeRedacted(s, "RSA", kid)
}
