package envelope

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Signed is a JWS of which the structure has been checked and the signature has
// not. Nothing in it may be trusted before Verify.
type Signed struct {
	// KID is the thumbprint of the key that the token names. A caller finds
	// that key in its own records, by user and thumbprint.
	KID string

	// JWK is the key within the token, or zero. Only handshakes and key sets
	// may have one. It has been checked only that its thumbprint is KID.
	JWK VerifyKey

	// Type is the token's typ, one of those that the caller of ParseSigned
	// accepts.
	Type Type

	token string
}

// Sign makes a compact JWS of the type typ over claims, which are usually a
// JSON object and are signed without change. Error: ErrSignature if typ is no
// type of a JWS or the token would be longer than MaxSigned.
func Sign(k *SigningKey, typ Type, claims []byte) (string, error) {
	return sign(k, typ, claims, nil)
}

// SignWithJWK is Sign with the public key in the header, for a device and a
// service that do not have each other's keys yet. Error: ErrSignature for every
// type but TypeHandshake and TypeKeys.
func SignWithJWK(k *SigningKey, typ Type, claims []byte) (string, error) {
	if !typ.mayCarryKey() {
		return "", fmt.Errorf("%w: only handshakes and key sets carry a key", ErrSignature)
	}
	return sign(k, typ, claims, k.public.JWK())
}

// sign relies on Ed25519 being deterministic (RFC 8032 §5.1.6): the
// per-signature secret comes from the key and the message, so no random number
// can repeat.
func sign(k *SigningKey, typ Type, claims, jwk []byte) (string, error) {
	if !typ.signed() {
		return "", fmt.Errorf("%w: typ of no signed token", ErrSignature)
	}
	options := new(jose.SignerOptions).WithType(jose.ContentType(typ)).WithHeader("kid", k.kid)
	if jwk != nil {
		options.WithHeader("jwk", json.RawMessage(jwk))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: k.private}, options)
	if err != nil {
		return "", fmt.Errorf("%w: signer: %w", ErrSignature, err)
	}
	object, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("%w: signer: %w", ErrSignature, err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("%w: serialise: %w", ErrSignature, err)
	}
	if len(token) > MaxSigned {
		return "", fmt.Errorf("%w: %w", ErrSignature, errSize)
	}
	return token, nil
}

// ParseSigned checks the structure of a compact JWS: its size, canonical
// encoding, and a protected header of exactly alg (EdDSA), kid and typ, and
// also jwk if typ is TypeHandshake or TypeKeys. The typ is typ or one of
// others. Error: ErrSignature.
func ParseSigned(token string, typ Type, others ...Type) (*Signed, error) {
	accepted := append([]Type{typ}, others...)
	if slices.ContainsFunc(accepted, func(t Type) bool { return !t.signed() }) {
		return nil, fmt.Errorf("%w: typ of no signed token", ErrSignature)
	}
	parts, err := decodeParts(token, 3, MaxSigned)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	header, signature := parts[0], parts[2]
	if len(signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: not of 64 bytes", ErrSignature)
	}
	s := &Signed{token: token}
	for _, typ := range accepted {
		if s.KID, s.JWK, err = parseSignedHeader(header, typ); err == nil {
			s.Type = typ
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrSignature, err)
}

func parseSignedHeader(header []byte, typ Type) (kid string, jwk VerifyKey, err error) {
	if len(header) > maxHeader {
		return "", VerifyKey{}, errHeader
	}
	m, err := decodeMembers(header)
	if err != nil {
		return "", VerifyKey{}, fmt.Errorf("header: %w", err)
	}
	carriesKey := typ.mayCarryKey() && m.hasExactly("alg", "jwk", "kid", "typ")
	if !carriesKey && !m.hasExactly("alg", "kid", "typ") {
		return "", VerifyKey{}, errHeader
	}
	if m.str("alg") != string(jose.EdDSA) || !isThumbprint(m.str("kid")) {
		return "", VerifyKey{}, errHeader
	}
	if m.str("typ") != string(typ) {
		return "", VerifyKey{}, errTyp
	}
	if carriesKey {
		object, _ := m["jwk"].(map[string]any)
		if jwk, err = verifyKeyFromMembers(object); err != nil {
			return "", VerifyKey{}, fmt.Errorf("header jwk: %w", err)
		}
		if jwk.Thumbprint() != m.str("kid") {
			return "", VerifyKey{}, fmt.Errorf("header jwk: kid is another key's")
		}
	}
	return m.str("kid"), jwk, nil
}

// Verify returns the claims if key made the signature and is the key that the
// token names; otherwise ErrSignature. The key must come from the caller's
// records, never from the token alone.
func (s *Signed) Verify(key VerifyKey) ([]byte, error) {
	if key.IsZero() || key.Thumbprint() != s.KID {
		return nil, fmt.Errorf("%w: by another key", ErrSignature)
	}
	object, err := jose.ParseSignedCompact(s.token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, ErrSignature
	}
	claims, err := object.Verify(ed25519.PublicKey(key.point[:]))
	if err != nil {
		return nil, ErrSignature
	}
	return claims, nil
}
