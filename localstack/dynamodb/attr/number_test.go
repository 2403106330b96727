package attr

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
)

func mustNumber(t testing.TB, s string) Number {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatalf("ParseNumber(%q): %v", s, err)
	}
	return n
}

func TestNumberCanonicalForm(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"0e1000", "0"},
		{"0.000", "0"},
		{"1", "1"},
		{"+3", "3"},
		{"1.0", "1"},
		{"0001.2300", "1.23"},
		{".123", "0.123"},
		{"5.", "5"},
		{"-17.4E37", "-174" + strings.Repeat("0", 36)},
		{"1e+5", "100000"},
		{"12e-1", "1.2"},
		{"100", "100"},
		{"1E125", "1" + strings.Repeat("0", 125)},
		{"1E-130", "0." + strings.Repeat("0", 129) + "1"},
		{"9.9999999999999999999999999999999999999E+125", strings.Repeat("9", 38) + strings.Repeat("0", 88)},
		{"31415926535897932384626433832795028841e30",
			"31415926535897932384626433832795028841" + strings.Repeat("0", 30)},
	} {
		if got := mustNumber(t, test.in).String(); got != test.want {
			t.Errorf("ParseNumber(%q) = %s, want %s", test.in, got, test.want)
		}
	}
}

func TestParseNumberErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "The parameter cannot be converted to a numeric value: ",
		"abc":                   "The parameter cannot be converted to a numeric value: abc",
		"1.2.3":                 "The parameter cannot be converted to a numeric value: 1.2.3",
		" 1":                    "The parameter cannot be converted to a numeric value:  1",
		"1 ":                    "The parameter cannot be converted to a numeric value: 1 ",
		"0x10":                  "The parameter cannot be converted to a numeric value: 0x10",
		"1e":                    "The parameter cannot be converted to a numeric value: 1e",
		"e1":                    "The parameter cannot be converted to a numeric value: e1",
		".":                     "The parameter cannot be converted to a numeric value: .",
		"--1":                   "The parameter cannot be converted to a numeric value: --1",
		"1_0":                   "The parameter cannot be converted to a numeric value: 1_0",
		"NaN":                   "The parameter cannot be converted to a numeric value: NaN",
		"-Infinity":             "The parameter cannot be converted to a numeric value: -Infinity",
		"1e126":                 msgOverflow,
		"11e125":                msgOverflow,
		"1e2147483647":          msgOverflow,
		"-1e99999999999999999":  msgOverflow,
		"1e-131":                msgUnderflow,
		"0.9e-130":              msgUnderflow,
		"1e-99999999999999999":  msgUnderflow,
		strings.Repeat("1", 39): msgPrecision,
		"3.14159265358979323846264338327950288419": msgPrecision,
	} {
		_, err := ParseNumber(in)
		if _, ok := err.(*ValidationError); !ok || err.Error() != want {
			t.Errorf("ParseNumber(%q): got %v, want %s", in, err, want)
		}
	}
}

func TestNumberSum(t *testing.T) {
	for _, test := range []struct{ a, b, sum, difference string }{
		{"1", "1.0", "2", "0"},
		{"0", "-5", "-5", "5"},
		{"0.1", "0.2", "0.3", "-0.1"},
		{"1", "1e22", "10000000000000000000001", "-9999999999999999999999"},
		{"99999999999999999999999999999999999999", "1", "1" + strings.Repeat("0", 38), strings.Repeat("9", 37) + "8"},
		{"1e-130", "-1e-130", "0", "0." + strings.Repeat("0", 129) + "2"},
	} {
		a, b := mustNumber(t, test.a), mustNumber(t, test.b)
		if got, err := a.Add(b); err != nil || got.String() != test.sum {
			t.Errorf("%s + %s = %s, %v, want %s", test.a, test.b, got, err, test.sum)
		}
		if got, err := a.Sub(b); err != nil || got.String() != test.difference {
			t.Errorf("%s - %s = %s, %v, want %s", test.a, test.b, got, err, test.difference)
		}
	}
}

func TestNumberSumOutOfRange(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{"9e125", "9e125", msgOverflow},
		{"-9e125", "-9e125", msgOverflow},
		{"1e50", "1", msgOverflow}, // 51 digits
		{"1e125", "1e-130", msgOverflow},
		{"1.1e-130", "-1e-130", msgUnderflow},
	} {
		_, err := mustNumber(t, test.a).Add(mustNumber(t, test.b))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s + %s: got %v, want %s", test.a, test.b, err, test.want)
		}
	}
}

