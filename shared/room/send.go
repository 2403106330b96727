package room

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/strict"
)

const (
	// appendAttempts bounds how often an append tries to take the next seq.
	// Each conflict means that another message was appended, and each attempt
	// takes a turn, so a room with conflicts slows down.
	appendAttempts = 6
	// ceilingStep is how far a room's ceiling is raised at a time: one message
	// in ceilingStep costs two more write units.
	ceilingStep = 64
)

// Send handles one message or one operation on a closed room: it opens and
// checks the token, appends it to the room's log, acks it, and posts it to
// every listener of the room. The checks are in the order of protocol §5, the
// cheapest first. Nothing is stored unless all of them pass. Errors: those of
// admit, chat.StaleServerKey, chat.BadEnvelope, chat.BadSignature,
// chat.SessionMismatch, chat.RoomInvalid, chat.BodyTooLarge, chat.NotAMember,
// chat.RateLimited, chat.TryAgain, and those of permit.
func (s *Service) Send(ctx context.Context, c Call, jwe string) error {
	conn, device, err := s.admitDevice(ctx, c)
	if err != nil {
		return err
	}
	steady, err := s.chargeSend(ctx, conn.User)
	if err != nil {
		return err
	}
	token, err := s.openToken(ctx, conn, device, jwe)
	if err != nil {
		return err
	}
	token.steady = steady
	entry := &Entry{
		Room:      token.room,
		ID:        token.id,
		User:      conn.User,
		Device:    conn.Device,
		SenderKey: device.Key,
	}
	// A stranger takes no turn of the room.
	stored, err := s.checkSender(ctx, token, entry)
	if err != nil {
		return err
	}
	if !stored {
		if err := s.turn(ctx, token.room, steady); err != nil {
			return err
		}
	}
	change, duplicate, err := s.append(ctx, entry, token)
	if err != nil {
		return err
	}
	operation := token.operation
	if duplicate && operation != nil {
		if operation, err = s.storedOperation(ctx, entry); err != nil {
			return err
		}
	}
	if operation != nil {
		if err := s.follow(ctx, conn, operation, change); err != nil {
			return err
		}
	}
	// The message is stored. Later failures are logged and not reported to the
	// sender: recipients fill the gap from the history.
	ack := frame.Ack{
		Type:      frame.TypeAck,
		Ref:       c.Ref,
		ID:        entry.ID,
		Room:      entry.Room,
		Epoch:     entry.Epoch,
		Seq:       entry.Seq,
		StoredAt:  entry.StoredAt.UnixMilli(),
		Duplicate: duplicate,
	}
	acked := inBackground(func() error { return s.answer(ctx, c, ack) })
	if duplicate {
		err = s.redeliver(ctx, entry, c.Connection, acked)
	} else {
		err = s.deliverNew(ctx, entry, token.jws, c.Connection, acked)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "failed to deliver the message to all listeners", "err", err, "room", entry.Room,
			"seq", entry.Seq, recovery.StackOf(err))
	}
	if err := acked(); err != nil {
		s.log.ErrorContext(ctx, "failed to post the ack", "err", err, "room", entry.Room, "seq", entry.Seq,
			recovery.StackOf(err))
		if ctx.Err() != nil {
			return chat.TryAgain // out of time: the repeat will be acked
		}
	}
	return nil
}

// inBackground starts do and returns a function that waits for its result. A
// panic in do is an error. A sender that reads slowly must not delay the
// deliveries to others.
func inBackground(do func() error) (wait func() error) {
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = recovery.Call(do)
	}()
	return func() error { <-done; return err }
}

// token is a sender's verified token and what it says.
type token struct {
	jws       string
	room      chat.Room
	id        chat.MessageID
	operation *frame.RoomClaims // nil for a message
	steady    bool              // it is no part of a flood
}

