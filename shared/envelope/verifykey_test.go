package envelope

import (
	"crypto/ed25519"
	"math/big"
	"slices"
	"testing"
)

// point is an affine point of the curve, by textbook arithmetic: slow, and
// independent of what is tested.
type point struct{ x, y *big.Int }

func (p point) add(q point) point {
	mod := func(n *big.Int) *big.Int { return n.Mod(n, fieldP) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	t := mul(curveD, mul(mul(p.x, q.x), mul(p.y, q.y)))
	x := mul(mod(new(big.Int).Add(mul(p.x, q.y), mul(q.x, p.y))),
		new(big.Int).ModInverse(mod(new(big.Int).Add(one, t)), fieldP))
	y := mul(mod(new(big.Int).Add(mul(p.y, q.y), mul(p.x, q.x))),
		new(big.Int).ModInverse(mod(new(big.Int).Sub(one, t)), fieldP))
	return point{x, y}
}

func (p point) times8() point {
	for range 3 {
		p = p.add(p)
	}
	return p
}

func (p point) isIdentity() bool { return p.x.Sign() == 0 && p.y.Cmp(one) == 0 }

// pointWithY returns a point with this y, if there is one.
func pointWithY(y *big.Int) (point, bool) {
	y2 := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(y2, one)
	v := new(big.Int).Add(new(big.Int).Mul(curveD, y2), one)
	x := u.Mul(u, v.ModInverse(v.Mod(v, fieldP), fieldP))
	if x.ModSqrt(x.Mod(x, fieldP), fieldP) == nil {
		return point{}, false
	}
	return point{x, y}, true
}

func TestSmallOrderPointsAreAllOfThem(t *testing.T) {
	// The points of order dividing eight number eight, and the x of all but the
	// two with x = 0 comes in pairs: 2·5 - 2.
	if len(smallOrderY) != 5 {
		t.Fatalf("%d coordinates, want 5", len(smallOrderY))
	}
	seen := map[string]bool{}
	for _, y := range smallOrderY {
		p, ok := pointWithY(y)
		if !ok || !p.times8().isIdentity() {
			t.Errorf("y = %v is of no point of small order", y)
		}
		seen[y.String()] = true
		for sign := range byte(2) {
			if _, err := VerifyKeyFromBytes(encodePoint(y, sign)); err == nil {
				t.Errorf("y = %v with sign %d was accepted", y, sign)
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("only %d coordinates are distinct", len(seen))
	}
}

// Around zero and around p lie curve points and others, reduced and not.
func TestKeysAgreeWithTextbook(t *testing.T) {
	accepted, refused := 0, 0
	for offset := int64(-300); offset < 300; offset++ {
		y := big.NewInt(offset)
		if offset < 0 {
			y.Add(fieldP, y)
		}
		p, ok := pointWithY(y)
		want := ok && !p.times8().isIdentity()
		if _, err := VerifyKeyFromBytes(encodePoint(y, byte(offset&1))); (err == nil) != want {
			t.Errorf("y = %v: %v, want accepted: %v", y, err, want)
		}
		if want {
			accepted++
		} else {
			refused++
		}
		if offset >= 0 && offset < 19 {
			if _, err := VerifyKeyFromBytes(encodePoint(new(big.Int).Add(fieldP, y), 0)); err == nil {
				t.Errorf("y = p + %d was accepted", offset)
			}
		}
	}
	if accepted < 200 || refused < 200 {
		t.Errorf("%d accepted and %d refused tested too little", accepted, refused)
	}
}

// The reason for all this: under the identity point one signature, made without
// any private key, fits every message.
func TestIdentityPointSignsEverything(t *testing.T) {
	identity := encodePoint(one, 0)
	signature := append(slices.Clone(identity), make([]byte, 32)...) // R = identity, S = 0
	for _, message := range []string{"anything", "at all"} {
		if !ed25519.Verify(identity, []byte(message), signature) {
			t.Errorf("crypto/ed25519 refuses %q: the comment at VerifyKeyFromBytes is out of date", message)
		}
	}
	if _, err := VerifyKeyFromBytes(identity); err == nil {
		t.Error("the identity point was accepted")
	}
}
