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

// invisible are characters without a width that no script needs. Two texts that
// differ in them only look the same. The joiners U+200C and U+200D, which some
// scripts and emoji need, are not among them.
const invisible = "\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"

// obeyed reports whether r acts instead of being shown: control characters
// except the tab, line separators, the characters that change the direction of
// writing (Unicode Bidi_Control), and invisible ones. The web client shows the
// same (clients/web/src/ui/logic/text.ts); the vectors for both are in
// testdata.
func obeyed(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) ||
		strings.ContainsRune(invisible, r)
}
