package terminal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Model is the state of the screen. Update and View depend only on it and their
// arguments. They do no I/O: Update returns commands for that.
type Model struct {
	service  service
	me       chat.User
	device   chat.Device
	address  string
	now      func() time.Time
	describe func(error) string
	mouse    bool
	greeting string

	width, height int
	ruler         ruler
	styles        styles

	rooms   map[chat.Room]*room
	names   map[chat.Room]chat.RoomName // of closed rooms; open ones may be missing
	order   []chat.Room
	current chat.Room
	panel   panel // shown instead of the messages, or nil
	above   int   // lines of the panel above the screen
	selecting,
	leaving bool // the user was warned; the next quit ends the program

	unkept  bool // marks have come since they were stored
	drafts  int  // number of messages written so far
	offline *client.Notice
	retryAt time.Time
	notice  string
	noticed time.Time
	ended   error // why the client has ended
}

// newModel returns a model with the user's rooms that shows the room current.
// It knows the stored marks of the rooms whose log is still the same.
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
		greeting: o.Greeting,
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
	for _, stored := range o.Marks {
		if r := m.rooms[stored.Room]; r != nil {
			r.restore(stored)
		}
	}
	return m
}

// account names the user and the device.
type account struct {
	user   chat.User
	device chat.Device
}

// enter adds a room.
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
	m.current, m.panel, m.selecting = name, nil, false
	r.timeline.selected = nil
	r.timeline.touch()
	if len(r.timeline.entries) < page {
		return tea.Batch(m.askPresence(), m.requestOlder(r))
	}
	return m.askPresence()
}

// say shows a notice for some seconds, or until the next one.
func (m *Model) say(format string, a ...any) {
	m.notice, m.noticed = shown(strings.ReplaceAll(fmt.Sprintf(format, a...), "\n", " ")), m.now()
}

// Update handles one event.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.update(msg)
	return m, tea.Batch(cmd, m.markRead(), m.loadOlder())
}

func (m *Model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.ModeReportMsg:
		// The renderer changes its measure at the same moment.
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
		return m.mouseEvent(msg.(tea.MouseMsg))
	case tickMsg:
		return tea.Batch(tick(), m.passTime())
	default:
		return m.receive(msg)
	}
	return nil
}

// receive handles a message from the bridge.
func (m *Model) receive(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case arrivedMsg:
		if r := m.rooms[msg.Room]; r != nil {
			r.add(msg.Message)
			return tea.Batch(m.saveRead(r), m.send(r)) // it may confirm a sent message
		}
	case olderMsg:
		if r := m.rooms[msg.room]; r != nil {
			r.addOlder(msg)
			if msg.err != nil {
				m.say("failed to read the history: %s", m.describe(msg.err))
			}
		}
	case sentMsg:
		return m.sent(msg)
	case joinedMsg:
		if errors.Is(msg.err, chat.RoomInvalid) {
			m.say("there is no open room %s; /create %s open creates it", msg.room, msg.room)
			return nil
		}
		if msg.err != nil {
			m.say("%s", m.describe(msg.err))
			return nil
		}
		m.enter(msg.state, msg.state.Head)
		if msg.state.Head == 0 {
			m.say("you joined %s; nobody has written in it yet", msg.room)
		} else {
			m.say("you joined %s", msg.room)
		}
		return m.open(msg.room)
	case ranMsg:
		return m.ran(msg)
	case invitedMsg:
		if msg.err == nil && len(msg.invitations) > 0 {
			i := msg.invitations[0]
			m.say("%s: /accept %s or /decline %s", roomcmd.Invitation(i), i.Name, i.Name)
		}
	case leftMsg:
		return m.left(msg)
	case safetyMsg:
		if msg.err != nil {
			m.say("%s", m.describe(msg.err))
			return nil
		}
		m.show(&comparison{user: msg.user, code: msg.code, safety: msg.safety})
	case presenceMsg:
		if r := m.rooms[msg.room]; r != nil {
			r.asking = false
			if msg.err == nil && m.offline == nil {
				r.event(msg.Presence, m.now())
			}
		}
	case eventMsg:
		return m.event(msg.Event)
	case connectionMsg:
		m.offline = nil
		if !msg.Connected {
			m.offline, m.retryAt = &msg.Notice, m.now().Add(msg.Wait)
			for _, r := range m.rooms {
				r.disconnect()
			}
		}
	case endedMsg:
		m.ended = msg.err
		return tea.Quit
	}
	return nil
}

