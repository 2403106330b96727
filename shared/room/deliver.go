package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/strict"
)

// youngConnection is the age up to which a connection keeps its listeners
// although posts find it gone: API Gateway answers 410 until $connect has
// returned in all its parts.
const youngConnection = 5 * time.Second

// freshRepeat is the age up to which the first repeat of a message is delivered
// to the whole room: the first delivery may have died, and clients repeat
// within seconds. To deliver others again would be a way around the room's
// rate.
const freshRepeat = 2 * time.Minute

// delivery is a stored message that is being delivered to a room's listeners.
type delivery struct {
	entry *Entry
	plain []byte // the plaintext, the same for every recipient
	// caller is the connection that gets its ack before its copy of the
	// message, and acked waits for that ack. Both are zero if there is no
	// caller.
	caller chat.Connection
	acked  func() error
}

// newDelivery makes the delivery of an entry. Error: ErrDamaged.
func newDelivery(e *Entry, jws string) (*delivery, error) {
	message, err := messagePlain(e, jws)
	if err != nil {
		return nil, err
	}
	data, err := strict.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}
	return &delivery{entry: e, plain: data}, nil
}

// messagePlain makes the plaintext of a message, which is the same for every
// recipient. Error: ErrDamaged.
func messagePlain(e *Entry, jws string) (frame.MessagePlain, error) {
	key, err := envelope.VerifyKeyFromBytes(e.SenderKey)
	if err != nil {
		return frame.MessagePlain{}, fmt.Errorf("%w: the sender's key: %w", ErrDamaged, err)
	}
	return frame.MessagePlain{
		Room:     e.Room,
		Epoch:    e.Epoch,
		Seq:      e.Seq,
		ID:       e.ID,
		From:     e.User,
		Device:   e.Device,
		StoredAt: e.StoredAt.UnixMilli(),
		JWK:      key.JWK(),
		JWS:      jws,
	}, nil
}

// frameFor encrypts the message under a listener's newest key.
func (d *delivery) frameFor(l Listener) ([]byte, error) {
	enc, err := envelope.EncryptionKeyFromModulus(l.Enc)
	if err != nil {
		return nil, fmt.Errorf("read the listener's key: %w", err)
	}
	token, err := envelope.Seal(enc, envelope.TypeSealedMessage, d.plain)
	if err != nil {
		return nil, fmt.Errorf("seal to the listener: %w", err)
	}
	if l.Connection == d.caller {
		if err := d.acked(); err != nil {
			return nil, err
		}
	}
	e := d.entry
	return strict.Marshal(frame.Message{Type: frame.TypeMessage, Room: e.Room, Epoch: e.Epoch, Seq: e.Seq, JWE: token})
}

// loadDelivery reads a message from the log. Errors: ErrNotFound, also if the
// message is past its retention; ErrDamaged.
func (s *Service) loadDelivery(ctx context.Context, room chat.Room, epoch chat.Epoch, seq chat.Seq) (*delivery, error) {
	e, err := s.store.Entry(ctx, room, epoch, seq)
	if err != nil {
		return nil, fmt.Errorf("read the entry: %w", err)
	}
	if s.expired(Times{e.StoredAt, e.Expires}) {
		return nil, ErrNotFound
	}
	jws, err := s.openEntry(ctx, e)
	if err != nil {
		return nil, err
	}
	return newDelivery(e, jws)
}

// deliverNew delivers a message that has just been appended.
func (s *Service) deliverNew(ctx context.Context, e *Entry, jws string, caller chat.Connection,
	acked func() error) error {
	d, err := newDelivery(e, jws)
	if err != nil {
		return err
	}
	d.caller, d.acked = caller, acked
	return s.deliver(ctx, d)
}

// redeliver delivers the message that is stored under a repeated id, and never
// the text of the repeat: one id must not show two texts. It goes to the room
// once, unless the message is old, and otherwise only to the connection that
// repeated it. An expired message goes to none.
func (s *Service) redeliver(ctx context.Context, repeated *Entry, caller chat.Connection, acked func() error) error {
	d, err := s.loadDelivery(ctx, repeated.Room, repeated.Epoch, repeated.Seq)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	d.caller, d.acked = caller, acked
	if s.now().Sub(d.entry.StoredAt) < freshRepeat {
		first, err := s.store.MarkRepeated(ctx, repeated)
		if err != nil {
			return fmt.Errorf("mark the repeat: %w", err)
		}
		if first {
			return s.deliver(ctx, d)
		}
	}
	listeners, err := s.store.ListenersIn(ctx, d.entry.Room, caller, caller)
	if err != nil {
		return fmt.Errorf("find the caller among the listeners: %w", err)
	}
	s.postMessage(ctx, d, listeners)
	return nil
}

// postMessage posts a message to the listeners that may read it, to each under
// its newest key.
func (s *Service) postMessage(ctx context.Context, d *delivery, listeners []Listener) {
	listeners = slices.DeleteFunc(slices.Clone(listeners), func(l Listener) bool { return d.entry.Seq < l.From })
	s.postAll(ctx, d.entry.Room, listeners, d.frameFor)
}

// postAll posts one frame to each listener, authenticated under the key of the
// listener's session, and removes the listeners that are
// gone. Failed posts are counted and logged, not retried here: clients find the
// gap with the next message or ping.
func (s *Service) postAll(ctx context.Context, room chat.Room, listeners []Listener,
	frameFor func(Listener) ([]byte, error)) {
	var failed atomic.Int64
	var cause atomic.Pointer[error]
	s.post.PostAll(ctx, len(listeners),
		func(i int) chat.Connection { return listeners[i].Connection },
		func(i int) ([]byte, error) {
			l := &listeners[i]
			data, err := frameFor(*l)
			if err != nil {
				return nil, err
			}
			if data, err = s.keys.AuthenticateFrame(ctx, l.ToClient, l.place(), data); err != nil {
				return nil, fmt.Errorf("authenticate the frame: %w", err)
			}
			return data, nil
		},
		func(i int, err error) {
			switch {
			case err == nil:
			case errors.Is(err, ErrGone):
				s.removeListener(ctx, room, listeners[i])
			default:
				if errors.Is(err, ErrDamaged) {
					// The row was made for another connection, or its key is
					// destroyed: no frame can be authenticated for it.
					s.removeListener(ctx, room, listeners[i])
				}
				failed.Add(1)
				cause.CompareAndSwap(nil, &err)
			}
		})
	if n := failed.Load(); n > 0 {
		err := *cause.Load()
		s.log.WarnContext(ctx, "failed to post to some listeners", "failed", n, "listeners", len(listeners),
			"room", room, "err", err, recovery.StackOf(err))
	}
}

// removeListener removes a listener whose connection is gone, unless the
// connection is so young that it may only seem to be gone. It is best effort:
// the next post tries again.
func (s *Service) removeListener(ctx context.Context, room chat.Room, l Listener) {
	if s.now().Sub(l.ConnectedAt) < youngConnection {
		return
	}
	err := recovery.Call(func() error { return s.store.RemoveListener(ctx, room, l.Connection) })
	if err != nil {
		s.log.WarnContext(ctx, "failed to remove a gone listener", "err", err, "room", room,
			"connection", l.Connection, recovery.StackOf(err))
	}
}
