package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// youngConnection is the age below which a connection that posts find gone is
// left alone: API Gateway answers 410 until `$connect` has returned everywhere.
const youngConnection = 5 * time.Second

// plain makes the plaintext of a message, the same for every recipient. Error:
// ErrDamaged.
func plain(e *Entry, jws string) (frame.MessagePlain, error) {
	key, err := envelope.VerifyKeyFromBytes(e.SenderKey)
	if err != nil {
		return frame.MessagePlain{}, fmt.Errorf("%w: the sender's key: %w", ErrDamaged, err)
	}
	return frame.MessagePlain{
		Room: e.Room, Epoch: e.Epoch, Seq: e.Seq, ID: e.ID, From: e.User, Device: e.Device,
		StoredAt: e.StoredAt.UnixMilli(), JWK: key.JWK(), JWS: jws,
	}, nil
}

// freshRepeat is the age up to which a repeat is delivered to the whole room: the
// first delivery may have died half way, and a client repeats within seconds.
// Later ones would only be a way round the room's rate.
const freshRepeat = 2 * time.Minute

// redeliver delivers what is stored under a repeated id, never what came with
// the repeat: one id must not show two texts. An old message goes to the
// connection that repeated it alone, one past its retention to nobody.
func (s *Service) redeliver(ctx context.Context, c Call, repeated *Entry) error {
	e, err := s.store.Entry(ctx, repeated.Room, repeated.Epoch, repeated.Seq)
	if errors.Is(err, ErrNotFound) || err == nil && s.expired(Times{e.StoredAt, e.Expires}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the first of a repeat: %w", err)
	}
	jws, err := s.openEntry(ctx, e)
	if err != nil {
		return err
	}
	if s.now().Sub(e.StoredAt) < freshRepeat {
		return s.deliver(ctx, e, jws)
	}
	return s.deliverTo(ctx, e, jws, func(l Listener) bool { return l.Connection == c.Connection })
}

// deliver re-encrypts a stored message for every device that hears its room,
// each under its newest key, and posts it.
func (s *Service) deliver(ctx context.Context, e *Entry, jws string) error {
	return s.deliverTo(ctx, e, jws, func(Listener) bool { return true })
}

// deliverTo delivers to those of the room's listeners that are wanted.
func (s *Service) deliverTo(ctx context.Context, e *Entry, jws string, wanted func(Listener) bool) error {
	message, err := plain(e, jws)
	if err != nil {
		return err
	}
	data, err := strict.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	listeners, err := s.store.Listeners(ctx, e.Room)
	if err != nil {
		return fmt.Errorf("list the listeners: %w", err)
	}
	listeners = slices.DeleteFunc(listeners, func(l Listener) bool { return !wanted(l) })
	s.postAll(ctx, e.Room, listeners, func(l Listener) ([]byte, error) {
		enc, err := envelope.EncryptionKeyFromModulus(l.Enc)
		if err != nil {
			return nil, fmt.Errorf("read the listener's key: %w", err)
		}
		token, err := envelope.Seal(enc, envelope.TypeSealedMessage, data)
		if err != nil {
			return nil, fmt.Errorf("seal to the listener: %w", err)
		}
		return strict.Marshal(frame.Message{Type: frame.TypeMessage, Room: e.Room, Epoch: e.Epoch, Seq: e.Seq, JWE: token})
	})
	return nil
}

// postAll posts one frame to each listener and removes exactly the rows of
// those that are gone.
func (s *Service) postAll(ctx context.Context, room chat.Room, listeners []Listener, make func(Listener) ([]byte, error)) {
	s.post.PostAll(ctx, len(listeners),
		func(i int) chat.Connection { return listeners[i].Connection },
		func(i int) ([]byte, error) { return make(listeners[i]) },
		func(i int, err error) {
			l := listeners[i]
			switch {
			case err == nil:
			case errors.Is(err, ErrGone):
				if s.now().Sub(l.ConnectedAt) < youngConnection {
					return
				}
				if err := s.store.Unlisten(ctx, room, l.Connection); err != nil {
					s.log.WarnContext(ctx, "a gone listener was not removed", "err", err, "room", room, "connection", l.Connection)
				}
			default:
				s.log.WarnContext(ctx, "a post failed", "err", err, "room", room, "connection", l.Connection)
			}
		})
}
