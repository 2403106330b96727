package room

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/strict"
)

// youngConnection is the age below which a connection that posts find gone is
// left alone: API Gateway answers 410 until `$connect` has returned everywhere.
const youngConnection = 5 * time.Second

// freshRepeat is the age up to which a repeat is delivered to the whole room:
// the first delivery may have died half way, and a client repeats within
// seconds. Later ones would only be a way round the room's rate.
const freshRepeat = 2 * time.Minute

// delivery is a stored message on its way to those who hear its room.
type delivery struct {
	entry *Entry
	plain []byte // the plaintext, the same for every recipient
	// caller is the connection that is to get its ack before its message, and
	// acked waits for that; both are zero where nobody waits.
	caller chat.Connection
	acked  func() error
}

// prepare makes the plaintext. Error: ErrDamaged.
func prepare(e *Entry, jws string) (*delivery, error) {
	message, err := plain(e, jws)
	if err != nil {
		return nil, err
	}
	data, err := strict.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}
	return &delivery{entry: e, plain: data}, nil
}

// plain makes the plaintext of a message, the same for every recipient. Error:
// ErrDamaged.
func plain(e *Entry, jws string) (frame.MessagePlain, error) {
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

// frameFor re-encrypts the message under a listener's newest key.
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

// stored reads a message back from the log. Errors: ErrNotFound, also when it
// is past its retention; ErrDamaged.
func (s *Service) stored(ctx context.Context, room chat.Room, epoch chat.Epoch, seq chat.Seq) (*delivery, error) {
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
	return prepare(e, jws)
}

// deliverNew delivers a message that has just been appended.
func (s *Service) deliverNew(ctx context.Context, e *Entry, jws string, caller chat.Connection,
	acked func() error) error {
	d, err := prepare(e, jws)
	if err != nil {
		return err
	}
	d.caller, d.acked = caller, acked
	return s.deliver(ctx, d)
}

// redeliver delivers what is stored under a repeated id, never what came with
// the repeat: one id must not show two texts. An old message goes to the
// connection that repeated it alone, one past its retention to nobody.
func (s *Service) redeliver(ctx context.Context, repeated *Entry, caller chat.Connection, acked func() error) error {
	d, err := s.stored(ctx, repeated.Room, repeated.Epoch, repeated.Seq)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	d.caller, d.acked = caller, acked
	if s.now().Sub(d.entry.StoredAt) < freshRepeat {
		return s.deliver(ctx, d)
	}
	listeners, err := s.store.ListenersIn(ctx, d.entry.Room, caller, caller)
	if err != nil {
		return fmt.Errorf("find the caller among the listeners: %w", err)
	}
	s.postMessage(ctx, d, listeners)
	return nil
}

// postMessage posts a message to listeners, each under its newest key.
func (s *Service) postMessage(ctx context.Context, d *delivery, listeners []Listener) {
	s.postAll(ctx, d.entry.Room, listeners, d.frameFor)
}

// postAll posts one frame to each listener and removes exactly the rows of
// those that are gone. Who is not reached is counted and not waited for: the
// next message, or a ping, shows a client what it lacks.
func (s *Service) postAll(ctx context.Context, room chat.Room, listeners []Listener,
	make func(Listener) ([]byte, error)) {
	var missed atomic.Int64
	var cause atomic.Pointer[error]
	s.post.PostAll(ctx, len(listeners),
		func(i int) chat.Connection { return listeners[i].Connection },
		func(i int) ([]byte, error) { return make(listeners[i]) },
		func(i int, err error) {
			switch {
			case err == nil:
			case errors.Is(err, ErrGone):
				if err := recovery.Call(func() error { return s.bury(ctx, room, listeners[i]) }); err != nil {
					s.log.WarnContext(ctx, "a gone listener was not removed", "err", err, "room", room,
						"connection", listeners[i].Connection, recovery.StackOf(err))
				}
			default:
				missed.Add(1)
				cause.CompareAndSwap(nil, &err)
			}
		})
	if n := missed.Load(); n > 0 {
		err := *cause.Load()
		s.log.WarnContext(ctx, "not all listeners were reached", "missed", n, "of", len(listeners), "room",
			room, "err", err, recovery.StackOf(err))
	}
}

// bury removes a gone listener's row, unless its connection is too young to be
// believed gone.
func (s *Service) bury(ctx context.Context, room chat.Room, l Listener) error {
	if s.now().Sub(l.ConnectedAt) < youngConnection {
		return nil
	}
	return s.store.Unlisten(ctx, room, l.Connection)
}
