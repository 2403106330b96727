package terminal

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/sotto-chat/sotto/clients/sotto/harmless"
)

// ruler measures text as the terminal shows it: by grapheme if the terminal
// reports mode 2027, otherwise by code point. The renderer uses the same
// measure.
type ruler struct{ method ansi.Method }

func (r ruler) width(s string) int { return r.method.StringWidth(s) }

// next splits s after its first grapheme.
func (r ruler) next(s string) (grapheme, rest string, width int) {
	grapheme, width = ansi.FirstGraphemeCluster(s, r.method)
	if grapheme == "" && s != "" { // not recognized: advance by one byte
		grapheme, width = s[:1], 1
	}
	return grapheme, s[len(grapheme):], width
}

// tab replaces a tab, whose width depends on the column and the terminal.
const tab = "    "

// shown makes a text of one line safe for the terminal.
func shown(s string) string { return strings.ReplaceAll(harmless.Text(s), "\t", tab) }

// cut shortens a line to a width, with … at the end.
func (r ruler) cut(s string, width int) string {
	if r.width(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	return r.method.Truncate(s, width, "…")
}

// pad cuts a line to a width or fills it up with spaces.
func (r ruler) pad(s string, width int) string {
	s = r.cut(s, width)
	return s + strings.Repeat(" ", max(width-r.width(s), 0))
}

// wrap makes a text safe for the terminal and breaks it into lines of at most
// width columns: at line feeds, at spaces, and inside words that are too long.
func (r ruler) wrap(s string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		lines = append(lines, r.wrapParagraph(shown(paragraph), width)...)
	}
	return lines
}

func (r ruler) wrapParagraph(s string, width int) []string {
	var lines []string
	start, end, columns := 0, 0, 0 // of the line
	brk, after := -1, 0            // the last space in the line, and the columns including it
	for end < len(s) {
		grapheme, _, w := r.next(s[end:])
		if columns+w > width && end > start {
			switch {
			case grapheme == " ": // the break replaces the space
				lines = append(lines, s[start:end])
				end += len(grapheme)
				start, columns, brk = end, 0, -1
				continue
			case brk > start:
				lines = append(lines, s[start:brk])
				start, columns = brk+1, columns-after
			default:
				lines = append(lines, s[start:end])
				start, columns = end, 0
			}
			brk = -1
		}
		if grapheme == " " {
			brk, after = end, columns+w
		}
		end += len(grapheme)
		columns += w
	}
	return append(lines, s[start:])
}
