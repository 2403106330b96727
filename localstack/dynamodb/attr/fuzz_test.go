package attr

import (
	"bytes"
	"math/big"
	"testing"
)

// FuzzKeyOrder holds the order of encoded keys against the order of values, and
// reads them back.
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
				t.Fatalf("%v and %v do not compare", p[0], p[1])
			}
			keys := [2][]byte{AppendKey(nil, p[0]), AppendKey(nil, p[1])}
			if got := bytes.Compare(keys[0], keys[1]); got != want {
				t.Fatalf("%v and %v: keys compare %d, values %d", p[0], p[1], got, want)
			}
			back, rest, err := DecodeKey(append(keys[0], keys[1]...))
			if err != nil || !back.Equal(p[0]) || !bytes.Equal(rest, keys[1]) {
				t.Fatalf("the key of %v decodes as %v, %v", p[0], back, err)
			}
			begins := bytes.HasPrefix([]byte(p[0].Text()), []byte(p[1].Text()))
			if prefix := AppendKeyPrefix(nil, p[1]); p[0].Kind() != N && bytes.HasPrefix(keys[0], prefix) != begins {
				t.Fatalf("%v begins with %v: %t by value", p[0], p[1], begins)
			}
		}
	})
}

// FuzzDecodeKey reads any bytes as a key: what is one has no second form.
func FuzzDecodeKey(f *testing.F) {
	for _, v := range []Value{String("a\x00b"), Binary([]byte{0xff}), Int(0), Int(-120), Int(1)} {
		f.Add(AppendKey(nil, v))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, rest, err := DecodeKey(data)
		if err == nil && !bytes.Equal(append(AppendKey(nil, v), rest...), data) {
			t.Fatalf("% x decodes as %v and % x", data, v, rest)
		}
	})
}

// FuzzNumber holds numbers against arithmetic of any precision.
func FuzzNumber(f *testing.F) {
	for _, pair := range [][2]string{{"0", "-0"}, {"1", "-1.0"},
		{"99999999999999999999999999999999999999", "1"}, {"1e125", "-1e-130"}, {"0.1", "0.2"}, {"+5.", ".5e-3"}} {
		f.Add(pair[0], pair[1])
	}
	limit, _ := new(big.Rat).SetString("1e126")
	exact := func(t *testing.T, n Number) *big.Rat {
		r, ok := new(big.Rat).SetString(n.String())
		if !ok {
			t.Fatalf("%q is no number", n)
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
			t.Fatalf("%q reads as %s, and that as %s, %v", a, x, again, err)
		}
		rx, ry := exact(t, x), exact(t, y)
		if len(a) < 300 { // big.Rat would take its time with longer exponents
			if r, ok := new(big.Rat).SetString(a); ok && r.Cmp(rx) != 0 {
				t.Fatalf("%q reads as %s", a, x)
			}
		}
		if order, _ := Compare(Num(x), Num(y)); order != rx.Cmp(ry) {
			t.Fatalf("%s and %s compare %d", x, y, order)
		}
		for _, op := range []struct {
			name string
			run  func(Number) (Number, error)
			want *big.Rat
		}{{"+", x.Add, new(big.Rat).Add(rx, ry)}, {"-", x.Sub, new(big.Rat).Sub(rx, ry)}} {
			got, err := op.run(y)
			if err != nil {
				continue // out of range or of digits
			}
			if exact(t, got).Cmp(op.want) != 0 {
				t.Fatalf("%s %s %s = %s", x, op.name, y, got)
			}
			if new(big.Rat).Abs(op.want).Cmp(limit) >= 0 {
				t.Fatalf("%s %s %s = %s is out of range", x, op.name, y, got)
			}
		}
	})
}
