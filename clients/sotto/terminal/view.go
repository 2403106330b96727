package terminal

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/shared/chat"
)

// The minimum size of the screen, and the widths from which the list of rooms
// is shown, and has space for whole names.
const (
	leastWidth  = 40
	leastHeight = 10
	narrowFrom  = 64
	narrowRooms = 18
	wideFrom    = 110
	wideRooms   = 38 // a name has at most 32 characters, the count four
)

// prompt is before the composer's first line.
const prompt = "> "

func (m *Model) tooSmall() bool { return m.width < leastWidth || m.height < leastHeight }

// sidebarWidth returns the width of the list of rooms and the rule next to it,
// 0 if it is not shown.
func (m *Model) sidebarWidth() int {
	switch {
	case m.width < narrowFrom:
		return 0
	case m.width < wideFrom:
		return narrowRooms + 1
	}
	return wideRooms + 1
}

func (m *Model) mainWidth() int     { return m.width - m.sidebarWidth() }
func (m *Model) composerWidth() int { return m.mainWidth() - len(prompt) - 1 }

// composerHeight returns the number of rows of the composer, at most a third of
// the screen.
func (m *Model) composerHeight() int {
	if m.panel != nil {
		return 0
	}
	rows, _, _ := m.room().composer.rows(m.ruler, m.composerWidth())
	return min(max(len(rows), 1), max(m.height/3, 1))
}

// scrollbackSize returns the size for the messages: all but title, rule,
// composer and status. For a panel it is all but title and status.
func (m *Model) scrollbackSize() (width, height int) {
	height = m.height - 2 - m.composerHeight()
	if m.panel == nil {
		height--
	}
	return m.mainWidth(), max(height, 1)
}

// View draws the screen.
func (m *Model) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	v.WindowTitle = "sotto: " + shown(m.roomTitle(m.current))
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if m.tooSmall() {
		v.Content = fmt.Sprintf("%d×%d is too small;\nsotto needs %d×%d.\nCtrl-C quits.", m.width,
			m.height, leastWidth, leastHeight)
		return v
	}
	width, height := m.scrollbackSize()
	var main []string
	if m.panel != nil {
		main = m.panelLines(width, height)
	} else {
		main = m.messageLines(width, height)
		main = append(main, m.styles.faint.Render(strings.Repeat("─", width)))
		composed, cursor := m.composed()
		main = append(main, composed...)
		if !m.selecting {
			cursor.X += m.sidebarWidth()
			cursor.Y += 1 + height + 1
			v.Cursor = tea.NewCursor(cursor.X, cursor.Y)
		}
	}
	lines := []string{m.title()}
	side := m.sidebar(len(main))
	for i, text := range main {
		if side != nil {
			text = side[i] + text
		}
		lines = append(lines, text)
	}
	v.Content = strings.Join(append(lines, m.status()), "\n")
	return v
}

// messageLines returns the lines of the messages, aligned at the bottom.
func (m *Model) messageLines(width, height int) []string {
	r := m.room()
	visible, atTop := r.timeline.window(m.render(r, width), height)
	lines := make([]string, 0, height)
	for _, l := range visible {
		lines = append(lines, l.text)
	}
	if atTop && len(lines) < height {
		about := "the history of " + m.roomTitle(r.name) + " starts here"
		switch {
		case r.loading:
			about = "reading the history"
		case !r.top:
			about = "there are older messages"
		case len(lines) == 0:
			about = "no messages yet"
		}
		lines = slices.Insert(lines, 0, m.styles.faint.Render(m.ruler.cut("  "+about, width)))
		if greeting := m.greetingLines(width); len(lines)+len(greeting) <= height {
			lines = slices.Concat(greeting, lines)
		}
	}
	if missing := height - len(lines); missing > 0 {
		lines = append(make([]string, missing), lines...)
	}
	if r.timeline.bottom != nil {
		lines[height-1] = m.styles.strong.Render(m.ruler.pad("  ↓ newer messages below: PgDn, Ctrl-End", width))
	}
	return lines
}

// greetingLines returns the lines of the greeting and an empty one, or none.
func (m *Model) greetingLines(width int) []string {
	if m.greeting == "" {
		return nil
	}
	var lines []string
	for _, text := range m.ruler.wrap(m.greeting, width-2) {
		lines = append(lines, m.styles.faint.Render("  "+text))
	}
	return append(lines, "")
}

func (m *Model) panelLines(width, height int) []string {
	lines := m.panel.lines(m, width-3)
	m.above = min(m.above, max(len(lines)-height+1, 0)) // do not scroll below the end
	more := len(lines)-m.above > height-1
	lines = lines[m.above:min(len(lines), m.above+height-1)]
	out := []string{}
	for _, text := range lines {
		out = append(out, "  "+text)
	}
	for len(out) < height-1 {
		out = append(out, "")
	}
	foot := "Esc: back"
	if more || m.above > 0 {
		foot += "   ↑ ↓: more"
	}
	return append(out, m.styles.faint.Render("  "+foot))
}

