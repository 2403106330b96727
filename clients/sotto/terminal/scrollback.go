package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
)

// gutter is the width to the left of each text: the selection mark, the state
// of the user's message, and a space.
const gutter = 4

// together is the longest pause between messages of one sender under one
// heading.
const together = 5 * time.Minute

// line is one line of the scrollback.
type line struct {
	text  string
	entry *entry
	n     int // index among the lines of the entry
}

// renderKey holds what the lines of a timeline depend on, besides its entries.
type renderKey struct {
	width int
	ruler ruler
	day   string // today
}

// scrollback draws a room's timeline as lines.
type scrollback struct {
	room   *room
	styles styles
	renderKey
	lines    []line
	previous *entry
}

// render returns all lines of a room's timeline. It caches them.
func (m *Model) render(r *room, width int) []line {
	key := renderKey{width, m.ruler, m.now().Format(time.DateOnly)}
	t := &r.timeline
	if t.dirty || t.key != key {
		s := &scrollback{room: r, styles: m.styles, renderKey: key}
		lastRead := s.lastRead(m.me)
		for _, e := range t.all() {
			s.add(e, e.From == m.me && e.Problem == nil)
			if e == lastRead {
				s.line(e, s.styles.faint.Render(m.ruler.cut(strings.Repeat(" ", gutter)+"read by "+
					names(r.readers(m.me, e.Seq)), width)))
			}
		}
		t.cache, t.key, t.dirty = s.lines, key, false
	}
	return t.cache
}

// lastRead returns the user's newest message that another user has read, or
// nil.
func (s *scrollback) lastRead(me chat.User) *entry {
	for _, e := range slices.Backward(s.room.timeline.entries) {
		if e.From == me && len(s.room.readers(me, e.Seq)) > 0 {
			return e
		}
	}
	return nil
}

func (s *scrollback) line(e *entry, text string) {
	n := 0
	if len(s.lines) > 0 && s.lines[len(s.lines)-1].entry == e {
		n = s.lines[len(s.lines)-1].n + 1
	}
	if rest, free := strings.CutPrefix(text, " "); free && s.room.timeline.selected == e {
		text = ">" + rest
	}
	s.lines = append(s.lines, line{text, e, n})
}

func (s *scrollback) add(e *entry, own bool) {
	p := s.previous
	at, before := e.StoredAt.Local(), time.Time{}
	if p != nil {
		before = p.StoredAt.Local()
	}
	if e.Problem != nil {
		at = before // it has no time
		e.StoredAt = before
	}
	newDay := !at.IsZero() && at.Format(time.DateOnly) != before.Format(time.DateOnly)
	if newDay {
		s.line(e, s.styles.faint.Render(s.day(at)))
	}
	if e.NewDevice {
		for _, text := range s.ruler.wrap(fmt.Sprintf("%s writes from a new device. It may be someone else who uses this name: compare safety numbers in a call or in person, /safety %s", e.From, e.From), s.width-gutter) {
			s.line(e, " "+s.styles.warning.Render("!!")+" "+s.styles.warning.Render(text))
		}
	}
	if p == nil || newDay || e.NewDevice || p.From != e.From || p.Device != e.Device || at.Sub(before) > together {
		s.heading(e, at)
	}
	s.body(e, own)
	s.previous = e
}

// day returns the line before the first message of a day.
func (s *scrollback) day(at time.Time) string {
	name := " " + at.Format("Monday, 2 January 2006") + " "
	if at.Format(time.DateOnly) == s.renderKey.day {
		name = " today "
	}
	rule := max(s.width-2-s.ruler.width(name), 0)
	return s.ruler.cut("  "+strings.Repeat("─", rule/2)+name+strings.Repeat("─", rule-rule/2), s.width)
}

func (s *scrollback) heading(e *entry, at time.Time) {
	if e.Problem != nil {
		return
	}
	name := s.ruler.cut(shown(string(e.From)), s.width-gutter-8)
	s.line(e, "  "+s.styles.name(e.From).Render(name)+"  "+s.styles.faint.Render(at.Format("15:04")))
}

