package attr

import (
	"bytes"
	"errors"
	"strings"
)

// Key encoding. A key value is a type byte and a self-delimiting body. So keys
// can be concatenated (partition key, then sort key), and the byte order of the
// result is the order of the parts:
//
//	S, B   the bytes, 0x00 as 0x00 0xFF, then 0x00 0x01
//	N      0x02, the exponent + 130, the digits two by two as 1…100, then 0x00
//	       for a positive number; 0x01 alone for zero; for a negative number
//	       0x00 and the positive body after 0x02 with every bit inverted
//
// The last digit of a number is never zero. So if the digits of one number are
// a prefix of those of another, the first number is the smaller one, and its
// terminator sorts before the digits of the other.
const (
	keyN = 0x10
	keyS = 0x20
	keyB = 0x30

	escape     = 0x00
	escapedNul = 0xFF
	terminator = 0x01

	signNegative = 0x00
	signZero     = 0x01
	signPositive = 0x02
)

var errKey = errors.New("malformed key encoding")

// AppendKey appends the key encoding of v, which has type S, N or B. The byte
// order of encodings is DynamoDB's order of sort keys: numbers by value,
// strings and binaries byte by byte. No encoding is a prefix of another, so
// encodings can be concatenated. AppendKey appends nothing for other types,
// which cannot be keys.
func AppendKey(dst []byte, v Value) []byte {
	switch v.kind {
	case S, B:
		return append(AppendKeyPrefix(dst, v), escape, terminator)
	case N:
		return appendNumber(append(dst, keyN), v.Number())
	}
	return dst
}

// AppendKeyPrefix appends the common prefix of the keys of all strings or
// binaries that begin with v. No other key has this prefix. AppendKeyPrefix
// appends nothing if v is neither S nor B.
func AppendKeyPrefix(dst []byte, v Value) []byte {
	switch v.kind {
	case S:
		dst = append(dst, keyS)
	case B:
		dst = append(dst, keyB)
	default:
		return dst
	}
	rest := v.text
	for {
		i := strings.IndexByte(rest, escape)
		if i < 0 {
			return append(dst, rest...)
		}
		dst = append(dst, rest[:i]...)
		dst = append(dst, escape, escapedNul)
		rest = rest[i+1:]
	}
}

func appendNumber(dst []byte, n Number) []byte {
	switch n.Sign() {
	case 0:
		return append(dst, signZero)
	case 1:
		dst = append(dst, signPositive)
	default:
		dst = append(dst, signNegative)
	}
	start := len(dst)
	dst = append(dst, byte(n.exp-minExponent))
	for i := 0; i < len(n.digits); i += 2 {
		pair := 10 * (n.digits[i] - '0')
		if i+1 < len(n.digits) {
			pair += n.digits[i+1] - '0'
		}
		dst = append(dst, pair+1)
	}
	dst = append(dst, 0)
	if n.neg {
		invert(dst[start:])
	}
	return dst
}

func decodeNumber(b []byte) (Number, []byte, error) {
	if len(b) == 0 {
		return Number{}, nil, errKey
	}
	sign, b := b[0], b[1:]
	if sign == signZero {
		return Number{}, b, nil
	}
	// The longest body is the exponent, maxDigits/2 pairs and the terminator.
	body := bytes.Clone(b[:min(len(b), 1+maxDigits/2+1)])
	switch sign {
	case signPositive:
	case signNegative:
		invert(body)
	default:
		return Number{}, nil, errKey
	}
	if len(body) < 2 {
		return Number{}, nil, errKey
	}
	end := bytes.IndexByte(body[1:], 0) + 1
	if end < 2 {
		return Number{}, nil, errKey
	}
	digits := make([]byte, 0, maxDigits)
	for _, pair := range body[1:end] {
		if pair > 100 {
			return Number{}, nil, errKey
		}
		digits = append(digits, '0'+(pair-1)/10, '0'+(pair-1)%10)
	}
	exp := int(body[0]) + minExponent
	n, err := canonical(sign == signNegative, string(digits), exp)
	// appendNumber writes neither leading zeros nor a zero pair at the end.
	if err != nil || int(n.exp) != exp || (len(n.digits)+1)/2 != end-1 {
		return Number{}, nil, errKey
	}
	return n, b[end+1:], nil
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}
