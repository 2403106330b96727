package strict

import "bytes"

// MaxDepth is how many arrays and objects may be nested. The protocol nests at
// most five.
const MaxDepth = 16

// maxInteger is 2⁵³-1, the largest integer that every reader of JSON keeps
// exact (RFC 8259 §6).
const maxInteger = "9007199254740991"

// scan checks the depth and the numbers of a text. It relies on the decoder to
// refuse a text that is not JSON: of such a text it may find any fault or none.
func scan(data []byte) error {
	depth := 0
	for at := 0; at < len(data); at++ {
		switch c := data[at]; {
		case c == '"':
			at = endOfString(data, at)
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return &redacted{what: "too deep", offset: int64(at)}
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || isDigit(c):
			end := endOfNumber(data, at)
			if !isInteger(data[at:end]) {
				return &redacted{what: "number that is not a safe integer", offset: int64(at)}
			}
			at = end - 1
		}
	}
	return nil
}

// endOfString returns the place of the quotation mark that ends the string that
// begins at start, or of the last byte if none does.
func endOfString(data []byte, start int) int {
	for at := start + 1; ; at++ {
		next := bytes.IndexAny(data[min(at, len(data)):], `"\\`)
		if next < 0 {
			return len(data) - 1
		}
		if at += next; data[at] == '"' {
			return at
		}
		at++ // the escaped character
	}
}

func endOfNumber(data []byte, at int) int {
	for at < len(data) && (isDigit(data[at]) || bytes.IndexByte([]byte("+-.eE"), data[at]) >= 0) {
		at++
	}
	return at
}

// isInteger reports whether a number is an integer from -(2⁵³-1) to 2⁵³-1 in
// its only spelling: no fraction, exponent or leading zero, and no -0.
func isInteger(number []byte) bool {
	digits, negative := bytes.CutPrefix(number, []byte("-"))
	for _, c := range digits {
		if !isDigit(c) {
			return false
		}
	}
	switch {
	case len(digits) == 0 || len(digits) > len(maxInteger):
		return false
	case digits[0] == '0':
		return len(digits) == 1 && !negative
	}
	return len(digits) < len(maxInteger) || string(digits) <= maxInteger
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
