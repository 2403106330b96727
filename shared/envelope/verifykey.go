package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
)

// VerifyKey is an Ed25519 public key. It is comparable: equal keys have equal
// values, since only canonical encodings are accepted. The zero value is no
// key; no signature verifies under it.
type VerifyKey struct {
	point [ed25519.PublicKeySize]byte
}

// VerifyKeyFromBytes returns the key with the 32 bytes of RFC 8032 §5.1.2.
// Error: ErrKey for a wrong length, an encoding that is not canonical, bytes
// that are no point of the curve, and the points of small order, including the
// identity.
//
// Points of small order are refused because verification checks [S]B = R +
// [k]A. If A is the identity, R = [S]B satisfies that for every message, so
// anyone can sign for that key; with the other small orders at least one
// attempt in eight succeeds. A point with a small-order part added to an honest
// one is accepted: to forge for it takes the private key of the honest part,
// and Go checks the equation without the cofactor, so all verifiers of this
// package agree.
func VerifyKeyFromBytes(b []byte) (VerifyKey, error) {
	var k VerifyKey
	if len(b) != len(k.point) {
		return VerifyKey{}, fmt.Errorf("%w: Ed25519 key of the wrong length", ErrKey)
	}
	if !soundPoint(b) {
		return VerifyKey{}, fmt.Errorf("%w: not a canonical Ed25519 point of large order", ErrKey)
	}
	copy(k.point[:], b)
	return k, nil
}

// ParseVerifyKey reads a public JWK (RFC 8037 §2): exactly the members crv,
// kid, kty and x, in any order, with kid the key's own thumbprint. Error:
// ErrKey, also for everything that VerifyKeyFromBytes refuses.
func ParseVerifyKey(jwk []byte) (VerifyKey, error) {
	if len(jwk) > MaxJWK {
		return VerifyKey{}, fmt.Errorf("%w: JWK %w", ErrKey, errSize)
	}
	m, err := decodeMembers(jwk)
	if err != nil {
		return VerifyKey{}, fmt.Errorf("%w: JWK: %w", ErrKey, err)
	}
	return verifyKeyFromMembers(m)
}

func verifyKeyFromMembers(m members) (VerifyKey, error) {
	if !m.hasExactly("crv", "kid", "kty", "x") || m.str("kty") != "OKP" || m.str("crv") != "Ed25519" {
		return VerifyKey{}, fmt.Errorf("%w: not a public Ed25519 JWK", ErrKey)
	}
	x, err := decode(m.str("x"))
	if err != nil {
		return VerifyKey{}, fmt.Errorf("%w: JWK member x: %w", ErrKey, err)
	}
	k, err := VerifyKeyFromBytes(x)
	if err != nil {
		return VerifyKey{}, err
	}
	if m.str("kid") != k.Thumbprint() {
		return VerifyKey{}, fmt.Errorf("%w: kid is not the thumbprint", ErrKey)
	}
	return k, nil
}

// JWK returns the canonical JWK: the members crv, kid, kty, x in that order.
func (k VerifyKey) JWK() []byte {
	return []byte(`{"crv":"Ed25519","kid":"` + k.Thumbprint() + `","kty":"OKP","x":"` + k.x() + `"}`)
}

// Thumbprint returns the RFC 7638 SHA-256 thumbprint, which is the key's name
// in the protocol (RFC 8037, appendix A.3).
func (k VerifyKey) Thumbprint() string {
	return thumbprint(`{"crv":"Ed25519","kty":"OKP","x":"` + k.x() + `"}`)
}

// Bytes returns the 32 bytes that VerifyKeyFromBytes takes.
func (k VerifyKey) Bytes() []byte { return bytes.Clone(k.point[:]) }

// IsZero reports whether k is the zero value, which is no key. Thirty-two zero
// bytes encode a point of order four, so no accepted key has that value.
func (k VerifyKey) IsZero() bool { return k == VerifyKey{} }

// String returns the thumbprint, or "" for the zero value.
func (k VerifyKey) String() string {
	if k.IsZero() {
		return ""
	}
	return k.Thumbprint()
}

func (k VerifyKey) x() string { return base64url.EncodeToString(k.point[:]) }

// The field and the curve of RFC 8032 §5.1: -x² + y² = 1 + d·x²·y² modulo p.
var (
	fieldP = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	curveD = func() *big.Int {
		d := new(big.Int).ModInverse(big.NewInt(121666), fieldP)
		return d.Mul(d, big.NewInt(-121665)).Mod(d, fieldP)
	}()
	one = big.NewInt(1)
)

// smallOrderY holds the y coordinates of the eight points whose order divides
// the cofactor: (0,1), (0,-1), (±√-1,0), and four of order eight that share
// two.
var smallOrderY = func() []*big.Int {
	// Little-endian, as on the wire. A test derives them.
	const (
		order8a = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
		order8b = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
	)
	ys := []*big.Int{new(big.Int), one, new(big.Int).Sub(fieldP, one)}
	for _, s := range []string{order8a, order8b} {
		b, err := hex.DecodeString(s)
		if err != nil {
			panic("envelope: constant is not hexadecimal")
		}
		slices.Reverse(b)
		ys = append(ys, new(big.Int).SetBytes(b))
	}
	return ys
}()

// soundPoint reports whether b is the canonical encoding of a point of the
// curve whose order is not small. The key is public, so the arithmetic need not
// run in constant time.
func soundPoint(b []byte) bool {
	big32 := bytes.Clone(b)
	slices.Reverse(big32)
	big32[0] &= 0x7f // the sign of x
	y := new(big.Int).SetBytes(big32)
	if y.Cmp(fieldP) >= 0 {
		return false // not reduced: a second spelling of y - p
	}
	// This also refuses the other second spelling, x = 0 with the sign set: x
	// is 0 only if y is ±1.
	for _, small := range smallOrderY {
		if y.Cmp(small) == 0 {
			return false
		}
	}
	// A point with this y exists when x² = (y²-1)/(d·y²+1) is a square. The
	// product has the quotient's quadratic character, and d·y²+1 is never 0
	// since -1/d is not a square.
	y2 := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(y2, one)
	v := new(big.Int).Mul(curveD, y2)
	v.Add(v, one)
	u.Mul(u, v).Mod(u, fieldP)
	return big.Jacobi(u, fieldP) == 1
}
