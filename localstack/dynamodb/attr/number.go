package attr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The range of DynamoDB numbers (DynamoDB data types, "Number").
const (
	maxDigits   = 38   // significant decimal digits
	maxExponent = 125  // largest magnitude 9.9999999999999999999999999999999999999E+125
	minExponent = -130 // smallest magnitude 1E-130
)

const (
	msgOverflow  = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	msgUnderflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	msgPrecision = "Attempting to store more than 38 significant digits in a Number"
)

// Number is a decimal number: 0, or up to 38 significant digits with a
// magnitude from 1E-130 to 9.9…E+125. Its form is canonical, so equal numbers
// ("1", "1.0", "10e-1") are equal under ==. The zero Number is 0.
type Number struct {
	neg bool
	// exp is the power of ten of the first digit.
	exp int16
	// digits are the significant digits, empty for zero. Neither the first nor
	// the last is '0'. The number is d.ddd × 10^exp.
	digits string
}

// NumberFromInt returns the number i.
func NumberFromInt(i int64) Number {
	text := strconv.FormatInt(i, 10)
	neg := text[0] == '-'
	if neg {
		text = text[1:]
	}
	// An int64 has at most 19 digits, so it is always within the range.
	n, _ := canonical(neg, text, len(text)-1)
	return n
}

// ParseNumber parses a decimal number such as "-12.50" or "1E+9". It returns a
// [*ValidationError] with DynamoDB's text if s is not a number, needs more than
// 38 digits or is outside the range.
func ParseNumber(s string) (Number, error) {
	mantissa, exponent, hasExponent := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExponent = s[:i], s[i+1:], true
	}
	neg := strings.HasPrefix(mantissa, "-")
	if neg || strings.HasPrefix(mantissa, "+") {
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || !allDigits(digits) {
		return Number{}, notNumeric(s)
	}
	exp := len(whole) - 1
	if hasExponent {
		shift, ok := parseExponent(exponent)
		if !ok {
			return Number{}, notNumeric(s)
		}
		exp += shift
	}
	return canonical(neg, digits, exp)
}

// parseExponent parses an integer with an optional sign. It limits exponents
// that are far outside the range, so that sums with them cannot overflow.
func parseExponent(s string) (int, bool) {
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if s == "" || !allDigits(s) {
		return 0, false
	}
	const limit = 1 << 30 // more than the digits of the largest request body
	e, err := strconv.Atoi(s)
	if err != nil || e > limit {
		e = limit
	}
	if neg {
		e = -e
	}
	return e, true
}

// canonical returns the number with the given digits, the first of which has
// the power exp of ten. It removes leading and trailing zeros and checks the
// range.
func canonical(neg bool, digits string, exp int) (Number, error) {
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	switch {
	case trimmed == "":
		return Number{}, nil
	case len(trimmed) > maxDigits:
		return Number{}, Invalidf(msgPrecision)
	case exp > maxExponent:
		return Number{}, Invalidf(msgOverflow)
	case exp < minExponent:
		return Number{}, Invalidf(msgUnderflow)
	}
	return Number{neg: neg, exp: int16(exp), digits: trimmed}, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func notNumeric(s string) error {
	if s == "" {
		return &ValidationError{
			Message: "The parameter cannot be converted to a numeric value: ",
			Older:   "The parameter cannot be converted to a numeric value",
		}
	}
	return Invalidf("The parameter cannot be converted to a numeric value: %s", s)
}

// String returns the number as DynamoDB writes it: in decimal notation without
// an exponent and without leading or trailing zeros.
func (n Number) String() string {
	if n.digits == "" {
		return "0"
	}
	var b strings.Builder
	if n.neg {
		b.WriteByte('-')
	}
	whole := int(n.exp) + 1 // digits before the decimal point
	switch {
	case whole <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -whole))
		b.WriteString(n.digits)
	case whole >= len(n.digits):
		b.WriteString(n.digits)
		b.WriteString(strings.Repeat("0", whole-len(n.digits)))
	default:
		b.WriteString(n.digits[:whole])
		b.WriteByte('.')
		b.WriteString(n.digits[whole:])
	}
	return b.String()
}

// Int64 returns the number as an int64. ok is false if the number has a
// fraction or does not fit.
func (n Number) Int64() (i int64, ok bool) {
	if n.exp < 0 || len(n.digits) > int(n.exp)+1 {
		return 0, n.digits == ""
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	return i, err == nil
}

// Floor returns the largest int64 that is not above the number. ok is false if
// the number does not fit.
func (n Number) Floor() (i int64, ok bool) {
	if i, ok := n.Int64(); ok {
		return i, true
	}
	whole := n
	switch {
	case n.exp < 0: // between -1 and 1
		whole = Number{}
	case len(n.digits) > int(n.exp)+1:
		whole.digits = strings.TrimRight(n.digits[:n.exp+1], "0")
	}
	if i, ok = whole.Int64(); ok && n.neg {
		if i == math.MinInt64 {
			return 0, false
		}
		i--
	}
	return i, ok
}

// Sign returns -1, 0 or 1.
func (n Number) Sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.neg:
		return -1
	}
	return 1
}

// Compare returns -1 if n < m, 0 if n == m and 1 if n > m.
func (n Number) Compare(m Number) int {
	if n.Sign() != m.Sign() {
		return cmpInt(n.Sign(), m.Sign())
	}
	order := cmpInt(int(n.exp), int(m.exp))
	if order == 0 {
		order = strings.Compare(n.digits, m.digits)
	}
	return order * n.Sign()
}

func cmpInt(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Neg returns -n.
func (n Number) Neg() Number {
	n.neg = !n.neg && n.digits != ""
	return n
}

// Add returns the exact sum of n and m. It returns a [*ValidationError] if the
// sum is outside the range or needs more than 38 digits. DynamoDB's text says
// "overflow" in both cases.
func (n Number) Add(m Number) (Number, error) {
	if n.digits == "" {
		return m, nil
	}
	if m.digits == "" {
		return n, nil
	}
	// In units of 10^low, both numbers and their sum are integers.
	low := min(n.lowest(), m.lowest())
	sum := n.scaled(low)
	sum.Add(sum, m.scaled(low))

	neg := sum.Sign() < 0
	digits := sum.Abs(sum).String()
	out, err := canonical(neg, digits, low+len(digits)-1)
	if err != nil && err.Error() == msgPrecision {
		return Number{}, Invalidf(msgOverflow)
	}
	return out, err
}

// Sub returns the exact difference of n and m, with the errors of [Number.Add].
func (n Number) Sub(m Number) (Number, error) { return n.Add(m.Neg()) }

// lowest returns the power of ten of the last digit.
func (n Number) lowest() int { return int(n.exp) - len(n.digits) + 1 }

// scaled returns n / 10^low, which must be an integer.
func (n Number) scaled(low int) *big.Int {
	i, _ := new(big.Int).SetString(n.digits+strings.Repeat("0", n.lowest()-low), 10)
	if n.neg {
		i.Neg(i)
	}
	return i
}
