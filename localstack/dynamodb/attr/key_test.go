package attr

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func randomKey(r *rand.Rand, kind Kind) Value {
	if kind == N {
		n, err := ParseNumber(randomNumber(r))
		if err != nil {
			panic(err)
		}
		return Num(n)
	}
	// Use few distinct bytes, so that prefixes and zero bytes are frequent.
	raw := make([]byte, r.IntN(6))
	for i := range raw {
		raw[i] = []byte{0x00, 0x01, 0x02, 'a', 0x7F, 0xFF}[r.IntN(6)]
	}
	if kind == S {
		return String(string(raw))
	}
	return Binary(raw)
}

func TestKeyOrderAndRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, kind := range []Kind{S, N, B} {
		for range 20000 {
			a, b := randomKey(r, kind), randomKey(r, kind)
			keyA, keyB := AppendKey(nil, a), AppendKey(nil, b)
			want, _ := Compare(a, b)
			if got := bytes.Compare(keyA, keyB); got != want {
				t.Fatalf("keys of %v and %v: got order %d, want %d", a, b, got, want)
			}
			rest := []byte("rest")
			back, tail, err := decodeKey(append(keyA, rest...))
			if err != nil || !back.Equal(a) || !bytes.Equal(tail, rest) {
				t.Fatalf("key of %v: decoded %v, %q, %v", a, back, tail, err)
			}
		}
	}
}

func TestNumberKeyOrderAtTheEdges(t *testing.T) {
	ascending := []string{
		"-9.9999999999999999999999999999999999999E125", "-1E125", "-1e100", "-1001", "-1000.5", "-1000", "-999",
		"-10", "-9.9", "-9", "-1.01", "-1", "-0.99", "-0.1", "-1E-129", "-1.1E-130", "-1E-130", "0",
		"1E-130", "1.1E-130", "1E-129", "0.1", "0.99", "1", "1.01", "1.1", "9", "9.9", "10", "11", "99", "100",
		"999", "1000", "1000.5", "1001", "1e100", "1E125", "9.9999999999999999999999999999999999999E125",
	}
	for i := 1; i < len(ascending); i++ {
		a, b := Num(mustNumber(t, ascending[i-1])), Num(mustNumber(t, ascending[i]))
		if bytes.Compare(AppendKey(nil, a), AppendKey(nil, b)) >= 0 {
			t.Errorf("key of %s does not sort before the key of %s", ascending[i-1], ascending[i])
		}
	}
}

func TestCompositeKeyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		p1, p2 := randomKey(r, S), randomKey(r, S)
		s1, s2 := randomKey(r, B), randomKey(r, B)
		want, _ := Compare(p1, p2)
		if want == 0 {
			want, _ = Compare(s1, s2)
		}
		k1 := AppendKey(AppendKey(nil, p1), s1)
		k2 := AppendKey(AppendKey(nil, p2), s2)
		if got := bytes.Compare(k1, k2); got != want {
			t.Fatalf("keys of (%v, %v) and (%v, %v): got order %d, want %d", p1, s1, p2, s2, got, want)
		}
	}
}

func TestKeyPrefix(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, kind := range []Kind{S, B} {
		for range 20000 {
			v, prefix := randomKey(r, kind), randomKey(r, kind)
			want := bytes.HasPrefix([]byte(v.Text()), []byte(prefix.Text()))
			if got := bytes.HasPrefix(AppendKey(nil, v), AppendKeyPrefix(nil, prefix)); got != want {
				t.Fatalf("key of %v has the key prefix of %v: got %t, want %t", v, prefix, got, want)
			}
		}
	}
}

func TestOnlyScalarsAreKeys(t *testing.T) {
	for _, v := range []Value{Bool(true), Null(), List(), Map(nil), {}} {
		if key := AppendKey(nil, v); key != nil {
			t.Errorf("AppendKey(%v) = %x, want nothing", v, key)
		}
		if key := AppendKeyPrefix(nil, v); key != nil {
			t.Errorf("AppendKeyPrefix(%v) = %x, want nothing", v, key)
		}
	}
}

func TestDecodeDamagedKeys(t *testing.T) {
	for _, v := range []Value{String("a\x00b"), Binary(nil), Num(mustNumber(t, "-123.45"))} {
		key := AppendKey(nil, v)
		for n := range key {
			if got, _, err := decodeKey(key[:n]); err == nil {
				t.Errorf("the first %d bytes of the key of %v: got %v, want an error", n, v, got)
			}
		}
	}
	for _, key := range [][]byte{
		{0x40, 0, 0},                                                  // an unknown type
		{keyS, 0x00, 0x02},                                            // an unknown escape
		{keyN, 0x03, 0, 2, 0},                                         // an unknown sign
		{keyN, signPositive, 130, 101 + 1, 0},                         // an invalid pair
		{keyN, signPositive, 130, 11, 1, 0},                           // ends with zeros
		{keyN, signPositive, 130, 1 + 5, 11, 0},                       // begins with a zero
		{keyN, signPositive, 130, 0},                                  // no digits
		append([]byte{keyN, 2, 130}, bytes.Repeat([]byte{12}, 30)...), // too many digits
	} {
		if got, _, err := decodeKey(key); err == nil {
			t.Errorf("% x: got %v, want an error", key, got)
		}
	}
}
