// Package terminal is the full-screen interface of `sotto chat`.
//
// The Model is all of the screen and a pure function of events (model.go, and
// one file for each thing on it); the program here owns the chat client, turns
// what comes from it into events, and carries out the model's commands.
//
// Nothing that others wrote reaches the terminal but through package harmless:
// no text can move the cursor, recolour the screen, turn the direction of
// writing or pass for another's message.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Options say how a conversation is shown.
type Options struct {
	// Open connects. The program hears of the connection through notify.
	Open    func(notify func(client.Notice)) (*client.Client, error)
	Room    chat.Room // the one to begin with; it is joined if need be
	Address string    // of the service, for people
	// Describe makes an error one line for people.
	Describe func(error) string
	// Places are those that Read was told at earlier starts.
	Places []Place
	// Read keeps a place. It is called by one goroutine at a time.
	Read func(Place)

	Colours, Mouse bool
	Input          io.Reader
	Output         io.Writer
}

// ErrPanic says that the program is broken. The terminal is as it was before.
var ErrPanic = errors.New("sotto has a fault and ended; please report what is printed above")

// Run shows the chat until the user quits or ctx ends. It returns why, if that
// was not wanted, and leaves the terminal as it found it in every case.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bridge{ctx: ctx, read: o.Read}
	c, err := o.Open(b.notify)
	if err != nil {
		return err
	}
	defer c.Close()
	b.client = c
	rooms, err := b.rooms(o.Room)
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
	m := newModel(o, b, account{c.User(), c.Device()}, rooms, read, o.Room)
	err = b.show(m, o)
	if m.ended != nil && ctx.Err() == nil {
		return m.ended
	}
	return err
}

// show runs the program over a model.
func (b *bridge) show(m tea.Model, o Options) error {
	options := []tea.ProgramOption{tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithoutSignalHandler()}
	if !o.Colours {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	p := tea.NewProgram(m, options...)
	b.start(p)
	// Quit rather than kill: the last thing on the screen is what was there
	// before.
	stop := context.AfterFunc(b.ctx, p.Quit)
	defer stop()
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramPanic) {
		return ErrPanic
	}
	if err != nil {
		return fmt.Errorf("the terminal cannot be used (%w); try --plain", err)
	}
	return nil
}

// bridge is the service that the model speaks to: a client, and the program
// that hears what comes from it.
type bridge struct {
	ctx    context.Context
	client *client.Client
	read   func(Place)

	mu      sync.Mutex // of what follows
	program *tea.Program
	heads   []frame.RoomState // rooms to follow once there is a program
	reading sync.Mutex        // one call of read at a time
}

// rooms lists the user's rooms, room among them.
func (b *bridge) rooms(room chat.Room) ([]frame.RoomState, error) {
	rooms, err := b.client.Rooms(b.ctx)
	if err != nil {
		return nil, err
	}
	in := false
	for _, state := range rooms {
		in = in || state.Room == room
	}
	if !in {
		state, err := b.client.Join(b.ctx, room)
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, state)
	}
	b.heads = rooms
	return rooms, nil
}

// tell gives an event to the program, once there is one.
func (b *bridge) tell(msg tea.Msg) {
	b.mu.Lock()
	p := b.program
	b.mu.Unlock()
	if p != nil {
		p.Send(msg)
	}
}

func (b *bridge) notify(n client.Notice) { b.tell(connectionMsg{n}) }

// start lets the program hear of everything from now on.
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
			b.tell(endedMsg{b.client.Err()})
		case <-b.ctx.Done():
		}
	}()
	for _, state := range b.heads {
		b.follow(state)
	}
}

// watch passes events on until the end.
func (b *bridge) watch() {
	events := b.client.Events()
	defer events.Close()
	for {
		e, err := events.Next(b.ctx)
		if err != nil {
			return
		}
		b.tell(eventMsg{e})
	}
}

// follow passes on what comes in a room behind a state of it, until the room is
// left.
func (b *bridge) follow(state frame.RoomState) {
	sub, err := b.client.Subscribe(state.Room, state.Head)
	if err != nil {
		return // left or closed meanwhile
	}
	go func() {
		defer sub.Close()
		for {
			m, err := sub.Next(b.ctx)
			if err != nil {
				return
			}
			b.tell(arrivedMsg{m})
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

func (b *bridge) Leave(room chat.Room) error { return b.client.Leave(b.ctx, room) }

func (b *bridge) Safety(user chat.User) (client.Safety, error) { return b.client.Safety(user) }

func (b *bridge) Presence(room chat.Room) (client.Presence, error) {
	return b.client.Presence(b.ctx, room)
}

// Typing and Read pass hints on, which are lost without harm.
func (b *bridge) Typing(room chat.Room) { _ = b.client.Typing(b.ctx, room) }

func (b *bridge) Read(p Place, delivered chat.Seq) {
	_ = b.client.Mark(b.ctx, p.Room, delivered, p.Seq)
	b.reading.Lock()
	defer b.reading.Unlock()
	b.read(p)
}

// Older reads up to n messages before a seq: a subscription yields what comes
// after one, and jumps over what is not kept any more.
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
			return nil, true, nil // the log of which they were is gone
		}
		if m.Seq < before {
			messages = append(messages, m)
		}
		if m.Seq >= before-1 {
			return messages, since == 0 || len(messages) == 0 || messages[0].Seq > since+1, nil
		}
	}
}
