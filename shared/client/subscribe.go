package client

import (
	"context"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// NewOnly starts a subscription with the next new message.
const NewOnly chat.Seq = -1

// maxPending bounds the frames that a subscription queues for a slow consumer
// or behind a gap. Further messages are read from the history later.
const maxPending = 128

// Subscription yields one room's messages in order, each exactly once.
//
// A consumer may be slow: it delays neither the service nor other subscriptions
// and misses nothing. Only the next few messages are queued; the rest is read
// from the history when the consumer gets there. Messages that have expired by
// then are skipped, so the seqs may have gaps. When the room's epoch changes,
// the subscription starts over at the floor of the new log.
type Subscription struct {
	client *Client
	room   chat.Room
	ctx    context.Context // its cause says why the subscription ended
	cancel context.CancelCauseFunc
	out    chan Message
	wake   chan struct{} // holds one token while the state below has changed

	mu      sync.Mutex
	epoch   chat.Epoch
	retired map[chat.Epoch]bool // epochs that have ended; their late frames are ignored
	last    chat.Seq            // the last one yielded
	head    chat.Seq            // the last one known to exist
	floor   chat.Seq            // the first one stored, 0 if unknown
	pending map[chat.Seq]frame.Message

	emptyPages int // pages in a row without the next message; only follow uses it
}

// Subscribe follows a room from the message after since: 0 means from the first
// stored message, [NewOnly] from the next new one. It does not wait for the
// service. A room may have several subscriptions. Errors: chat.NotAMember, and
// [Client.Err] if the client has ended.
func (c *Client) Subscribe(room chat.Room, since chat.Seq) (*Subscription, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	state, member := c.rooms[room]
	if !member {
		return nil, chat.NotAMember
	}
	if since == NewOnly {
		since = state.Head
	}
	s := &Subscription{
		client:  c,
		room:    room,
		out:     make(chan Message),
		wake:    make(chan struct{}, 1),
		epoch:   state.Epoch,
		retired: map[chat.Epoch]bool{},
		last:    max(since, 0),
		head:    state.Head,
		floor:   state.Floor,
		pending: map[chat.Seq]frame.Message{},
	}
	s.ctx, s.cancel = context.WithCancelCause(c.ctx)
	c.subs[s] = struct{}{}
	c.start(s.follow)
	return s, nil
}

// Next waits for the next message and returns it. Errors: the cause of ctx;
// ErrClosed after Close; chat.NotAMember if the user has left the room;
// [Client.Err] if the client has ended.
func (s *Subscription) Next(ctx context.Context) (Message, error) {
	select {
	case m := <-s.out:
		return m, nil
	case <-s.ctx.Done():
		return Message{}, context.Cause(s.ctx)
	case <-ctx.Done():
		return Message{}, context.Cause(ctx)
	}
}

// Close ends the subscription. The user remains a member of the room.
func (s *Subscription) Close() { s.fail(ErrClosed) }

func (s *Subscription) fail(cause error) { s.cancel(cause) }

// observe records the state of the room's log. A floor of 0 means unknown.
func (s *Subscription) observe(epoch chat.Epoch, head, floor chat.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.switchTo(epoch) {
		s.head, s.floor = max(s.head, head), max(s.floor, floor)
		s.signal()
	}
}

// switchTo reports whether epoch is the current one. A new epoch becomes the
// current one, and the subscription starts over. Epochs are random, so only
// those that have ended here are known to be old.
func (s *Subscription) switchTo(epoch chat.Epoch) bool {
	if epoch == s.epoch {
		return true
	}
	if s.retired[epoch] {
		return false
	}
	s.retired[s.epoch] = true
	s.epoch, s.last, s.head, s.floor = epoch, 0, 0, 0
	clear(s.pending)
	return true
}

// signal wakes follow.
func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// receive queues a message frame. It never blocks, because the connection's
// reader calls it.
func (s *Subscription) receive(m frame.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.switchTo(m.Epoch) || m.Seq <= s.last {
		return // of an old epoch, or a duplicate
	}
	s.head = max(s.head, m.Seq)
	if len(s.pending) < maxPending {
		s.pending[m.Seq] = m
	}
	s.signal()
}

// heads returns the last seq yielded in each subscribed room, for a ping.
func (c *Client) heads() map[chat.Room]chat.Seq {
	c.mu.Lock()
	defer c.mu.Unlock()
	heads := make(map[chat.Room]chat.Seq, len(c.subs))
	for s := range c.subs {
		if len(heads) == chat.MaxRooms {
			break // the limit of a ping frame
		}
		s.mu.Lock()
		heads[s.room] = s.last
		s.mu.Unlock()
	}
	return heads
}

// observe records the state of a room's log in its subscriptions. A floor of 0
// means unknown.
func (c *Client) observe(room chat.Room, epoch chat.Epoch, head, floor chat.Seq) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(room, epoch, head)
	for s := range c.subs {
		if s.room == room {
			s.observe(epoch, head, floor)
		}
	}
}

// deliver passes a message frame to the room's subscriptions.
func (c *Client) deliver(m frame.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(m.Room, m.Epoch, m.Seq)
	for s := range c.subs {
		if s.room == m.Room {
			s.receive(m)
		}
	}
}

// advance raises the room's head, where a NewOnly subscription begins.
func (c *Client) advance(room chat.Room, epoch chat.Epoch, head chat.Seq) {
	if state, member := c.rooms[room]; member && state.Epoch == epoch && head > state.Head {
		state.Head = head
		c.rooms[room] = state
	}
}
