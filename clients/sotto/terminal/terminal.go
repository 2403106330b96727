// Package terminal is the full-screen interface of `sotto chat`.
//
// The Model is the state of the screen, a pure function of events (model.go,
// and one file for each part of the screen). This file has the program, which
// owns the chat client, turns its messages into events, and runs the model's
// commands.
//
// All texts of other users pass through package harmless, so that a text cannot
// move the cursor, change colours or the direction of writing, or imitate
// another message.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Options configure [Run].
type Options struct {
	// Open connects. The client must report lost connections to notify.
	Open    func(notify func(client.Notice)) (*client.Client, error)
	Room    chat.Room // the first room to show, by name or id; it is joined if it is open
	Address string    // of the service, to show to the user
	// Describe formats an error as one line.
	Describe func(error) string
	// Greeting is shown above the first message of a room, unless it is empty.
	Greeting string
	// Places are those passed to Read at earlier starts.
	Places []Place
	// Marks are those passed to Keep at the last start.
	Marks []Marks
	// Read stores a place, and Keep the marks of all rooms. One goroutine calls
	// them at a time.
	Read func(Place)
	Keep func([]Marks)

	Colours, Mouse bool
	Input          io.Reader
	Output         io.Writer
}

// ErrPanic means that the program panicked. The terminal is restored.
var ErrPanic = errors.New("sotto crashed; please report the output above")

// Run shows the chat until the user quits or ctx ends; then it returns nil. If
// the chat ends for another reason, it returns that. It always restores the
// terminal.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bridge{ctx: ctx, read: o.Read, keep: o.Keep}
	c, err := o.Open(b.notify)
	if err != nil {
		return err
	}
	defer c.Close()
	b.client = c
	first, rooms, err := b.rooms(o.Room)
	if err != nil {
		return err
	}
	names, err := c.RoomNames(ctx)
	if err != nil {
		return err
	}
	known := map[chat.Room]Place{}
	for _, p := range o.Places {
		known[p.Room] = p
	}
	read := func(state frame.RoomState) chat.Seq {
		if p, ok := known[state.Room]; ok && p.Epoch == state.Epoch {
			return min(p.Seq, state.Head)
		}
		return state.Head
	}
	m := newModel(o, b, account{c.User(), c.Device()}, rooms, read, first)
	m.names = names
	b.markPlaces(rooms, known)
	err = b.show(m, o)
	if m.unkept {
		b.Keep(m.allMarks())
	}
	if m.ended != nil && ctx.Err() == nil {
		return m.ended
	}
	return err
}

// markPlaces tells the client what the user has read at earlier starts, so that
// it can answer others who ask.
func (b *bridge) markPlaces(rooms []frame.RoomState, known map[chat.Room]Place) {
	for _, state := range rooms {
		if p := known[state.Room]; p.Epoch == state.Epoch {
			seq := min(p.Seq, state.Head)
			_ = b.client.Mark(b.ctx, p.Room, seq, seq)
		}
	}
}

// show runs the program with a model.
func (b *bridge) show(m tea.Model, o Options) error {
	options := []tea.ProgramOption{tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithoutSignalHandler()}
	if !o.Colours {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	p := tea.NewProgram(m, options...)
	b.start(p)
	// Quit restores the screen; Kill would not.
	stop := context.AfterFunc(b.ctx, p.Quit)
	defer stop()
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramPanic) {
		return ErrPanic
	}
	if err != nil {
		return fmt.Errorf("cannot use the terminal (%w); try --plain", err)
	}
	return nil
}

// bridge implements service with a client, and sends the client's messages to
// the program.
type bridge struct {
	ctx    context.Context
	client *client.Client
	read   func(Place)
	keep   func([]Marks)

	mu      sync.Mutex // of what follows
	program *tea.Program
	heads   []frame.RoomState // rooms to follow when the program starts
	reading sync.Mutex        // one call of read or keep at a time
}

// rooms lists the user's rooms, and finds the one that a name means. It joins
// that one if it is open and the user is not in it.
func (b *bridge) rooms(name chat.Room) (chat.Room, []frame.RoomState, error) {
	room, err := b.client.FindRoom(b.ctx, string(name))
	if err != nil {
		return "", nil, err
	}
	rooms, err := b.client.Rooms(b.ctx)
	if err != nil {
		return "", nil, err
	}
	if !slices.ContainsFunc(rooms, func(s frame.RoomState) bool { return s.Room == room }) {
		state, err := b.client.Join(b.ctx, room)
		if err != nil {
			return "", nil, err
		}
		rooms = append(rooms, state)
	}
	b.heads = rooms
	return room, rooms, nil
}

