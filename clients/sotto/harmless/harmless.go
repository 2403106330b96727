// Package harmless makes the texts of other users safe to print on a terminal:
// it escapes control characters. Use it only for text that is displayed, not
// for text that is stored, sent or piped.
package harmless

import (
	"strconv"
	"strings"
	"unicode"
)

// Text escapes the characters in s that a terminal would act on. That includes
// line feeds, so split a text of several lines first.
func Text(s string) string {
	if strings.IndexFunc(s, obeyed) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if obeyed(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// obeyed reports whether a terminal acts on r: control characters except the
// tab, line separators, and the characters that change the direction of writing
// (Unicode Bidi_Control).
func obeyed(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}