// openToken opens and verifies what a client sealed: a message or an operation
// on a closed room.
func (s *Service) openToken(ctx context.Context, conn *Connection, device *Device, jwe string) (*token, error) {
	plain, skid, err := s.keys.OpenSend(ctx, jwe)
	switch {
	case errors.Is(err, ErrStaleKey):
		return nil, chat.StaleServerKey
	case errors.Is(err, envelope.ErrEnvelope):
		return nil, chat.BadEnvelope
	case err != nil:
		return nil, fmt.Errorf("open the message: %w", err)
	}
	t := &token{jws: string(plain)}
	signed, err := envelope.ParseSigned(t.jws, envelope.TypeMessage, envelope.TypeRoom)
	if err != nil {
		return nil, chat.BadEnvelope
	}
	key, err := envelope.VerifyKeyFromBytes(device.Key)
	if err != nil {
		return nil, fmt.Errorf("read the device's key: %w", err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, chat.BadSignature
	}
	if signed.Type == envelope.TypeRoom {
		return t, s.readOperation(t, conn, skid, payload)
	}
	var claims frame.MessageClaims
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return nil, chat.BadEnvelope
	}
	if claims.SID != conn.Session || claims.Sub != conn.User || claims.SKID != skid {
		return nil, chat.SessionMismatch
	}
	t.room, t.id = claims.Room, claims.ID
	return t, claims.Check()
}

// append stores the entry at the end of its room's log and sets its epoch, seq
// and times. If the log already has an entry with its id, append reports a
// duplicate and sets the epoch, seq and StoredAt of that entry. For an
// operation it returns what has changed, nil for a duplicate.
//
// The sender's membership is read after the log's tail. Every change in a
// closed room takes the next seq, so if the seq after the tail is free at the
// write, nothing has changed since the membership was read.
func (s *Service) append(ctx context.Context, e *Entry, t *token) (change *Change, isDuplicate bool, err error) {
	for attempt := range appendAttempts {
		if attempt > 0 {
			if err := s.turn(ctx, e.Room, t.steady); err != nil {
				return nil, false, err
			}
		}
		meta, err := s.roomFor(ctx, t)
		if err != nil {
			return nil, false, err
		}
		p, err := s.position(ctx, meta)
		if err != nil {
			return nil, false, err
		}
		e.Epoch, e.Seq = meta.Epoch, p.head+1
		change, err := s.permit(ctx, e, t, meta)
		if refusal, refused := errors.AsType[*chat.Error](err); refused && t.operation != nil {
			// An operation that was stored may not be permitted a second time.
			if duplicate, err := s.isStored(ctx, e); duplicate || err != nil {
				return nil, duplicate, err
			}
			return nil, false, refusal
		}
		if err != nil {
			return nil, false, err
		}
		duplicate, err := s.appendAt(ctx, e, t, p, change)
		if !errors.Is(err, ErrConflict) {
			return change, duplicate, err
		}
	}
	return nil, false, chat.TryAgain
}

// appendAt stores the entry at its seq. Error: ErrConflict if the seq is taken.
func (s *Service) appendAt(ctx context.Context, e *Entry, t *token, p position, change *Change) (isDuplicate bool,
	err error) {
	now := s.now()
	e.StoredAt = now.Truncate(time.Millisecond)
	e.Expires = now.Add(s.retention + keepLonger)
	if p.tail.Expires.After(e.Expires) {
		e.Expires = p.tail.Expires // expiries never decrease along a log
	}
	var raise chat.Seq
	if e.Seq > p.meta.Ceiling {
		raise = e.Seq + ceilingStep - 1
	}
	if err := s.sealEntry(ctx, e, t.jws); err != nil {
		return false, err
	}
	err = s.store.Append(ctx, e, raise, change)
	if duplicate, ok := errors.AsType[*DuplicateError](err); ok {
		e.Seq, e.StoredAt = duplicate.Seq, duplicate.StoredAt
		return true, nil
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		return false, fmt.Errorf("append to the log: %w", err)
	}
	return false, err
}

// isStored reports whether the log already has the entry's id, and sets the
// entry's place to that entry's.
func (s *Service) isStored(ctx context.Context, e *Entry) (bool, error) {
	stored, err := s.store.Appended(ctx, e)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the entry's id: %w", err)
	}
	e.Seq, e.StoredAt = stored.Seq, stored.StoredAt
	return true, nil
}
