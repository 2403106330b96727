package terminal

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/shared/chat"
)

// binding binds keys to an action. The help screen is generated from the
// bindings, so that it lists all keys.
type binding struct {
	keys []string
	name string // for people
	does string
	run  func(m *Model) tea.Cmd
}

// everywhere are the keys that always work.
var everywhere = []binding{
	{[]string{"f1"}, "F1", "this help", func(m *Model) tea.Cmd { return m.toggle(helpPanel{}) }},
	{[]string{"ctrl+n", "alt+down"}, "Ctrl-N", "next room", func(m *Model) tea.Cmd { return m.switchBy(1) }},
	{[]string{"ctrl+p", "alt+up"}, "Ctrl-P", "previous room", func(m *Model) tea.Cmd { return m.switchBy(-1) }},
	{[]string{"pgup"}, "PgUp", "scroll up, into the history", func(m *Model) tea.Cmd { return m.scrollBy(-1) }},
	{[]string{"pgdown"}, "PgDn", "scroll down", func(m *Model) tea.Cmd { return m.scrollBy(1) }},
	{[]string{"ctrl+end"}, "Ctrl-End", "to the newest message", (*Model).newest},
	{[]string{"ctrl+l"}, "Ctrl-L", "redraw the screen", func(*Model) tea.Cmd { return tea.ClearScreen }},
	{[]string{"ctrl+z"}, "Ctrl-Z", "suspend (fg resumes)", func(*Model) tea.Cmd { return tea.Suspend }},
	{[]string{"ctrl+c"}, "Ctrl-C", "quit", (*Model).quit},
}

// writing are the keys of the composer.
var writing = []binding{
	{[]string{"enter"}, "Enter", "send", (*Model).submit},
	{[]string{"alt+enter", "shift+enter", "ctrl+j"}, "Alt-Enter, Ctrl-J", "new line",
		func(m *Model) tea.Cmd { return m.paste("\n") }},
	{[]string{"tab"}, "Tab", "select a message", (*Model).startSelecting},
	{[]string{"left", "ctrl+b"}, "", "", edit(func(m *Model, c *composer) { c.left(m.ruler) })},
	{[]string{"right", "ctrl+f"}, "", "", edit(func(m *Model, c *composer) { c.right(m.ruler) })},
	{[]string{"up"}, "", "", edit(func(m *Model, c *composer) { c.vertical(m.ruler, m.composerWidth(), -1) })},
	{[]string{"down"}, "", "", edit(func(m *Model, c *composer) { c.vertical(m.ruler, m.composerWidth(), 1) })},
	{[]string{"ctrl+left", "alt+left", "alt+b"}, "Ctrl-←, Ctrl-→", "move by words",
		edit(func(_ *Model, c *composer) { c.cursor = c.wordBefore() })},
	{[]string{"ctrl+right", "alt+right", "alt+f"}, "", "",
		edit(func(_ *Model, c *composer) { c.cursor = c.wordAfter() })},
	{[]string{"home", "ctrl+a"}, "Ctrl-A, Ctrl-E", "to the start or end of the line",
		edit(func(_ *Model, c *composer) { c.cursor = c.lineStart() })},
	{[]string{"end", "ctrl+e"}, "", "", edit(func(_ *Model, c *composer) { c.cursor = c.lineEnd() })},
	{[]string{"backspace", "ctrl+h"}, "", "", edit(func(m *Model, c *composer) { c.erase(c.before(m.ruler)) })},
	{[]string{"delete"}, "", "", edit(func(m *Model, c *composer) {
		from := c.cursor
		c.right(m.ruler)
		c.erase(from)
	})},
	{[]string{"ctrl+w", "alt+backspace"}, "Ctrl-W", "delete a word",
		edit(func(_ *Model, c *composer) { c.erase(c.wordBefore()) })},
	{[]string{"ctrl+u"}, "Ctrl-U", "delete to the start of the line",
		edit(func(_ *Model, c *composer) { c.erase(c.lineStart()) })},
	{[]string{"ctrl+k"}, "Ctrl-K", "delete to the end of the line",
		edit(func(_ *Model, c *composer) { c.erase(c.lineEnd()) })},
	{[]string{"ctrl+d"}, "Ctrl-D", "quit, if the line is empty", func(m *Model) tea.Cmd {
		if m.room().composer.text != "" {
			return nil
		}
		return m.quit()
	}},
}

// selecting are the keys while a message is selected.
var selecting = []binding{
	{[]string{"up", "k"}, "↑ ↓", "select another message", func(m *Model) tea.Cmd { return m.selectBy(-1) }},
	{[]string{"down", "j"}, "", "", func(m *Model) tea.Cmd { return m.selectBy(1) }},
	{[]string{"enter", "i"}, "Enter", "show its details", (*Model).showDetails},
	{[]string{"s"}, "s", "compare keys with its sender", (*Model).compareSelected},
	{[]string{"r"}, "r", "send a failed message again", (*Model).retry},
	{[]string{"x"}, "x", "discard a failed message", (*Model).discard},
	{[]string{"esc", "tab"}, "Esc, Tab", "back to writing", (*Model).stopSelecting},
}