// The sizes are those that the service charges; see Number.size.
func TestNumberSize(t *testing.T) {
	for in, want := range map[string]int{
		"0": 1, "1": 2, "12": 2, "123": 3, "1234": 3, "0042": 2, "100": 2, "1010": 3,
		"0.0000001": 2, "1E125": 2, "1E-100": 2, "1.5": 3, "15": 2, "1.200": 3, "1.234": 4,
		"3.14159": 5, "123456": 4, "-1": 3, "12345678901234567890123456789012345678": 20,
	} {
		if got := Num(mustNumber(t, in)).Size(); got != want {
			t.Errorf("size of %s = %d, want %d", in, got, want)
		}
	}
}

func TestNumberFloor(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1795999489.3": 1795999489, "1795999489": 1795999489, "0.9": 0, "1e-130": 0, "-0.1": -1, "-2.5": -3,
		"-2": -2, "10.5": 10, "100000.01": 100000, "1e18": 1e18, "9223372036854775807.9": 9223372036854775807,
		"-9223372036854775807.5": -9223372036854775808,
	} {
		if got, ok := mustNumber(t, in).Floor(); !ok || got != want {
			t.Errorf("Floor of %s = %d, %t, want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{"1e19", "9223372036854775808.5", "-9223372036854775808.5", "-1e125"} {
		if got, ok := mustNumber(t, in).Floor(); ok {
			t.Errorf("Floor of %s = %d, want none", in, got)
		}
	}
}

func TestNumberInt64(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "-7": -7, "1200": 1200, "1e18": 1e18,
		"9223372036854775807": 9223372036854775807, "-9223372036854775808": -9223372036854775808,
	} {
		n := mustNumber(t, in)
		if got, ok := n.Int64(); !ok || got != want {
			t.Errorf("Int64 of %s = %d, %t, want %d", in, got, ok, want)
		}
		if NumberFromInt(want) != n {
			t.Errorf("NumberFromInt(%d) = %s, want %s", want, NumberFromInt(want), n)
		}
	}
	for _, in := range []string{"0.5", "1.5", "9223372036854775808", "1e100", "1e-100"} {
		if got, ok := mustNumber(t, in).Int64(); ok {
			t.Errorf("Int64 of %s = %d, want none", in, got)
		}
	}
}

// randomNumber returns a number of any magnitude. Half of the numbers have
// small exponents, so that sums are often within 38 digits.
func randomNumber(r *rand.Rand) string {
	digits := make([]byte, 1+r.IntN(maxDigits))
	for i := range digits {
		digits[i] = '0' + byte(r.IntN(10))
	}
	exp := r.IntN(5) - 2
	if r.IntN(2) == 0 {
		exp = r.IntN(maxExponent-minExponent-maxDigits) + minExponent
	}
	sign := ""
	if r.IntN(2) == 0 {
		sign = "-"
	}
	return sign + string(digits) + "e" + apd.New(int64(exp), 0).String()
}

func TestNumberAgreesWithDecimalArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	exact := apd.BaseContext.WithPrecision(400)
	exact.MinExponent, exact.MaxExponent = -1000, 1000
	for range 5000 {
		textA, textB := randomNumber(r), randomNumber(r)
		a, b := mustNumber(t, textA), mustNumber(t, textB)
		wantA, _, _ := apd.NewFromString(textA)
		wantB, _, _ := apd.NewFromString(textB)

		back, _, err := apd.NewFromString(a.String())
		if err != nil || back.Cmp(wantA) != 0 {
			t.Fatalf("ParseNumber(%s) = %s", textA, a)
		}
		if got, want := a.Compare(b), wantA.Cmp(wantB); got != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", textA, textB, got, want)
		}
		if (a == b) != (a.Compare(b) == 0) {
			t.Fatalf("%s == %s is %t, but Compare returns %d", a, b, a == b, a.Compare(b))
		}
		var sum apd.Decimal
		if _, err := exact.Add(&sum, wantA, wantB); err != nil {
			t.Fatal(err)
		}
		want, wantErr := ParseNumber(sum.Text('f'))
		got, gotErr := a.Add(b)
		if (gotErr == nil) != (wantErr == nil) || got != want {
			t.Fatalf("%s + %s = %s, %v, want %s, %v", textA, textB, got, gotErr, want, wantErr)
		}
	}
}
