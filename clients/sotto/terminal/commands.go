package terminal

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// slash is a command: a line that begins with / and is not sent. There are
// those of the line mode, and some that need a screen.
type slash struct {
	form, does string
	run        func(m *Model, operand string) tea.Cmd
}

var slashes = []slash{
	{"/join ROOM", "enter an open room", (*Model).joinNamed},
	{"/leave", "leave this room", func(m *Model, _ string) tea.Cmd {
		if m.current == m.home() {
			m.say("the %s cannot be left", m.current)
			return nil
		}
		return m.leave(m.current)
	}},
	{"/rooms", "list your rooms", func(m *Model, _ string) tea.Cmd {
		titles := make([]string, 0, len(m.order))
		for _, room := range m.order {
			titles = append(titles, m.roomTitle(room))
		}
		m.say("you are in %s", names(titles))
		return nil
	}},
	{"/create NAME", "create a closed room; /create NAME open: an open one", roomCommand("create")},
	{"/invite USER", "invite a user to this closed room", roomCommand("invite")},
	{"/accept ROOM", "accept an invitation; /invitations lists them", roomCommand("accept")},
	{"/decline ROOM", "decline an invitation", roomCommand("decline")},
	{"/members", "list the members of this closed room", roomCommand("members")},
	{"/role USER ROLE", "make a member owner, moderator or member", roomCommand("role")},
	{"/remove USER", "remove a member", roomCommand("remove")},
	{"/safety USER", "compare keys with a user", (*Model).compareWith},
	{"/safety USER CODE", "the same, with the text of the user's QR code", (*Model).compareWith},
	{"/help", "this help", func(m *Model, _ string) tea.Cmd { return m.toggle(helpPanel{}) }},
	{"/quit", "quit", func(m *Model, _ string) tea.Cmd { return m.quit() }},
	{"//text", "send /text", nil},
}

// submit sends the composer's text, or runs it as a command.
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
		return m.runSlash(text)
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

// runSlash runs a command.
func (m *Model) runSlash(text string) tea.Cmd {
	word, operand, _ := strings.Cut(strings.TrimSpace(text), " ")
	if command, found := roomcmd.Find(strings.TrimPrefix(word, "/")); found {
		return m.run(command, strings.Fields(operand))
	}
	i := slices.IndexFunc(slashes, func(s slash) bool {
		name, _, _ := strings.Cut(s.form, " ")
		return s.run != nil && name == word
	})
	if i < 0 {
		m.room().composer.set(text) // keep the text
		m.say("unknown command %s; F1 lists the commands, and //text sends /text", word)
		return nil
	}
	return slashes[i].run(m, strings.TrimSpace(operand))
}

// roomCommand returns what runs a command of roomcmd.
func roomCommand(name string) func(*Model, string) tea.Cmd {
	return func(m *Model, operand string) tea.Cmd {
		command, _ := roomcmd.Find(name)
		return m.run(command, strings.Fields(operand))
	}
}

func (m *Model) joinNamed(operand string) tea.Cmd {
	name, err := RoomFrom(operand)
	if err != nil {
		m.say("%v", err)
		return nil
	}
	for _, room := range m.order {
		if room == name || m.roomTitle(room) == string(name) {
			return m.open(room)
		}
	}
	m.say("joining %s", name)
	return m.join(name)
}

func (m *Model) compareWith(operand string) tea.Cmd {
	name, code, _ := strings.Cut(operand, " ")
	user, err := chat.ParseUser(NameFrom(name))
	switch {
	case operand == "":
		m.say("add a user: /safety USER")
		return nil
	case err != nil:
		m.say("%q is not a valid user name", name)
		return nil
	case user == m.me:
		m.say("a safety number compares you with another user")
		return nil
	}
	m.say("computing the safety number")
	return m.compare(user, strings.TrimSpace(code))
}
