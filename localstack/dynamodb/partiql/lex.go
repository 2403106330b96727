package partiql

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // identifier or keyword
	tokQuoted           // "identifier"
	tokString           // 'text'
	tokNumber           // 12, 1.5, 1e9; a sign is punctuation
	tokPunct
	tokBad
)

type token struct {
	kind tokenKind
	text string // without quotes and escapes
}

// lex splits a statement into tokens; the last has the kind tokEnd.
func lex(src string) []token {
	var out []token
	for pos := 0; pos < len(src); {
		c := src[pos]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			pos++
			continue
		}
		t, end := next(src, pos)
		out = append(out, t)
		pos = end
	}
	return append(out, token{kind: tokEnd})
}

// next returns the token at pos and its end.
func next(src string, pos int) (t token, end int) {
	c := src[pos]
	switch {
	case isLetter(c):
		end = pos
		for end < len(src) && (isLetter(src[end]) || isDigit(src[end])) {
			end++
		}
		return token{tokWord, src[pos:end]}, end
	case isDigit(c) || c == '.' && pos+1 < len(src) && isDigit(src[pos+1]):
		end = numberEnd(src, pos)
		return token{tokNumber, src[pos:end]}, end
	case c == '\'' || c == '"':
		return quoted(src, pos)
	}
	for _, p := range []string{"<<", ">>", "<>", "<=", ">=", "!="} {
		if strings.HasPrefix(src[pos:], p) {
			return token{tokPunct, p}, pos + 2
		}
	}
	if strings.IndexByte("()[]{},.:=<>+-*?;", c) >= 0 {
		return token{tokPunct, src[pos : pos+1]}, pos + 1
	}
	_, size := utf8.DecodeRuneInString(src[pos:])
	return token{tokBad, src[pos : pos+size]}, pos + size
}

// quoted returns the string or quoted identifier at pos. A doubled quote in it
// means one quote.
func quoted(src string, pos int) (t token, end int) {
	quote := src[pos]
	kind := tokString
	if quote == '"' {
		kind = tokQuoted
	}
	var text strings.Builder
	for i := pos + 1; i < len(src); i++ {
		switch {
		case src[i] != quote:
			text.WriteByte(src[i])
		case i+1 < len(src) && src[i+1] == quote:
			text.WriteByte(quote)
			i++
		default:
			return token{kind, text.String()}, i + 1
		}
	}
	return token{tokBad, src[pos : pos+1]}, len(src)
}

// numberEnd returns the end of the number at pos.
func numberEnd(src string, pos int) int {
	digits := func() {
		for pos < len(src) && isDigit(src[pos]) {
			pos++
		}
	}
	digits()
	if pos < len(src) && src[pos] == '.' {
		pos++
		digits()
	}
	if pos < len(src) && (src[pos] == 'e' || src[pos] == 'E') {
		exponent := pos + 1
		if exponent < len(src) && (src[exponent] == '+' || src[exponent] == '-') {
			exponent++
		}
		if exponent < len(src) && isDigit(src[exponent]) {
			pos = exponent
			digits()
		}
	}
	return pos
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$'
}