// reading are the keys of a panel.
var reading = []binding{
	{[]string{"up", "k"}, "", "", func(m *Model) tea.Cmd { m.above = max(m.above-1, 0); return nil }},
	{[]string{"down", "j"}, "", "", func(m *Model) tea.Cmd { m.above++; return nil }},
	{[]string{"esc", "q", "enter"}, "Esc", "back", func(m *Model) tea.Cmd { m.panel = nil; return nil }},
}

// key runs the action of a key, or inserts its text.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if name != "ctrl+c" && name != "ctrl+d" {
		m.leaving = false
	}
	mode := writing
	switch {
	case m.panel != nil:
		mode = reading
	case m.selecting:
		mode = selecting
	}
	for _, b := range slices.Concat(mode, everywhere) {
		if slices.Contains(b.keys, name) {
			return b.run(m)
		}
	}
	if n, ok := strings.CutPrefix(name, "alt+"); ok && len(n) == 1 && n >= "1" && n <= "9" {
		if i := int(n[0] - '1'); i < len(m.order) {
			return m.open(m.order[i])
		}
		return nil
	}
	if k.Text != "" && m.panel == nil {
		m.stopSelecting()
		return m.paste(k.Text)
	}
	return nil
}

func edit(f func(*Model, *composer)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd {
		f(m, &m.room().composer)
		return nil
	}
}

// paste inserts a text into the composer.
func (m *Model) paste(text string) tea.Cmd {
	if m.panel != nil {
		return nil
	}
	if err := m.room().composer.insert(text); err != nil {
		m.say("%v", err)
		return nil
	}
	return m.typing()
}

// quit ends the program. With unsent messages it warns first and ends at the
// second call.
func (m *Model) quit() tea.Cmd {
	if n := m.unsent(); n > 0 && !m.leaving {
		m.leaving = true
		m.say("%d of your messages are not sent yet; press again to quit anyway", n)
		return nil
	}
	return tea.Quit
}

func (m *Model) switchBy(by int) tea.Cmd {
	i := slices.Index(m.order, m.current) + by
	return m.open(m.order[(i+len(m.order))%len(m.order)])
}

// scrollBy scrolls by half a screen.
func (m *Model) scrollBy(by int) tea.Cmd {
	width, height := m.scrollbackSize()
	if m.panel != nil {
		m.above = max(m.above+by*height/2, 0)
		return nil
	}
	r := m.room()
	r.timeline.scroll(m.render(r, width), by*max(height/2, 1), height)
	return nil
}

func (m *Model) newest() tea.Cmd {
	m.room().timeline.bottom = nil
	return nil
}

func (m *Model) startSelecting() tea.Cmd {
	m.selecting = true
	return m.selectBy(-1)
}

func (m *Model) stopSelecting() tea.Cmd {
	m.selecting = false
	t := &m.room().timeline
	t.selected = nil
	t.touch()
	return nil
}

func (m *Model) selectBy(by int) tea.Cmd {
	r := m.room()
	r.timeline.moveSelection(by)
	if r.timeline.selected == nil {
		m.selecting = false
		return nil
	}
	width, height := m.scrollbackSize()
	r.timeline.reveal(m.render(r, width), height)
	return nil
}

func (m *Model) showDetails() tea.Cmd {
	if e := m.room().timeline.selected; e != nil {
		m.show(&details{entry: e, room: m.room()})
	}
	return nil
}

func (m *Model) compareSelected() tea.Cmd {
	e := m.room().timeline.selected
	if e == nil || e.From == "" {
		return nil
	}
	return m.compareWith(string(e.From))
}

// retry sends a refused message again, under a new id.
func (m *Model) retry() tea.Cmd {
	e := m.room().timeline.selected
	if e == nil || e.refusal == "" {
		m.say("only a failed message can be sent again")
		return nil
	}
	e.sent, e.refusal = false, ""
	m.room().timeline.touch()
	m.stopSelecting()
	return m.send(m.room())
}

func (m *Model) discard() tea.Cmd {
	t := &m.room().timeline
	if t.selected == nil || t.selected.refusal == "" {
		m.say("only a failed message can be discarded")
		return nil
	}
	t.drafts = slices.DeleteFunc(t.drafts, func(d *entry) bool { return d == t.selected })
	return m.stopSelecting()
}

// mouseEvent handles the wheel, and clicks on rooms.
func (m *Model) mouseEvent(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch at.Button {
	case tea.MouseWheelUp, tea.MouseWheelDown:
		by := 3
		if at.Button == tea.MouseWheelUp {
			by = -3
		}
		if m.panel != nil {
			m.above = max(m.above+by, 0)
			return nil
		}
		width, height := m.scrollbackSize()
		m.room().timeline.scroll(m.render(m.room(), width), by, height)
	case tea.MouseLeft:
		if name, ok := m.roomAt(at.X, at.Y); ok {
			return m.open(name)
		}
	}
	return nil
}

// roomAt returns the room whose name is at a position of the screen.
func (m *Model) roomAt(x, y int) (chat.Room, bool) {
	i := y - 1 + m.firstRoom()
	if x >= m.sidebarWidth() || y < 1 || i >= len(m.order) || y > m.height-2 {
		return "", false
	}
	return m.order[i], true
}
