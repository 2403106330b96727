package expr

import "unicode/utf8"

type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokIdent            // attribute name, function name or keyword
	tokName             // #placeholder
	tokValue            // :placeholder
	tokNumber           // digits
	tokPunct            // ( ) [ ] , . = <> < <= > >= + -
	tokBad              // a character that no token begins with
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset in the expression
}

func (t token) end() int { return t.pos + len(t.text) }

// is reports whether t is the given punctuation.
func (t token) is(punct string) bool { return t.kind == tokPunct && t.text == punct }

// lex splits an expression into tokens; the last has the kind tokEOF. It never
// fails. Invalid characters become tokBad tokens, so that the parser reports
// the leftmost mistake.
func lex(src string) []token {
	var tokens []token
	for pos := 0; pos < len(src); {
		if isSpace(src[pos]) {
			pos++
			continue
		}
		t := next(src, pos)
		tokens = append(tokens, t)
		pos = t.end()
	}
	return append(tokens, token{kind: tokEOF, text: "<EOF>", pos: len(src)})
}

// next returns the token at pos, which is not at a space.
func next(src string, pos int) token {
	c := src[pos]
	switch {
	case isLetter(c):
		return token{tokIdent, src[pos:wordEnd(src, pos)], pos}
	case isDigit(c):
		end := pos
		for end < len(src) && isDigit(src[end]) {
			end++
		}
		return token{tokNumber, src[pos:end], pos}
	case c == '#' || c == ':':
		end := wordEnd(src, pos+1)
		if end == pos+1 {
			break
		}
		kind := tokName
		if c == ':' {
			kind = tokValue
		}
		return token{kind, src[pos:end], pos}
	case c == '<' || c == '>':
		if two := src[pos:min(pos+2, len(src))]; two == "<>" || two == "<=" || two == ">=" {
			return token{tokPunct, two, pos}
		}
		return token{tokPunct, src[pos : pos+1], pos}
	}
	switch c {
	case '(', ')', '[', ']', ',', '.', '=', '+', '-':
		return token{tokPunct, src[pos : pos+1], pos}
	}
	_, size := utf8.DecodeRuneInString(src[pos:])
	return token{tokBad, src[pos : pos+size], pos}
}

// isPlaceholder reports whether key is a well-formed placeholder with the given
// first character.
func isPlaceholder(key string, first byte) bool {
	return len(key) > 1 && key[0] == first && wordEnd(key, 1) == len(key)
}

// wordEnd returns the end of the letters, digits and underscores that start at
// pos.
func wordEnd(s string, pos int) int {
	for pos < len(s) && (isLetter(s[pos]) || isDigit(s[pos]) || s[pos] == '_') {
		pos++
	}
	return pos
}

func isSpace(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
