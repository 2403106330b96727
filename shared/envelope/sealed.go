package envelope

import (
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// The content encryption's fixed lengths in bytes (RFC 7518 §5.3).
const (
	nonceSize = 12
	tagSize   = 16
)

// Sealed is a JWE of which the structure has been checked. It is not open yet.
type Sealed struct {
	// KID is the thumbprint of the key that the token names, by which the
	// caller finds the key. Open checks it.
	KID string

	token   string
	keySize int // of the encrypted key, in bytes
}

// Seal makes a compact JWE of the type typ that only the holder of the key can
// open. Error: ErrEnvelope if typ is no type of a JWE or the token would be
// longer than MaxSealed.
//
// Each token has a random 256-bit content key for this one encryption. So the
// random 96-bit nonce cannot repeat under a key, and the number of messages is
// not limited.
//
// A sealed token does not show who made it. Everything that must be bound to a
// sender, a session or a place must be signed inside it.
func Seal(to *EncryptionKey, typ Type, plaintext []byte) (string, error) {
	if !typ.sealed() {
		return "", fmt.Errorf("%w: typ of no sealed token", ErrEnvelope)
	}
	recipient := jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: to.public, KeyID: to.kid}
	// Compression is off, since the token's length would reveal content.
	options := new(jose.EncrypterOptions).WithType(jose.ContentType(typ))
	encrypter, err := jose.NewEncrypter(jose.A256GCM, recipient, options)
	if err != nil {
		return "", fmt.Errorf("%w: encrypter: %w", ErrEnvelope, err)
	}
	object, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return "", fmt.Errorf("%w: encrypter: %w", ErrEnvelope, err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("%w: serialise: %w", ErrEnvelope, err)
	}
	if len(token) > MaxSealed {
		return "", fmt.Errorf("%w: %w", ErrEnvelope, errSize)
	}
	return token, nil
}

// ParseSealed checks the structure of a compact JWE: its size, canonical
// encoding, a protected header of exactly alg (RSA-OAEP-256), enc (A256GCM),
// kid and typ, and the lengths of its parts. It uses no key, so a malformed
// token costs no private operation. Error: ErrEnvelope.
func ParseSealed(token string, typ Type) (*Sealed, error) {
	if !typ.sealed() {
		return nil, fmt.Errorf("%w: typ of no sealed token", ErrEnvelope)
	}
	parts, err := decodeParts(token, 5, MaxSealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	header, key, nonce, tag := parts[0], parts[1], parts[2], parts[4]
	kid, err := parseSealedHeader(header, typ)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if !allowedBits(len(key)*8) || len(nonce) != nonceSize || len(tag) != tagSize {
		return nil, fmt.Errorf("%w: part of the wrong length", ErrEnvelope)
	}
	return &Sealed{KID: kid, token: token, keySize: len(key)}, nil
}

func parseSealedHeader(header []byte, typ Type) (kid string, err error) {
	if len(header) > maxHeader {
		return "", errHeader
	}
	m, err := decodeMembers(header)
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	if !m.hasExactly("alg", "enc", "kid", "typ") ||
		m.str("alg") != string(jose.RSA_OAEP_256) || m.str("enc") != string(jose.A256GCM) ||
		!isThumbprint(m.str("kid")) {
		return "", errHeader
	}
	if m.str("typ") != string(typ) {
		return "", errTyp
	}
	return m.str("kid"), nil
}

// Open returns the plaintext. Every failure is ErrEnvelope itself, without a
// cause, since a padding oracle needs to know which step failed. crypto/rsa
// unpads OAEP in constant time, so timing can only distinguish a failed padding
// from a failed tag. A ciphertext that is derived from another sender's token
// passes the padding with probability 2⁻²⁵⁶, and an attacker's own tokens
// reveal nothing.
func (s *Sealed) Open(key *DecryptionKey) ([]byte, error) {
	if s.KID != key.public.kid || s.keySize*8 != key.public.Bits() {
		return nil, ErrEnvelope
	}
	object, err := jose.ParseEncryptedCompact(s.token,
		[]jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, ErrEnvelope
	}
	plaintext, err := object.Decrypt(key.private)
	if err != nil {
		return nil, ErrEnvelope
	}
	return plaintext, nil
}
