package terminal

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// slash is a line that begins with / and so is not sent. They are those of the
// line mode, and some that need a screen.
type slash struct {
	form, does string
	run        func(m *Model, operand string) tea.Cmd
}

var slashes = []slash{
	{"/join ROOM", "enter a room, or make it", (*Model).joinNamed},
	{"/leave", "leave the room you are in", func(m *Model, _ string) tea.Cmd {
		if m.current == m.home() {
			m.say("the %s cannot be left", m.current)
			return nil
		}
		return m.leave(m.current)
	}},
	{"/rooms", "say which rooms you are in", func(m *Model, _ string) tea.Cmd {
		m.say("you are in %s", names(m.order))
		return nil
	}},
	{"/safety USER", "compare keys with somebody", (*Model).compareWith},
	{"/help", "this help", func(m *Model, _ string) tea.Cmd { return m.toggle(helpPanel{}) }},
	{"/quit", "quit", func(m *Model, _ string) tea.Cmd { return m.quit() }},
	{"//text", "send /text", nil},
}

// submit sends what is written, or heeds it.
func (m *Model) submit() tea.Cmd {
	c := &m.room().composer
	if strings.TrimSpace(c.text) == "" {
		c.take()
		return nil
	}
	text := c.take()
	switch {
	case strings.HasPrefix(text, "//"):
		text = text[1:]
	case strings.HasPrefix(text, "/") && !strings.Contains(text, "\n"):
		return m.heed(text)
	}
	m.drafts++
	r := m.room()
	r.timeline.write(&entry{draft: m.drafts, Message: client.Message{
		Room:     r.name,
		From:     m.me,
		Device:   m.device,
		StoredAt: m.now(),
		Body:     text,
	}})
	return m.send(r)
}

func (m *Model) heed(text string) tea.Cmd {
	word, operand, _ := strings.Cut(strings.TrimSpace(text), " ")
	i := slices.IndexFunc(slashes, func(s slash) bool {
		name, _, _ := strings.Cut(s.form, " ")
		return s.run != nil && name == word
	})
	if i < 0 {
		m.room().composer.set(text) // nothing that was written is lost
		m.say("there is no %s; F1 lists what there is, and //text sends /text", word)
		return nil
	}
	return slashes[i].run(m, strings.TrimSpace(operand))
}

func (m *Model) joinNamed(operand string) tea.Cmd {
	name, err := chat.ParseRoom(operand)
	if err != nil {
		m.say("%q cannot be a room; a room's name has 2 to 32 characters of a-z, 0-9, - and _", operand)
		return nil
	}
	if m.rooms[name] != nil {
		return m.open(name)
	}
	m.say("joining %s", name)
	return m.join(name)
}

func (m *Model) compareWith(operand string) tea.Cmd {
	user, err := chat.ParseUser(operand)
	switch {
	case err != nil:
		m.say("with whom? /safety USER")
		return nil
	case user == m.me:
		m.say("a safety number is for you and somebody else")
		return nil
	}
	m.say("working out the safety number")
	return m.compare(user)
}
