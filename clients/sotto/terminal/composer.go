package terminal

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sotto-chat/sotto/shared/chat"
)

// composer is the text that the user writes in a room. The cursor is a byte
// offset, always between two graphemes.
type composer struct {
	text   string
	cursor int
}

// insert inserts a text at the cursor, without control characters except line
// feeds and tabs. If the result would exceed the limit, it inserts nothing and
// returns an error, because half of a text may mean something else.
func (c *composer) insert(s string) error {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	if over := len(c.text) + len(s) - chat.MaxBody; over > 0 {
		return fmt.Errorf("too long by %d: a message may have %d bytes; send it in parts", over, chat.MaxBody)
	}
	c.text = c.text[:c.cursor] + s + c.text[c.cursor:]
	c.cursor += len(s)
	return nil
}

// take empties the composer and returns its text.
func (c *composer) take() string {
	text := c.text
	*c = composer{}
	return text
}

func (c *composer) set(text string) { *c = composer{text: text, cursor: len(text)} }

// before returns the start of the grapheme before the cursor.
func (c *composer) before(r ruler) int {
	at := strings.LastIndexByte(c.text[:max(c.cursor-1, 0)], '\n') + 1 // no grapheme spans lines
	for at < c.cursor {
		grapheme, _, _ := r.next(c.text[at:])
		if at+len(grapheme) >= c.cursor {
			return at
		}
		at += len(grapheme)
	}
	return max(at, 0)
}

func (c *composer) left(r ruler) { c.cursor = c.before(r) }

func (c *composer) right(r ruler) {
	if c.cursor < len(c.text) {
		grapheme, _, _ := r.next(c.text[c.cursor:])
		c.cursor += len(grapheme)
	}
}

// wordBefore returns the start of the word before the cursor.
func (c *composer) wordBefore() int {
	head := strings.TrimRightFunc(c.text[:c.cursor], unicode.IsSpace)
	return strings.LastIndexFunc(head, unicode.IsSpace) + 1
}

// wordAfter returns the end of the word after the cursor.
func (c *composer) wordAfter() int {
	tail := strings.TrimLeftFunc(c.text[c.cursor:], unicode.IsSpace)
	end := strings.IndexFunc(tail, unicode.IsSpace)
	if end < 0 {
		end = len(tail)
	}
	return len(c.text) - len(tail) + end
}

func (c *composer) lineStart() int { return strings.LastIndexByte(c.text[:c.cursor], '\n') + 1 }

func (c *composer) lineEnd() int {
	if end := strings.IndexByte(c.text[c.cursor:], '\n'); end >= 0 {
		return c.cursor + end
	}
	return len(c.text)
}

// erase deletes the text between the cursor and another offset.
func (c *composer) erase(to int) {
	from, to := min(c.cursor, to), max(c.cursor, to)
	c.text = c.text[:from] + c.text[to:]
	c.cursor = from
}

// row is a line of the composer on the screen.
type row struct {
	text       string
	start, end int // in the composer's text
}

// rows breaks the text into rows and returns the position of the cursor.
func (c *composer) rows(r ruler, width int) (rows []row, y, x int) {
	now, columns := row{}, 0
	flush := func(end int) {
		now.end = end
		rows = append(rows, now)
		now, columns = row{start: end}, 0
	}
	for at := 0; at < len(c.text); {
		if c.text[at] == '\n' {
			if at == c.cursor {
				y, x = len(rows), columns
			}
			flush(at)
			at++
			now.start = at
			continue
		}
		grapheme, _, _ := r.next(c.text[at:])
		visible := shown(grapheme)
		w := r.width(visible)
		if columns+w > width {
			flush(at)
		}
		if at == c.cursor {
			y, x = len(rows), columns
		}
		now.text += visible
		columns += w
		at += len(grapheme)
	}
	if c.cursor == len(c.text) {
		if columns >= width { // the cursor needs another row
			flush(len(c.text))
		}
		y, x = len(rows), columns
	}
	flush(len(c.text))
	return rows, y, x
}

// vertical moves the cursor by rows and reports whether there was one to move
// to.
func (c *composer) vertical(r ruler, width, by int) bool {
	rows, y, x := c.rows(r, width)
	if y += by; y < 0 || y >= len(rows) {
		return false
	}
	at, columns := rows[y].start, 0
	for at < rows[y].end {
		grapheme, _, _ := r.next(c.text[at:])
		w := r.width(shown(grapheme))
		if columns+w > x {
			break
		}
		columns += w
		at += len(grapheme)
	}
	c.cursor = at
	return true
}