// ran shows what a command about rooms did.
func (m *Model) ran(msg ranMsg) tea.Cmd {
	if msg.err != nil {
		m.say("%s", m.describe(msg.err))
		return nil
	}
	if len(msg.result.Say) > 0 {
		m.say("%s", strings.Join(msg.result.Say, "; "))
	}
	if msg.state == nil {
		return nil
	}
	m.names = msg.names
	m.enter(*msg.state, msg.state.Head)
	return m.open(msg.state.Room)
}

// roomTitle returns the name of a room, or its id if the name is not known.
func (m *Model) roomTitle(room chat.Room) string {
	if name := m.names[room]; name != "" {
		return string(name)
	}
	return string(room)
}

// event passes a hint to its room, and shows what else has happened.
func (m *Model) event(e client.Event) tea.Cmd {
	var name chat.Room
	switch e := e.(type) {
	case client.Typing:
		name = e.Room
	case client.Presence:
		name = e.Room
	case client.Mark:
		name = e.Room
	case client.Invited:
		return m.askInvitations()
	case client.Left:
		if m.rooms[e.Room] == nil {
			return nil
		}
		title := m.roomTitle(e.Room)
		m.forget(e.Room)
		m.say("you are no longer a member of %s", title)
		if m.current == e.Room {
			return m.open(m.home())
		}
		return nil
	case client.NewDevice:
		m.say("%s has a new device: compare safety numbers, /safety %s", e.User, e.User)
	}
	r := m.rooms[name]
	if _, present := e.(client.Presence); r == nil || present && m.offline != nil {
		return nil
	}
	r.event(e, m.now())
	if _, marked := e.(client.Mark); marked {
		m.unkept = true
	}
	// Messages read on another device of the user count as read.
	if own, ok := e.(client.Mark); ok && own.User == m.me {
		r.read = max(r.read, min(own.Read, r.head))
	}
	return nil
}

// forget removes a room.
func (m *Model) forget(room chat.Room) {
	delete(m.rooms, room)
	m.order = slices.DeleteFunc(m.order, func(name chat.Room) bool { return name == room })
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
	title := m.roomTitle(msg.room)
	m.forget(msg.room)
	if msg.room.IsClosed() {
		m.say("you have left %s; an invitation brings you back", title)
	} else {
		m.say("you have left %s; /join %s enters it again", title, title)
	}
	if m.current == msg.room {
		return m.open(m.home())
	}
	return nil
}

// home returns the room to show after leaving one: the lobby.
func (m *Model) home() chat.Room {
	if m.rooms[chat.Lobby] == nil && len(m.order) > 0 {
		return m.order[0] // should not happen: all users are in the lobby
	}
	return chat.Lobby
}

// noticeShown is how long a notice is shown.
const noticeShown = 10 * time.Second

func (m *Model) passTime() tea.Cmd {
	if m.notice != "" && m.now().Sub(m.noticed) > noticeShown {
		m.notice = ""
	}
	return tea.Batch(m.askPresence(), m.keepMarks())
}

// allMarks returns the marks of all rooms that have some.
func (m *Model) allMarks() []Marks {
	var all []Marks
	for _, name := range m.order {
		if r := m.rooms[name]; len(r.marks) > 0 {
			all = append(all, r.stored())
		}
	}
	return all
}

// markRead marks the messages on the screen as read.
func (m *Model) markRead() tea.Cmd {
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
	return m.saveRead(r)
}

// loadOlder requests older messages when the first ones are on the screen.
func (m *Model) loadOlder() tea.Cmd {
	r := m.room()
	if r == nil || m.panel != nil || m.offline != nil || len(r.timeline.entries) == 0 {
		return nil
	}
	width, height := m.scrollbackSize()
	if _, atTop := r.timeline.window(m.render(r, width), height); !atTop {
		return nil
	}
	return m.requestOlder(r)
}

// unsent counts the user's messages that are not stored yet.
func (m *Model) unsent() (n int) {
	for _, r := range m.rooms {
		n += r.timeline.unsent()
	}
	return n
}
