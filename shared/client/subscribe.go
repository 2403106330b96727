package client

import (
	"context"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// NewOnly as the start of a subscription means: what comes from now on.
const NewOnly chat.Seq = -1

// maxPending bounds the frames a subscription holds back for a slow consumer or
// behind a gap. What comes on top is read from the history later.
const maxPending = 128

// Subscription yields one room's messages in order, each exactly once.
//
// A consumer may take as long as it likes. Nobody waits for it, neither the
// service nor other subscriptions, and it misses nothing: only the next few
// messages are held for it, and the rest is read from the history when it gets
// there. What has passed the room's retention by then is left out, and so the
// seqs jump. When the room's epoch changes, the log starts over at its floor.
type Subscription struct {
	client *Client
	room   chat.Room
	ctx    context.Context // its cause says why the subscription ended
	cancel context.CancelCauseFunc
	out    chan Message
	wake   chan struct{} // holds one token: something below has changed

	mu      sync.Mutex
	epoch   chat.Epoch
	retired map[chat.Epoch]bool // epochs that are over; their late frames count for nothing
	last    chat.Seq            // the last one yielded
	head    chat.Seq            // the last one known to exist
	floor   chat.Seq            // the first one retained, as far as known
	pending map[chat.Seq]frame.Message

	fruitless int // pages in a row that brought nothing; follow alone uses it
}

// Subscribe starts to follow a room: from the message after since, 0 for all
// that is retained, or [NewOnly]. The user must be a member: chat.NotAMember.
// It does not wait for the service. Several subscriptions may follow one room.
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

// Next returns the next message and waits for it. Errors: the reason why ctx
// ended; ErrClosed; chat.NotAMember when the user has left the room; what
// [Client.Err] says when the client has ended.
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

// Close ends the subscription. The user stays a member.
func (s *Subscription) Close() { s.fail(ErrClosed) }

func (s *Subscription) fail(cause error) { s.cancel(cause) }

// observe takes note of where the room's log stands; floor 0 is not known.
func (s *Subscription) observe(epoch chat.Epoch, head, floor chat.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.enter(epoch) {
		s.head, s.floor = max(s.head, head), max(s.floor, floor)
		s.notice()
	}
}

// enter says whether epoch is the room's, starting over when it is a new one.
// Epochs are random, so which of two is newer shows only by having seen one
// end.
func (s *Subscription) enter(epoch chat.Epoch) bool {
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

func (s *Subscription) notice() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take takes a message frame. It never blocks: the connection's reader calls
// it.
func (s *Subscription) take(m frame.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enter(m.Epoch) || m.Seq <= s.last {
		return // over, or a duplicate
	}
	s.head = max(s.head, m.Seq)
	if len(s.pending) < maxPending {
		s.pending[m.Seq] = m
	}
	s.notice()
}

// heads are the subscribed rooms and the last seqs yielded, for a ping.
func (c *Client) heads() map[chat.Room]chat.Seq {
	c.mu.Lock()
	defer c.mu.Unlock()
	heads := make(map[chat.Room]chat.Seq, len(c.subs))
	for s := range c.subs {
		if len(heads) == chat.MaxRooms {
			break // the ping takes no more
		}
		s.mu.Lock()
		heads[s.room] = s.last
		s.mu.Unlock()
	}
	return heads
}

// observe tells the room's subscriptions where its log stands; floor 0 is not
// known.
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

// deliver gives a message frame to the room's subscriptions.
func (c *Client) deliver(m frame.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(m.Room, m.Epoch, m.Seq)
	for s := range c.subs {
		if s.room == m.Room {
			s.take(m)
		}
	}
}

// advance keeps the room's head, at which a later subscription begins.
func (c *Client) advance(room chat.Room, epoch chat.Epoch, head chat.Seq) {
	if state, member := c.rooms[room]; member && state.Epoch == epoch && head > state.Head {
		state.Head = head
		c.rooms[room] = state
	}
}
