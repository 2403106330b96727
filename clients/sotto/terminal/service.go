package terminal

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// service is what the model needs of the chat. The methods wait for answers, so
// the model calls them only in commands.
type service interface {
	Send(room chat.Room, text string) (client.Ack, error)
	// Older returns up to n messages before a seq, and whether they include the
	// first message that is stored.
	Older(room chat.Room, epoch chat.Epoch, before chat.Seq, n int) (messages []client.Message, top bool, err error)
	Join(room chat.Room) (frame.RoomState, error)
	Leave(room chat.Room) error
	// Run runs a command about rooms. If it enters a room, Run returns the
	// room's state.
	Run(c roomcmd.Command, room chat.Room, operands []string) (roomcmd.Result, *frame.RoomState, error)
	// Names returns the names of the user's rooms, and Invitations the open
	// invitations, the newest first.
	Names() (map[chat.Room]chat.RoomName, error)
	Invitations() ([]frame.Invitation, error)
	Safety(user chat.User) (client.Safety, error)
	Presence(room chat.Room) (client.Presence, error)
	Typing(room chat.Room)
	// Read sends the user's mark and stores the place for the next start.
	Read(place Place, delivered chat.Seq)
	// Keep stores the marks of all rooms for the next start.
	Keep(marks []Marks)
}

// Place is the last message read in a room.
type Place struct {
	Room  chat.Room  `json:"room"`
	Epoch chat.Epoch `json:"epoch"`
	Seq   chat.Seq   `json:"seq"`
}

// Marks are the marks of other users for one log of a room.
type Marks struct {
	Room  chat.Room  `json:"room"`
	Epoch chat.Epoch `json:"epoch"`
	Users []UserMark `json:"users"` // sorted
}

// UserMark is how far a user has received and read a log.
type UserMark struct {
	User      chat.User `json:"user"`
	Delivered chat.Seq  `json:"delivered"`
	Read      chat.Seq  `json:"read"`
}

// Events for the model: first those from the client, then the results of
// commands.
type (
	arrivedMsg    struct{ client.Message }
	eventMsg      struct{ client.Event }
	connectionMsg struct{ client.Notice }
	endedMsg      struct{ err error } // the client has ended

	sentMsg struct {
		room  chat.Room
		draft int
		ack   client.Ack
		err   error
	}
	olderMsg struct {
		room     chat.Room
		epoch    chat.Epoch
		messages []client.Message
		top      bool
		err      error
	}
	joinedMsg struct {
		room  chat.Room
		state frame.RoomState
		err   error
	}
	ranMsg struct {
		result roomcmd.Result
		state  *frame.RoomState
		names  map[chat.Room]chat.RoomName
		err    error
	}
	invitedMsg struct {
		invitations []frame.Invitation
		err         error
	}
	leftMsg struct {
		room chat.Room
		err  error
	}
	safetyMsg struct {
		user   chat.User
		code   string // to compare with, or empty
		safety client.Safety
		err    error
	}
	presenceMsg struct {
		room chat.Room
		client.Presence
		err error
	}
	tickMsg struct{}
)

// page is how many messages of the history are requested at once: a few
// screens, and usually one page of the protocol.
const page = 50

// tick returns a command that sends a tickMsg after a second.
func tick() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

// send sends the room's next unsent message.
func (m *Model) send(r *room) tea.Cmd {
	e := r.timeline.next()
	if e == nil {
		return nil
	}
	e.sent = true
	service, name, number, text := m.service, r.name, e.draft, e.Body
	return func() tea.Msg {
		ack, err := service.Send(name, text)
		return sentMsg{name, number, ack, err}
	}
}

// requestOlder requests the messages before the room's first one.
func (m *Model) requestOlder(r *room) tea.Cmd {
	if r.loading || r.top {
		return nil
	}
	r.loading = true
	service, name, epoch, before := m.service, r.name, r.epoch, r.oldest()
	return func() tea.Msg {
		messages, top, err := service.Older(name, epoch, before, page)
		return olderMsg{name, epoch, messages, top, err}
	}
}

func (m *Model) join(name chat.Room) tea.Cmd {
	service := m.service
	return func() tea.Msg {
		state, err := service.Join(name)
		return joinedMsg{name, state, err}
	}
}

// run runs a command about the current room.
func (m *Model) run(c roomcmd.Command, operands []string) tea.Cmd {
	service, room := m.service, m.current
	return func() tea.Msg {
		result, state, err := service.Run(c, room, operands)
		if err != nil || state == nil {
			return ranMsg{result: result, err: err}
		}
		names, err := service.Names()
		return ranMsg{result, state, names, err}
	}
}

// askInvitations asks for the open invitations.
func (m *Model) askInvitations() tea.Cmd {
	service := m.service
	return func() tea.Msg {
		invitations, err := service.Invitations()
		return invitedMsg{invitations, err}
	}
}

func (m *Model) leave(name chat.Room) tea.Cmd {
	service := m.service
	return func() tea.Msg { return leftMsg{name, service.Leave(name)} }
}

func (m *Model) compare(user chat.User, code string) tea.Cmd {
	service := m.service
	return func() tea.Msg {
		number, err := service.Safety(user)
		return safetyMsg{user, code, number, err}
	}
}

// askPresence asks who is in the current room. The client limits the rate.
func (m *Model) askPresence() tea.Cmd {
	r := m.room()
	if r.asking || m.offline != nil {
		return nil
	}
	r.asking = true
	service, name := m.service, r.name
	return func() tea.Msg {
		p, err := service.Presence(name)
		return presenceMsg{name, p, err}
	}
}

// typing tells the room that the user is typing.
func (m *Model) typing() tea.Cmd {
	if m.offline != nil || strings.HasPrefix(m.room().composer.text, "/") {
		return nil
	}
	service, name := m.service, m.current
	return func() tea.Msg {
		service.Typing(name)
		return nil
	}
}

// keepMarks stores the marks if they have changed.
func (m *Model) keepMarks() tea.Cmd {
	if !m.unkept {
		return nil
	}
	m.unkept = false
	service, marks := m.service, m.allMarks()
	return func() tea.Msg {
		service.Keep(marks)
		return nil
	}
}

// saveRead sends and stores the last message read in a room.
func (m *Model) saveRead(r *room) tea.Cmd {
	service, place, delivered := m.service, Place{r.name, r.epoch, r.read}, max(r.timeline.last(), r.read)
	return func() tea.Msg {
		service.Read(place, delivered)
		return nil
	}
}
