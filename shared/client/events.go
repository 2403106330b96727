package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Event is a [Typing], a [Presence], a [Mark], an [Invited], a [Left] or a
// [NewDevice]. The first three are hints (protocol §6): they are unsigned and
// may be lost, so use them only for display.
type Event interface {
	// replaces reports whether this event makes an older, unread one obsolete.
	replaces(older Event) bool
}

// Typing means that another user is typing in a room. Show it for TypingShown,
// or until a message from that user arrives.
type Typing struct {
	Room chat.Room
	User chat.User
}

// Presence lists the users who are connected and subscribed to a room. More
// means that the list may be incomplete.
type Presence struct {
	Room  chat.Room
	Users []chat.User // sorted; read-only
	More  bool
}

// Mark holds the last seq that a user's device has received (Delivered) and the
// last one that was on its screen (Read). Marks of the client's own user come
// from the user's other devices.
type Mark struct {
	Room      chat.Room
	User      chat.User
	Delivered chat.Seq
	Read      chat.Seq
}

// NewDevice warns that a user has sent a message from a device that was not
// known: the user has a new device, or someone else uses the name. The safety
// number with that user changes.
type NewDevice struct {
	User   chat.User
	Device chat.Device   // the new one; its id is its key's thumbprint
	Known  []chat.Device // the devices known before
}

// Invited means that the user was invited to a closed room.
// [Client.ClosedRooms] says more.
type Invited struct{ Room chat.Room }

// Left means that the user was removed from a closed room, or has left it on
// another device.
type Left struct{ Room chat.Room }

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

func (e Invited) replaces(older Event) bool {
	o, ok := older.(Invited)
	return ok && o == e
}

func (e Left) replaces(older Event) bool {
	o, ok := older.(Left)
	return ok && o == e
}

// maxEvents bounds the events queued for a slow consumer. Above it the oldest
// hint is dropped; other events never are.
const maxEvents = 256

// Events yields events in the order in which they arrived.
type Events struct {
	client *Client
	wake   chan struct{} // holds one token while the queue has grown
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	queue []Event
}

// hub passes events to all consumers.
type hub struct {
	mu        sync.Mutex
	consumers map[*Events]struct{}
}

// Events subscribes to the events of all rooms from now on. There may be
// several consumers. It ends with Close or with the client.
func (c *Client) Events() *Events {
	e := &Events{client: c, wake: make(chan struct{}, 1)}
	e.ctx, e.cancel = context.WithCancelCause(c.ctx)
	c.events.mu.Lock()
	defer c.events.mu.Unlock()
	if c.events.consumers == nil {
		c.events.consumers = map[*Events]struct{}{}
	}
	c.events.consumers[e] = struct{}{}
	return e
}

// Next waits for the next event and returns it. Errors: the cause of ctx;
// ErrClosed after Close; [Client.Err] if the client has ended.
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
	delete(e.client.events.consumers, e)
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

// push queues an event. It never blocks, because the connection's reader calls
// it.
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
	switch event.(type) {
	case Typing, Presence, Mark:
		return true
	}
	return false
}

func (h *hub) emit(event Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for e := range h.consumers {
		e.push(event)
	}
}

// emitNewDevice emits a NewDevice if the message came from one.
func (c *Client) emitNewDevice(m Message) {
	if !m.NewDevice {
		return
	}
	known, err := c.device.Known(m.From)
	if err != nil {
		c.log.Warn("failed to read the known devices", "err", err)
	}
	known = slices.DeleteFunc(known, func(d chat.Device) bool { return d == m.Device })
	c.events.emit(NewDevice{User: m.From, Device: m.Device, Known: known})
}

// invitations passes on the events of invitations, at most one in
// inviteInterval: each makes a program ask for the list, and who sends many
// invitations must not use up the user's rate.
type invitations struct {
	mu      sync.Mutex
	last    time.Time
	waiting bool
}

// inviteInterval is the shortest time between two [Invited] events.
const inviteInterval = 30 * time.Second

// invited emits the event now or, if there was one a moment ago, later.
func (c *Client) invited(e Invited) {
	c.invites.mu.Lock()
	defer c.invites.mu.Unlock()
	if c.invites.waiting {
		return
	}
	rest := inviteInterval - time.Since(c.invites.last)
	if rest <= 0 {
		c.invites.last = time.Now()
		c.events.emit(e)
		return
	}
	c.invites.waiting = true
	c.start(func() {
		if wait(c.ctx, rest) != nil {
			return
		}
		c.invites.mu.Lock()
		defer c.invites.mu.Unlock()
		c.invites.waiting, c.invites.last = false, time.Now()
		c.events.emit(e)
	})
}
