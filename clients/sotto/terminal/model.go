package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Model is the whole state of the screen. Update and View are functions of it
// and of what they are given: they talk to nobody, and what is to be done
// outside is a command.
type Model struct {
	service  service
	me       chat.User
	device   chat.Device
	address  string
	now      func() time.Time
	describe func(error) string
	mouse    bool

	width, height int
	ruler         ruler
	styles        styles

	rooms   map[chat.Room]*room
	order   []chat.Room
	current chat.Room
	panel   panel // what is shown in place of the messages, or nil
	above   int   // lines of the panel that are scrolled away
	choosing,
	leaving bool // the second request to quit is heeded

	drafts  int // own messages so far
	offline *client.Notice
	retryAt time.Time
	notice  string
	noticed time.Time
	ended   error // why the client came to its end
}

// newModel shows a room among those that the user is in.
func newModel(o Options, s service, c account, rooms []frame.RoomState,
	read func(frame.RoomState) chat.Seq, current chat.Room) *Model {
	m := &Model{
		service:  s,
		me:       c.user,
		device:   c.device,
		address:  o.Address,
		now:      time.Now,
		describe: o.Describe,
		mouse:    o.Mouse,
		width:    80,
		height:   24,
		ruler:    ruler{ansi.WcWidth},
		styles:   newStyles(o.Colours),
		rooms:    map[chat.Room]*room{},
		current:  current,
	}
	for _, state := range rooms {
		m.enter(state, read(state))
	}
	return m
}

// account is who uses the program.
type account struct {
	user   chat.User
	device chat.Device
}

// enter adds a room that the user is in.
func (m *Model) enter(state frame.RoomState, read chat.Seq) {
	if m.rooms[state.Room] == nil {
		m.rooms[state.Room] = newRoom(state, read)
		m.order = append(m.order, state.Room)
		slices.Sort(m.order)
	}
}

func (m *Model) room() *room { return m.rooms[m.current] }

// Init asks for the last messages of the room and starts the clock.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.open(m.current), tick()) }

// open shows a room.
func (m *Model) open(name chat.Room) tea.Cmd {
	r := m.rooms[name]
	if r == nil {
		return nil
	}
	m.current, m.panel, m.choosing = name, nil, false
	r.timeline.chosen = nil
	r.timeline.touch()
	if len(r.timeline.entries) < page {
		return tea.Batch(m.look(), m.older(r))
	}
	return m.look()
}

// say shows a line until another one or some time later.
func (m *Model) say(format string, a ...any) {
	m.notice, m.noticed = shown(strings.ReplaceAll(fmt.Sprintf(format, a...), "\n", " ")), m.now()
}

// Update takes one event.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.update(msg)
	return m, tea.Batch(cmd, m.noteRead(), m.noteTop())
}

func (m *Model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.ModeReportMsg:
		// The renderer changes its rule at the same moment.
		if msg.Mode == ansi.ModeUnicodeCore &&
			(msg.Value.IsReset() || msg.Value.IsSet() || msg.Value.IsPermanentlySet()) {
			m.ruler.method = ansi.GraphemeWidth
			for _, r := range m.rooms {
				for _, e := range r.timeline.all() {
					e.lines = nil
				}
			}
		}
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg.Content)
	case tea.MouseWheelMsg, tea.MouseClickMsg:
		return m.pointer(msg.(tea.MouseMsg))
	case tickMsg:
		return tea.Batch(tick(), m.passTime())
	default:
		return m.hear(msg)
	}
	return nil
}

