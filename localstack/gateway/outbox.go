package gateway

import (
	"errors"
	"sync"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/trace"
)

var (
	errBufferFull = errors.New("send buffer is full")
	errGone       = errors.New("connection is gone")
)

// frameOverhead is what a queued message costs besides its bytes, so that empty
// messages cannot fill the memory. It is more than the largest frame header (10
// bytes) and the element of the queue.
const frameOverhead = 512

// outgoing is one message to a client.
type outgoing struct {
	kind  websocket.MessageType
	data  []byte
	event *trace.Event // to report when the message is written
}

func (m outgoing) cost() int { return len(m.data) + frameOverhead }

// outbox is the bounded queue of messages to one client. Many goroutines send
// to it; only the connection's writer takes messages out and waits for the
// client.
type outbox struct {
	limit int // bytes

	mu      sync.Mutex
	changed sync.Cond
	queue   []outgoing
	size    int // bytes queued or being written
	state   outboxState
}

// outboxState says what happens to queued and to new messages.
type outboxState int

const (
	outboxOpen     outboxState = iota
	outboxDraining             // queued messages are still written; new ones are refused
	outboxClosed               // nothing is written; new messages are refused
	outboxDiscards             // nothing is written; new messages are accepted and discarded
)

func newOutbox(limit int) *outbox {
	o := &outbox{limit: limit}
	o.changed.L = &o.mu
	return o
}

// push queues a message. Errors: errBufferFull, errGone.
func (o *outbox) push(m outgoing) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.admits(m); err != nil {
		return err
	}
	o.add(m)
	return nil
}

// pushWait is push that waits for space instead of returning errBufferFull. It
// is for goroutines that this client may delay.
func (o *outbox) pushWait(m outgoing) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		err := o.admits(m)
		if err == nil {
			o.add(m)
			return nil
		}
		if err != errBufferFull || m.cost() > o.limit {
			return err
		}
		o.changed.Wait()
	}
}

// admits returns the error for a message that the queue does not take.
func (o *outbox) admits(m outgoing) error {
	switch {
	case o.state == outboxDiscards:
		return nil
	case o.state != outboxOpen:
		return errGone
	case o.size+m.cost() > o.limit:
		return errBufferFull
	}
	return nil
}

func (o *outbox) add(m outgoing) {
	if o.state == outboxDiscards {
		return
	}
	o.queue = append(o.queue, m)
	o.size += m.cost()
	o.changed.Broadcast()
}

// next waits for the next message to write and returns it. It returns false if
// there will be none.
func (o *outbox) next() (outgoing, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 {
		if o.state != outboxOpen {
			return outgoing{}, false
		}
		o.changed.Wait()
	}
	m := o.queue[0]
	o.queue[0] = outgoing{}
	o.queue = o.queue[1:]
	return m, true
}

// release frees the space of a message that next returned.
func (o *outbox) release(m outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size -= m.cost()
	o.changed.Broadcast()
}

// setState moves to a later state and drops the messages that it does not
// write. A move to an earlier state has no effect.
func (o *outbox) setState(state outboxState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if state == outboxDiscards && o.state != outboxOpen || state == outboxDraining && o.state != outboxOpen {
		return
	}
	o.state = state
	if state != outboxDraining {
		o.queue = nil
	}
	o.changed.Broadcast()
}
