// Package screentest runs a program on a pseudo-terminal and interprets its
// output as a terminal does. It is for tests.
package screentest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Screen is a terminal of the xterm family, with what full-screen programs use:
// text, cursor, erasing, scrolling, modes. It ignores styles and titles. It is
// safe for concurrent use.
type Screen struct {
	mu            sync.Mutex
	width, height int
	cells         [][]string // a wide character has an empty cell behind it
	x, y          int
	top, bottom   int // the scrolling region
	modes         map[string]bool
	pending       []byte // an incomplete sequence
	repeat        string // what REP repeats
	raw           []byte
}

// New returns an empty screen.
func New(width, height int) *Screen {
	s := &Screen{modes: map[string]bool{"?25": true}}
	s.Resize(width, height)
	return s
}

// Resize changes the size and empties the screen; the program will redraw it.
func (s *Screen) Resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width, s.height, s.top, s.bottom = width, height, 0, height-1
	s.cells = make([][]string, height)
	for y := range s.cells {
		s.cells[y] = blank(width)
	}
	s.x, s.y = 0, 0
}

func blank(width int) []string { return slices.Repeat([]string{" "}, width) }

// String returns the text on the screen, without trailing spaces.
func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, row := range s.cells {
		b.WriteString(strings.TrimRight(strings.Join(row, ""), " ") + "\n")
	}
	return b.String()
}

// Mode reports whether a private mode is set: "?1049" is the alternate screen,
// "?25" the cursor, "?2004" bracketed paste.
func (s *Screen) Mode(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modes[name]
}

// Raw returns all output.
func (s *Screen) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.raw)
}

// Write interprets p.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, p...)
	s.pending = append(s.pending, p...)
	for len(s.pending) > 0 {
		n := s.step(s.pending)
		if n == 0 {
			break // wait for the rest
		}
		s.pending = s.pending[n:]
	}
	return len(p), nil
}

// step handles the character or sequence at the start of p and returns its
// length.
func (s *Screen) step(p []byte) int {
	switch c := p[0]; {
	case c == 0x1b:
		return s.escape(p)
	case c < ' ' || c == 0x7f:
		s.control(c)
		return 1
	case !utf8.FullRune(p):
		return 0
	}
	r, n := utf8.DecodeRune(p)
	s.put(string(r))
	return n
}

func (s *Screen) control(c byte) {
	switch c {
	case '\r':
		s.x = 0
	case '\n':
		s.lineFeed()
	case '\b':
		s.x = max(s.x-1, 0)
	case '\t':
		s.x = min(s.x/8*8+8, s.width-1)
	}
}

func (s *Screen) lineFeed() {
	if s.y == s.bottom {
		s.scroll(s.top, 1)
		return
	}
	s.y = min(s.y+1, s.height-1)
}

// scroll moves the rows below from, up to the end of the scrolling region, up
// by n, or down if n is negative.
func (s *Screen) scroll(from, n int) {
	for ; n > 0; n-- {
		s.cells = slices.Insert(slices.Delete(s.cells, from, from+1), s.bottom, blank(s.width))
	}
	for ; n < 0; n++ {
		s.cells = slices.Insert(slices.Delete(s.cells, s.bottom, s.bottom+1), from, blank(s.width))
	}
}

func (s *Screen) put(text string) {
	w := ansi.StringWidthWc(text)
	if w == 0 {
		if at := s.x - 1; at >= 0 {
			for at > 0 && s.cells[s.y][at] == "" {
				at--
			}
			s.cells[s.y][at] += text
		}
		return
	}
	if s.x+w > s.width {
		s.x = 0
		s.lineFeed()
	}
	s.cells[s.y][s.x] = text
	if w == 2 {
		s.cells[s.y][s.x+1] = ""
	}
	s.x += w
	s.repeat = text
}

