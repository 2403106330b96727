// Package harmless makes what others wrote safe for a terminal: it spells out
// whatever a terminal would obey instead of show. It is for text on its way to
// a screen, never for text that is stored, sent or piped on.
package harmless

import (
	"strconv"
	"strings"
	"unicode"
)

// Text spells out what a terminal would obey in s. Line feeds count: a text of
// several lines is split first.
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

// obeyed says whether a terminal acts on r: control characters but the
// tabulator, line separators, and the marks that change the direction of
// writing (Unicode Bidi_Control).
func obeyed(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}
