package terminal

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/sotto-chat/sotto/clients/sotto/harmless"
)

// ruler measures text as the terminal will show it: by grapheme where it has
// said that it can (mode 2027), by code point otherwise. The renderer goes by
// the same rule, so that the two never disagree about a column.
type ruler struct{ method ansi.Method }

func (r ruler) width(s string) int { return r.method.StringWidth(s) }

// next splits s behind its first grapheme.
func (r ruler) next(s string) (grapheme, rest string, width int) {
	grapheme, width = ansi.FirstGraphemeCluster(s, r.method)
	if grapheme == "" && s != "" { // nothing recognized: one byte, so as to end
		grapheme, width = s[:1], 1
	}
	return grapheme, s[len(grapheme):], width
}

// tab is what stands for a tabulator, whose width depends on the column and on
// the terminal.
const tab = "    "

// shown is a text of one line as it may reach the terminal.
func shown(s string) string { return strings.ReplaceAll(harmless.Text(s), "\t", tab) }

// cut shortens a line to a width and marks that it did.
func (r ruler) cut(s string, width int) string {
	if r.width(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	return r.method.Truncate(s, width, "…")
}

// pad fills a line up with spaces.
func (r ruler) pad(s string, width int) string {
	s = r.cut(s, width)
	return s + strings.Repeat(" ", max(width-r.width(s), 0))
}

// wrap makes a text harmless and breaks it into lines of at most width columns:
// at line feeds, then at spaces, and inside a word that is too long.
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
	brk, behind := -1, 0           // the last space in it, and the columns up to behind it
	for end < len(s) {
		grapheme, _, w := r.next(s[end:])
		if columns+w > width && end > start {
			switch {
			case grapheme == " ": // the break takes its place
				lines = append(lines, s[start:end])
				end += len(grapheme)
				start, columns, brk = end, 0, -1
				continue
			case brk > start:
				lines = append(lines, s[start:brk])
				start, columns = brk+1, columns-behind
			default:
				lines = append(lines, s[start:end])
				start, columns = end, 0
			}
			brk = -1
		}
		if grapheme == " " {
			brk, behind = end, columns+w
		}
		end += len(grapheme)
		columns += w
	}
	return append(lines, s[start:])
}