// body adds the text, with the state of the user's message in the gutter.
func (s *scrollback) body(e *entry, own bool) {
	width := s.width - gutter
	if e.width != width || e.lines == nil {
		body := e.Body
		if e.Operation != nil {
			body = "-- " + roomcmd.Entry(e.From, e.Operation)
		}
		if e.Problem != nil {
			body = fmt.Sprintf("[message %d cannot be shown: %v]", e.Seq, e.Problem)
		}
		e.lines, e.width = s.ruler.wrap(body, width), width
	}
	state := "  "
	if own {
		state = s.state(e)
	}
	for i, text := range e.lines {
		if i > 0 {
			state = "  "
		}
		if e.Problem != nil || e.Operation != nil {
			text = s.styles.faint.Render(text)
		}
		s.line(e, " "+state+" "+text)
	}
	if e.refusal != "" {
		for _, text := range s.ruler.wrap(fmt.Sprintf("not sent: %s (Tab, then r sends it again, x discards it)",
			e.refusal), width) {
			s.line(e, "    "+s.styles.warning.Render(text))
		}
	}
}

// state returns the mark of a message of the user.
func (s *scrollback) state(e *entry) string {
	switch {
	case e.refusal != "":
		return s.styles.warning.Render("!!")
	case e.Seq == 0:
		return s.styles.faint.Render("..")
	case len(s.room.receivers(e.From, e.Seq)) > 0:
		return s.styles.faint.Render("✓✓")
	}
	return s.styles.faint.Render("✓ ")
}

// names lists users: the first four by name, then how many more.
func names[T ~string](users []T) string {
	const most = 4
	var list []string
	for i, u := range users {
		if i == most && len(users) > most+1 {
			list = append(list, fmt.Sprintf("%d more", len(users)-most))
			break
		}
		list = append(list, shown(string(u)))
	}
	return strings.Join(list, ", ")
}

// window returns the lines that are on the screen, and whether they include the
// first one.
func (t *timeline) window(lines []line, height int) (visible []line, atTop bool) {
	end := t.end(lines)
	if t.bottom != nil {
		end = min(max(end, height), len(lines))
	}
	start := max(end-height, 0)
	return lines[start:end], start == 0
}

// end returns the index after the line at the lower edge.
func (t *timeline) end(lines []line) int {
	if t.bottom == nil {
		return len(lines)
	}
	end := len(lines)
	for i, l := range slices.Backward(lines) {
		if l.entry == t.bottom {
			end = i + 1
			if l.n <= t.line {
				break
			}
		}
	}
	return end
}

// scroll moves the lower edge by a number of lines. At the end the window
// follows new messages again.
func (t *timeline) scroll(lines []line, by, height int) {
	if len(lines) <= height {
		t.bottom = nil
		return
	}
	end := min(max(t.end(lines)+by, height), len(lines))
	if end == len(lines) {
		t.bottom = nil
		return
	}
	t.bottom, t.line = lines[end-1].entry, lines[end-1].n
}

// reveal scrolls until the selected message is on the screen.
func (t *timeline) reveal(lines []line, height int) {
	first := slices.IndexFunc(lines, func(l line) bool { return l.entry == t.selected })
	if first < 0 {
		return
	}
	last := first
	for last+1 < len(lines) && lines[last+1].entry == t.selected {
		last++
	}
	end := t.end(lines)
	if t.bottom != nil {
		end = min(max(end, height), len(lines))
	}
	switch start := max(end-height, 0); {
	case last >= end:
		t.scroll(lines, last+1-end, height)
	case first < start:
		t.scroll(lines, max(first, last+1-height)+height-end, height)
		if first+height < len(lines) && t.bottom == nil {
			t.bottom, t.line = lines[first+height-1].entry, lines[first+height-1].n
		}
	}
}
