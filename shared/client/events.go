package client

import (
	"context"
	"slices"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Event is a [Typing], a [Presence], a [Mark] or a [NewDevice]. The first three
// are hints (protocol §6): nobody has signed them, they may be lost, and
// nothing but what a screen shows may depend on them.
type Event interface {
	// replaces says whether the event makes an older one that is still unread
	// worthless.
	replaces(older Event) bool
}

// Typing says that another user is writing in a room just now. It is shown for
// TypingShown, or until a message of that user.
type Typing struct {
	Room chat.Room
	User chat.User
}

// Presence says who hears a room. More says that there may be others.
type Presence struct {
	Room  chat.Room
	Users []chat.User // sorted; not to be changed
	More  bool
}

// Mark says how far a user has a room (Delivered), and how far it was on a
// screen (Read). Those of the own user come from the user's other devices.
type Mark struct {
	Room      chat.Room
	User      chat.User
	Delivered chat.Seq
	Read      chat.Seq
}

// NewDevice warns that a user who was known by other devices has spoken from
// one that was not: the user has a new one, or somebody else has the name.
// Safety numbers with that user are others from now on.
type NewDevice struct {
	User   chat.User
	Device chat.Device   // the new one; its name is its key's fingerprint
	Known  []chat.Device // those known before
}

func (e Typing) replaces(older Event) bool {
	o, ok := older.(Typing)
	return ok && o == e
}

func (e Presence) replaces(older Event) bool {
	o, ok := older.(Presence)
	return ok && o.Room == e.Room
}

func (e Mark) replaces(older Event) bool {
	o, ok := older.(Mark)
	return ok && o.Room == e.Room && o.User == e.User
}

func (NewDevice) replaces(Event) bool { return false }

// maxEvents bounds the hints that wait for a slow consumer. Of these the oldest
// are dropped; a [NewDevice] never is.
const maxEvents = 256

// Events yields what happens besides messages, in the order in which it came.
type Events struct {
	client *Client
	wake   chan struct{} // holds one token: the queue has grown
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	queue []Event
}

// hub gives events to all who listen.
type hub struct {
	mu   sync.Mutex
	subs map[*Events]struct{}
}

// Events starts to listen to what happens from now on, in all rooms. Several
// may listen. It ends with Close or with the client.
func (c *Client) Events() *Events {
	e := &Events{client: c, wake: make(chan struct{}, 1)}
	e.ctx, e.cancel = context.WithCancelCause(c.ctx)
	c.events.mu.Lock()
	defer c.events.mu.Unlock()
	if c.events.subs == nil {
		c.events.subs = map[*Events]struct{}{}
	}
	c.events.subs[e] = struct{}{}
	return e
}

// Next returns the next event and waits for it. Errors: the reason why ctx
// ended; ErrClosed; what [Client.Err] says when the client has ended.
func (e *Events) Next(ctx context.Context) (Event, error) {
	for {
		if event, ok := e.pop(); ok {
			return event, nil
		}
		select {
		case <-e.wake:
		case <-e.ctx.Done():
			return nil, context.Cause(e.ctx)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Close ends the subscription.
func (e *Events) Close() {
	e.cancel(ErrClosed)
	e.client.events.mu.Lock()
	defer e.client.events.mu.Unlock()
	delete(e.client.events.subs, e)
}

func (e *Events) pop() (Event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return nil, false
	}
	event := e.queue[0]
	e.queue = e.queue[1:]
	return event, true
}

// push never blocks: the connection's reader calls it.
func (e *Events) push(event Event) {
	e.mu.Lock()
	e.queue = append(slices.DeleteFunc(e.queue, event.replaces), event)
	if len(e.queue) > maxEvents {
		if i := slices.IndexFunc(e.queue, isHint); i >= 0 {
			e.queue = slices.Delete(e.queue, i, i+1)
		}
	}
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func isHint(event Event) bool {
	_, warning := event.(NewDevice)
	return !warning
}

func (h *hub) emit(event Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for e := range h.subs {
		e.push(event)
	}
}

// announce tells of the device that a message has shown to be new.
func (c *Client) announce(m Message) {
	if !m.NewDevice {
		return
	}
	known, err := c.device.Known(m.From)
	if err != nil {
		c.log.Warn("the known devices cannot be read", "err", err)
	}
	known = slices.DeleteFunc(known, func(d chat.Device) bool { return d == m.Device })
	c.events.emit(NewDevice{User: m.From, Device: m.Device, Known: known})
}