// escape handles an escape sequence and returns its length, 0 if it is not
// complete.
func (s *Screen) escape(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	switch p[1] {
	case '[':
		for i := 2; i < len(p); i++ {
			if p[i] >= '@' && p[i] <= '~' {
				s.sequence(string(p[2:i]), p[i])
				return i + 1
			}
		}
		return 0
	case ']', 'P', '_', '^', 'X': // titles, reports and the like
		for i := 2; i < len(p); i++ {
			if p[i] == '\a' {
				return i + 1
			}
			if p[i] == '\\' && p[i-1] == 0x1b {
				return i + 1
			}
		}
		return 0
	case 'M':
		if s.y == s.top {
			s.scroll(s.top, -1)
		} else {
			s.y = max(s.y-1, 0)
		}
	case 'D':
		s.lineFeed()
	case '(', ')':
		if len(p) < 3 {
			return 0
		}
		return 3
	}
	return 2
}

// sequence handles a control sequence (ECMA-48 and xterm).
func (s *Screen) sequence(parameters string, final byte) {
	if strings.HasPrefix(parameters, "?") && (final == 'h' || final == 'l') {
		for name := range strings.SplitSeq(parameters[1:], ";") {
			s.modes["?"+name] = final == 'h'
			if name == "1049" {
				for y := range s.cells {
					s.cells[y] = blank(s.width)
				}
			}
		}
		return
	}
	if strings.ContainsAny(parameters, "?<>=$ ") {
		return // queries, and settings without a visible effect
	}
	number := func(i, usual int) int {
		list := strings.Split(parameters, ";")
		if i < len(list) {
			if n, err := strconv.Atoi(list[i]); err == nil {
				return n
			}
		}
		return usual
	}
	n := max(number(0, 1), 1)
	row := s.cells[s.y]
	switch final {
	case 'A':
		s.y = max(s.y-n, 0)
	case 'B', 'e':
		s.y = min(s.y+n, s.height-1)
	case 'C', 'a':
		s.x = min(s.x+n, s.width-1)
	case 'D':
		s.x = max(min(s.x, s.width-1)-n, 0)
	case 'G', '`':
		s.x = min(n-1, s.width-1)
	case 'd':
		s.y = min(n-1, s.height-1)
	case 'H', 'f':
		s.y, s.x = min(n-1, s.height-1), min(max(number(1, 1), 1)-1, s.width-1)
	case 'I':
		for range n {
			s.control('\t')
		}
	case 'Z':
		s.x = max((s.x-1)/8*8-8*(n-1), 0)
	case 'b':
		for range n {
			s.put(s.repeat)
		}
	case 'X':
		copy(row[min(s.x, s.width):min(s.x+n, s.width)], blank(n))
	case '@':
		s.cells[s.y] = slices.Insert(row, s.x, blank(n)...)[:s.width]
	case 'P':
		s.cells[s.y] = append(slices.Delete(row, s.x, min(s.x+n, s.width)), blank(n)...)[:s.width]
	case 'K', 'J':
		s.erase(final, number(0, 0))
	case 'L':
		s.scroll(s.y, -n)
	case 'M':
		s.scroll(s.y, n)
	case 'S':
		s.scroll(s.top, n)
	case 'T':
		s.scroll(s.top, -n)
	case 'r':
		s.top, s.bottom = n-1, min(number(1, s.height), s.height)-1
		s.x, s.y = 0, 0
	}
}

// erase erases a part of the line (K) or of the screen (J).
func (s *Screen) erase(what byte, part int) {
	row, x := s.cells[s.y], min(s.x, s.width)
	switch part {
	case 0:
		copy(row[x:], blank(s.width))
	case 1:
		copy(row[:min(x+1, s.width)], blank(s.width))
	default:
		copy(row, blank(s.width))
	}
	for y := range s.cells {
		if what == 'J' && (part == 0 && y > s.y || part == 1 && y < s.y || part >= 2) {
			s.cells[y] = blank(s.width)
		}
	}
}