// hear takes what comes from the service.
func (m *Model) hear(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case arrivedMsg:
		if r := m.rooms[msg.Room]; r != nil {
			r.take(msg.Message)
			return tea.Batch(m.keep(r), m.send(r)) // the one before may have been this
		}
	case olderMsg:
		if r := m.rooms[msg.room]; r != nil {
			r.takeOlder(msg)
			if msg.err != nil {
				m.say("the history cannot be read: %s", m.describe(msg.err))
			}
		}
	case sentMsg:
		return m.sent(msg)
	case joinedMsg:
		if msg.err != nil {
			m.say("%s", m.describe(msg.err))
			return nil
		}
		m.enter(msg.state, msg.state.Head)
		return m.open(msg.room)
	case leftMsg:
		return m.left(msg)
	case safetyMsg:
		if msg.err != nil {
			m.say("%s", m.describe(msg.err))
			return nil
		}
		m.show(&comparison{user: msg.user, safety: msg.safety})
	case presenceMsg:
		if r := m.rooms[msg.room]; r != nil {
			r.looking = false
			if msg.err == nil {
				r.hear(msg.Presence, m.now())
			}
		}
	case eventMsg:
		m.event(msg.Event)
	case connectionMsg:
		m.offline = nil
		if !msg.Connected {
			m.offline, m.retryAt = &msg.Notice, m.now().Add(msg.Wait)
		}
	case endedMsg:
		m.ended = msg.err
		return tea.Quit
	}
	return nil
}

// event takes a hint of the room that it is about, and warnings.
func (m *Model) event(e client.Event) {
	var name chat.Room
	switch e := e.(type) {
	case client.Typing:
		name = e.Room
	case client.Presence:
		name = e.Room
	case client.Mark:
		name = e.Room
	case client.NewDevice:
		m.say("%s has a new device: compare safety numbers, /safety %s", e.User, e.User)
	}
	r := m.rooms[name]
	if r == nil {
		return
	}
	r.hear(e, m.now())
	// What was read on another device of the user is read.
	if own, ok := e.(client.Mark); ok && own.User == m.me {
		r.read = max(r.read, min(own.Read, r.head))
	}
}

func (m *Model) sent(msg sentMsg) tea.Cmd {
	r := m.rooms[msg.room]
	if r == nil {
		return nil
	}
	if msg.err == nil {
		r.head = max(r.head, msg.ack.Seq)
		r.timeline.stored(msg.draft, msg.ack)
	} else if d, _ := r.timeline.draft(msg.draft); d != nil {
		d.refusal = m.describe(msg.err)
		r.timeline.touch()
	}
	return m.send(r)
}

func (m *Model) left(msg leftMsg) tea.Cmd {
	if msg.err != nil {
		m.say("%s", m.describe(msg.err))
		return nil
	}
	delete(m.rooms, msg.room)
	m.order = slices.DeleteFunc(m.order, func(name chat.Room) bool { return name == msg.room })
	m.say("you have left %s", msg.room)
	if m.current == msg.room {
		return m.open(m.home())
	}
	return nil
}

// home is the room that one comes back to: the lobby, in which everybody is.
func (m *Model) home() chat.Room {
	if m.rooms[chat.Lobby] == nil && len(m.order) > 0 {
		return m.order[0] // the service says otherwise
	}
	return chat.Lobby
}

// noticeShown is how long a notice stays.
const noticeShown = 10 * time.Second

func (m *Model) passTime() tea.Cmd {
	if m.notice != "" && m.now().Sub(m.noticed) > noticeShown {
		m.notice = ""
	}
	return m.look()
}

// noteRead notes how far the room is read: what stands on the screen is.
func (m *Model) noteRead() tea.Cmd {
	r := m.room()
	if r == nil || m.panel != nil || m.tooSmall() {
		return nil
	}
	seq := r.timeline.last()
	if b := r.timeline.bottom; b != nil && b.Seq > 0 {
		seq = b.Seq
	}
	if seq <= r.read {
		return nil
	}
	r.read = seq
	return m.keep(r)
}

// noteTop asks for older messages once the first ones are on the screen.
func (m *Model) noteTop() tea.Cmd {
	r := m.room()
	if r == nil || m.panel != nil || m.offline != nil || len(r.timeline.entries) == 0 {
		return nil
	}
	width, height := m.scrollbackSize()
	if _, atTop := r.timeline.window(m.render(r, width), height); !atTop {
		return nil
	}
	return m.older(r)
}

// unsent counts the own messages that are in no log yet.
func (m *Model) unsent() (n int) {
	for _, r := range m.rooms {
		n += r.timeline.unsent()
	}
	return n
}