// composed returns the composer's lines and the position of its cursor.
func (m *Model) composed() ([]string, tea.Position) {
	c := &m.room().composer
	rows, y, x := c.rows(m.ruler, m.composerWidth())
	height := m.composerHeight()
	first := max(min(y, len(rows)-1)-height+1, 0)
	var lines []string
	for i := range height {
		lead := strings.Repeat(" ", len(prompt))
		if first+i == 0 {
			lead = m.styles.strong.Render(prompt)
		}
		lines = append(lines, lead+rows[first+i].text)
	}
	return lines, tea.Position{X: len(prompt) + x, Y: y - first}
}

// title returns the first line: the room or panel, the user, and the key for
// help.
func (m *Model) title() string {
	help := " F1 help "
	where := m.roomTitle(m.current)
	if m.panel != nil {
		where = m.panel.title()
	}
	text := fmt.Sprintf(" sotto  %s  %s@%s", where, m.me, m.address)
	if n := m.unreadElsewhere(); m.sidebarWidth() == 0 && n > 0 {
		text = fmt.Sprintf(" sotto  %s  (%d unread elsewhere)", where, n)
	}
	return m.styles.bar.Render(m.ruler.pad(shown(text), m.width-m.ruler.width(help)) + help)
}

func (m *Model) unreadElsewhere() (n int) {
	for name, r := range m.rooms {
		if name != m.current {
			n += r.unread()
		}
	}
	return n
}

// firstRoom returns the index of the first room on the screen.
func (m *Model) firstRoom() int {
	i := slices.Index(m.order, m.current)
	return max(i-(m.height-2)+1, 0)
}

// sidebar returns the list of rooms, or nil if there is no space for it.
func (m *Model) sidebar(height int) []string {
	if m.sidebarWidth() == 0 {
		return nil
	}
	lines := make([]string, 0, height)
	for _, name := range m.order[min(m.firstRoom(), len(m.order)):] {
		if len(lines) == height {
			break
		}
		lines = append(lines, m.roomLine(name))
	}
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", m.sidebarWidth()-1))
	}
	for i := range lines {
		lines[i] += m.styles.faint.Render("│")
	}
	return lines
}

func (m *Model) roomLine(name chat.Room) string {
	count := ""
	if n := m.rooms[name].unread(); n > 999 {
		count = "999+ "
	} else if n > 0 {
		count = fmt.Sprintf("%d ", n)
	}
	mark := " "
	if name == m.current {
		mark = ">"
	}
	text := m.ruler.pad(mark+shown(m.roomTitle(name)), m.sidebarWidth()-1-len(count)) + count
	switch {
	case name == m.current:
		return m.styles.current.Render(text)
	case count != "":
		return m.styles.unread.Render(text)
	}
	return text
}

// status returns the last line: the connection, then the notice or who is here.
func (m *Model) status() string {
	left := "connected"
	if m.offline != nil {
		left = "no connection"
		if wait := m.retryAt.Sub(m.now()).Round(1e9); wait > 0 {
			left += fmt.Sprintf(", next attempt in %v", wait)
		} else {
			left += ", reconnecting"
		}
		if m.unsent() > 0 {
			left += "; your messages are sent then"
		}
	}
	right := m.limit()
	room := m.width - m.ruler.width(right) - 2
	middle := m.notice
	if middle == "" {
		middle = m.people()
	}
	if middle != "" {
		if m.notice != "" && m.ruler.width(left+" · "+middle) > room {
			left = middle // the user expects the notice
		} else {
			left += " · " + middle
		}
	}
	return m.styles.bar.Render(" " + m.ruler.pad(left, room) + right + " ")
}

// limit returns the size of the text and the maximum, in bytes.
func (m *Model) limit() string {
	if n := len(m.room().composer.text); n > 0 {
		return fmt.Sprintf(" %d/%d", n, chat.MaxBody)
	}
	return ""
}

// people returns who is here and who is typing.
func (m *Model) people() string {
	r := m.room()
	switch users := r.typingUsers(m.now()); len(users) {
	case 0:
	case 1:
		return names(users) + " is typing"
	default:
		return names(users) + " are typing"
	}
	if r.present == nil {
		return ""
	}
	others := slices.DeleteFunc(slices.Clone(r.present.Users), func(user chat.User) bool { return user == m.me })
	n := len(others) + 1 // the user is connected too
	switch {
	case r.present.More:
		return fmt.Sprintf("%d+ here: %s and others", n, names(others))
	case len(others) > 0:
		return fmt.Sprintf("%d here: %s and you", n, names(others))
	}
	return "nobody else is here"
}