// emit sends an event to the program, if it has started.
func (b *bridge) emit(msg tea.Msg) {
	b.mu.Lock()
	p := b.program
	b.mu.Unlock()
	if p != nil {
		p.Send(msg)
	}
}

func (b *bridge) notify(n client.Notice) { b.emit(connectionMsg{n}) }

// start sends all messages and events to the program from now on.
func (b *bridge) start(p *tea.Program) {
	b.mu.Lock()
	b.program = p
	b.mu.Unlock()
	if b.client == nil {
		return
	}
	go b.watch()
	go func() {
		select {
		case <-b.client.Done():
			b.emit(endedMsg{b.client.Err()})
		case <-b.ctx.Done():
		}
	}()
	for _, state := range b.heads {
		b.follow(state)
	}
}

// watch sends the client's events to the program.
func (b *bridge) watch() {
	events := b.client.Events()
	defer events.Close()
	for {
		e, err := events.Next(b.ctx)
		if err != nil {
			return
		}
		b.emit(eventMsg{e})
	}
}

// follow sends a room's messages after state to the program, until the user
// leaves the room.
func (b *bridge) follow(state frame.RoomState) {
	sub, err := b.client.Subscribe(state.Room, state.Head)
	if err != nil {
		return // the user has left the room, or the client is closed
	}
	go func() {
		defer sub.Close()
		for {
			m, err := sub.Next(b.ctx)
			if err != nil {
				return
			}
			b.emit(arrivedMsg{m})
		}
	}()
}

func (b *bridge) Send(room chat.Room, text string) (client.Ack, error) {
	return b.client.Send(b.ctx, room, text)
}

func (b *bridge) Join(room chat.Room) (frame.RoomState, error) {
	state, err := b.client.Join(b.ctx, room)
	if err == nil {
		b.follow(state)
	}
	return state, err
}

// Run runs a command of roomcmd. If it enters a room, Run returns the room's
// state.
func (b *bridge) Run(c roomcmd.Command, room chat.Room, operands []string) (roomcmd.Result, *frame.RoomState, error) {
	result, err := c.Run(b.ctx, b.client, room, operands)
	if err != nil || result.Open == "" {
		return result, nil, err
	}
	rooms, err := b.client.Rooms(b.ctx)
	if err != nil {
		return result, nil, err
	}
	i := slices.IndexFunc(rooms, func(s frame.RoomState) bool { return s.Room == result.Open })
	if i < 0 {
		return result, nil, chat.NotAMember // removed meanwhile
	}
	b.follow(rooms[i])
	return result, &rooms[i], nil
}

func (b *bridge) Names() (map[chat.Room]chat.RoomName, error) { return b.client.RoomNames(b.ctx) }

func (b *bridge) Invitations() ([]frame.Invitation, error) {
	list, err := b.client.ClosedRooms(b.ctx)
	if err != nil {
		return nil, err
	}
	return list.Invitations, nil
}

func (b *bridge) Leave(room chat.Room) error { return b.client.Leave(b.ctx, room) }

func (b *bridge) Safety(user chat.User) (client.Safety, error) { return b.client.Safety(user) }

func (b *bridge) Presence(room chat.Room) (client.Presence, error) {
	return b.client.Presence(b.ctx, room)
}

// Typing and Read send hints, which are best effort.
func (b *bridge) Typing(room chat.Room) { _ = b.client.Typing(b.ctx, room) }

func (b *bridge) Read(p Place, delivered chat.Seq) {
	_ = b.client.Mark(b.ctx, p.Room, delivered, p.Seq)
	b.reading.Lock()
	defer b.reading.Unlock()
	b.read(p)
}

func (b *bridge) Keep(marks []Marks) {
	b.reading.Lock()
	defer b.reading.Unlock()
	b.keep(marks)
}

// Older reads up to n messages before a seq. It uses a subscription, which
// skips expired messages.
func (b *bridge) Older(room chat.Room, epoch chat.Epoch, before chat.Seq,
	n int) (messages []client.Message, top bool, err error) {
	since := max(before-chat.Seq(n)-1, 0)
	if before <= 1 {
		return nil, true, nil
	}
	sub, err := b.client.Subscribe(room, since)
	if err != nil {
		return nil, false, err
	}
	defer sub.Close()
	for {
		m, err := sub.Next(b.ctx)
		if err != nil {
			return nil, false, err
		}
		if m.Epoch != epoch {
			return nil, true, nil // the log has been replaced
		}
		if m.Seq < before {
			messages = append(messages, m)
		}
		if m.Seq >= before-1 {
			return messages, since == 0 || len(messages) == 0 || messages[0].Seq > since+1, nil
		}
	}
}
