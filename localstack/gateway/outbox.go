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

// frameOverhead is what a queued message costs beside its bytes, so that empty
// messages cannot fill the memory either. It is no less than the largest frame
// header (10 bytes) and the queue's own record.
const frameOverhead = 512

// outgoing is one message to a client.
type outgoing struct {
	kind  websocket.MessageType
	data  []byte
	about *trace.Event // what is reported once it is written
}

func (m outgoing) cost() int { return len(m.data) + frameOverhead }

// outbox is the bounded queue between everybody who sends to a connection and
// the one goroutine that writes to it. Senders never wait for the client: that
// is the writer's part.
type outbox struct {
	limit int // bytes

	mu      sync.Mutex
	changed sync.Cond
	queue   []outgoing
	size    int // bytes queued or being written
	state   outboxState
}

type outboxState int

const (
	outboxOpen     outboxState = iota
	outboxLast                 // what is queued is still written, nothing is added
	outboxClosed               // nothing is written any more
	outboxSwallows             // everything is accepted and thrown away
)

func newOutbox(limit int) *outbox {
	o := &outbox{limit: limit}
	o.changed.L = &o.mu
	return o
}

// push queues a message, or says errBufferFull or errGone.
func (o *outbox) push(m outgoing) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.admits(m); err != nil {
		return err
	}
	o.add(m)
	return nil
}

// pushWait is push for those who may be held up by this very client: it waits
// for room instead of failing.
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

func (o *outbox) admits(m outgoing) error {
	switch {
	case o.state == outboxSwallows:
		return nil
	case o.state != outboxOpen:
		return errGone
	case o.size+m.cost() > o.limit:
		return errBufferFull
	}
	return nil
}

func (o *outbox) add(m outgoing) {
	if o.state == outboxSwallows {
		return
	}
	o.queue = append(o.queue, m)
	o.size += m.cost()
	o.changed.Broadcast()
}

// next waits for the next message to write; false means that there will be
// none.
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

// wrote gives back the room of a message that next handed out.
func (o *outbox) wrote(m outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size -= m.cost()
	o.changed.Broadcast()
}

// enter moves to a later state; what cannot be written any more is dropped. An
// outbox never goes back.
func (o *outbox) enter(state outboxState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if state == outboxSwallows && o.state != outboxOpen || state == outboxLast && o.state != outboxOpen {
		return
	}
	o.state = state
	if state != outboxLast {
		o.queue = nil
	}
	o.changed.Broadcast()
}
