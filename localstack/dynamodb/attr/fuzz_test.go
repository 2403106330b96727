package attr

import (
	"bytes"
	"math/big"
	"testing"
)

// FuzzKeyOrder compares the order of encoded keys with the order of their
// values and decodes the keys again.
func FuzzKeyOrder(f *testing.F) {
	for _, pair := range [][2]string{{"", "\x00"}, {"a", "a\x00"}, {"1", "10"}, {"-1", "1e-130"},
		{"a\xff", "b"}, {"0.1", "0.10"}, {"é", "e"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		pairs := [][2]Value{{String(a), String(b)}, {Binary([]byte(a)), Binary([]byte(b))}}
		if x, err := ParseNumber(a); err == nil {
			if y, err := ParseNumber(b); err == nil {
				pairs = append(pairs, [2]Value{Num(x), Num(y)})
			}
		}
		for _, p := range pairs {
			want, ok := Compare(p[0], p[1])
			if !ok {
				t.Fatalf("Compare(%v, %v) is not ok", p[0], p[1])
			}
			keys := [2][]byte{AppendKey(nil, p[0]), AppendKey(nil, p[1])}
			if got := bytes.Compare(keys[0], keys[1]); got != want {
				t.Fatalf("keys of %v and %v: got order %d, want %d", p[0], p[1], got, want)
			}
			back, rest, err := decodeKey(append(keys[0], keys[1]...))
			if err != nil || !back.Equal(p[0]) || !bytes.Equal(rest, keys[1]) {
				t.Fatalf("key of %v: decoded %v, %v", p[0], back, err)
			}
			hasPrefix := bytes.HasPrefix([]byte(p[0].Text()), []byte(p[1].Text()))
			if prefix := AppendKeyPrefix(nil, p[1]); p[0].Kind() != N && bytes.HasPrefix(keys[0], prefix) != hasPrefix {
				t.Fatalf("key of %v has the key prefix of %v: got %t, want %t", p[0], p[1], !hasPrefix, hasPrefix)
			}
		}
	})
}

// FuzzDecodeKey decodes arbitrary bytes. Every key has exactly one encoding.
func FuzzDecodeKey(f *testing.F) {
	for _, v := range []Value{String("a\x00b"), Binary([]byte{0xff}), Int(0), Int(-120), Int(1)} {
		f.Add(AppendKey(nil, v))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, rest, err := decodeKey(data)
		if err == nil && !bytes.Equal(append(AppendKey(nil, v), rest...), data) {
			t.Fatalf("% x decodes as %v and % x, which encode differently", data, v, rest)
		}
	})
}

// FuzzNumber compares numbers and sums with arbitrary-precision arithmetic.
func FuzzNumber(f *testing.F) {
	for _, pair := range [][2]string{{"0", "-0"}, {"1", "-1.0"},
		{"99999999999999999999999999999999999999", "1"}, {"1e125", "-1e-130"}, {"0.1", "0.2"}, {"+5.", ".5e-3"}} {
		f.Add(pair[0], pair[1])
	}
	limit, _ := new(big.Rat).SetString("1e126")
	exact := func(t *testing.T, n Number) *big.Rat {
		r, ok := new(big.Rat).SetString(n.String())
		if !ok {
			t.Fatalf("String returned %q, want a number", n)
		}
		return r
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := ParseNumber(a)
		y, errY := ParseNumber(b)
		if errX != nil || errY != nil {
			return
		}
		if again, err := ParseNumber(x.String()); err != nil || again != x {
			t.Fatalf("%q parses as %s, and that as %s, %v, want the same number", a, x, again, err)
		}
		rx, ry := exact(t, x), exact(t, y)
		if len(a) < 300 { // big.Rat is slow with longer exponents
			if r, ok := new(big.Rat).SetString(a); ok && r.Cmp(rx) != 0 {
				t.Fatalf("%q parses as %s, want %s", a, x, r)
			}
		}
		if order, _ := Compare(Num(x), Num(y)); order != rx.Cmp(ry) {
			t.Fatalf("Compare(%s, %s) = %d, want %d", x, y, order, rx.Cmp(ry))
		}
		for _, op := range []struct {
			name string
			run  func(Number) (Number, error)
			want *big.Rat
		}{{"+", x.Add, new(big.Rat).Add(rx, ry)}, {"-", x.Sub, new(big.Rat).Sub(rx, ry)}} {
			got, err := op.run(y)
			if err != nil {
				continue // outside the range, or too many digits
			}
			if exact(t, got).Cmp(op.want) != 0 {
				t.Fatalf("%s %s %s = %s, want %s", x, op.name, y, got, op.want)
			}
			if new(big.Rat).Abs(op.want).Cmp(limit) >= 0 {
				t.Fatalf("%s %s %s = %s, want an error: it is outside the range", x, op.name, y, got)
			}
		}
	})
}
