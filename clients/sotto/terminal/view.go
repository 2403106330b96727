package terminal

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/shared/chat"
)

// The least that there is room for on the screen, and the widths from which on
// the rooms stand beside the messages, and whole names of them.
const (
	leastWidth  = 40
	leastHeight = 10
	narrowFrom  = 64
	narrowRooms = 18
	wideFrom    = 110
	wideRooms   = 38 // a name has 32 characters at most, and the count four
)

// prompt stands before the composer's first line.
const prompt = "> "

func (m *Model) tooSmall() bool { return m.width < leastWidth || m.height < leastHeight }

// sidebarWidth is that of the rooms and the rule behind them, 0 without.
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

// composerHeight is as many lines as the text has, up to a third of the screen.
func (m *Model) composerHeight() int {
	if m.panel != nil {
		return 0
	}
	rows, _, _ := m.room().composer.rows(m.ruler, m.composerWidth())
	return min(max(len(rows), 1), max(m.height/3, 1))
}

// scrollbackSize is what is left for the messages: all but title, rule,
// composer and status, or for a panel all but title and status.
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
	v.WindowTitle = "sotto: " + string(m.current)
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
		if !m.choosing {
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

// messageLines are the messages, at the lower edge of their place.
func (m *Model) messageLines(width, height int) []string {
	r := m.room()
	visible, atTop := r.timeline.window(m.render(r, width), height)
	lines := make([]string, 0, height)
	for _, l := range visible {
		lines = append(lines, l.text)
	}
	if atTop && len(lines) < height {
		about := "this is the beginning of what " + string(r.name) + " keeps"
		switch {
		case r.loading:
			about = "reading the history"
		case !r.top:
			about = "there is more before this"
		case len(lines) == 0:
			about = "nobody has written anything here yet"
		}
		lines = slices.Insert(lines, 0, m.styles.faint.Render(m.ruler.cut("  "+about, width)))
	}
	if missing := height - len(lines); missing > 0 {
		lines = append(make([]string, missing), lines...)
	}
	if r.timeline.bottom != nil {
		lines[height-1] = m.styles.strong.Render(m.ruler.pad("  ↓ newer messages below: PgDn, Ctrl-End", width))
	}
	return lines
}

func (m *Model) panelLines(width, height int) []string {
	lines := m.panel.lines(m, width-3)
	m.above = min(m.above, max(len(lines)-height+1, 0)) // what is below the end is nothing to scroll to
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

// composed draws the composer and says where its cursor is.
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

// title is the first line: where one is, as whom, and how to get help.
func (m *Model) title() string {
	help := " F1 help "
	where := string(m.current)
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

// firstRoom is the first room of the list that is on the screen.
func (m *Model) firstRoom() int {
	i := slices.Index(m.order, m.current)
	return max(i-(m.height-2)+1, 0)
}

// sidebar is the list of rooms; nil where there is no place for it.
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
	text := m.ruler.pad(mark+shown(string(name)), m.sidebarWidth()-1-len(count)) + count
	switch {
	case name == m.current:
		return m.styles.current.Render(text)
	case count != "":
		return m.styles.unread.Render(text)
	}
	return text
}

// status is the last line: the connection, then what there is to say.
func (m *Model) status() string {
	left := "connected"
	if m.offline != nil {
		left = "no connection"
		if wait := m.retryAt.Sub(m.now()).Round(1e9); wait > 0 {
			left += fmt.Sprintf(", next try in %v", wait)
		} else {
			left += ", trying"
		}
		if m.unsent() > 0 {
			left += "; what you wrote is sent then"
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
			left = middle // a notice is what somebody waits for
		} else {
			left += " · " + middle
		}
	}
	return m.styles.bar.Render(" " + m.ruler.pad(left, room) + right + " ")
}

// limit is how much of what a message may have is written.
func (m *Model) limit() string {
	if n := len(m.room().composer.text); n > 0 {
		return fmt.Sprintf(" %d/%d", n, chat.MaxBody)
	}
	return ""
}

// people says who is here and who types.
func (m *Model) people() string {
	r := m.room()
	switch typists := r.typists(m.now()); len(typists) {
	case 0:
	case 1:
		return names(typists) + " is typing"
	default:
		return names(typists) + " are typing"
	}
	if r.present == nil {
		return ""
	}
	others := slices.DeleteFunc(slices.Clone(r.present.Users), func(user chat.User) bool { return user == m.me })
	switch {
	case r.present.More:
		return "here: " + names(others) + " and others"
	case len(others) > 0:
		return "here: " + names(others)
	}
	return "nobody else is here"
}
