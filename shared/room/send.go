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

// Send handles one message: it opens and checks the token, appends it to the
// room's log, acks it, and posts it to every listener of the room. The checks
// are in the order of protocol §5, the cheapest first. Nothing is stored unless
// all of them pass.
// Errors: those of admit, chat.StaleServerKey, chat.BadEnvelope,
// chat.BadSignature, chat.SessionMismatch, chat.RoomInvalid,
// chat.BodyTooLarge, chat.NotAMember, chat.RateLimited, chat.TryAgain.
func (s *Service) Send(ctx context.Context, c Call, jwe string) error {
	conn, device, err := s.admitDevice(ctx, c)
	if err != nil {
		return err
	}
	steady, err := s.chargeSend(ctx, conn.User)
	if err != nil {
		return err
	}
	jws, claims, err := s.openMessage(ctx, conn, device, jwe)
	if err != nil {
		return err
	}
	if err := s.checkMember(ctx, claims.Room, conn.User); err != nil {
		return err
	}
	if err := s.turn(ctx, claims.Room, steady); err != nil {
		return err
	}
	entry := &Entry{
		Room:      claims.Room,
		ID:        claims.ID,
		User:      conn.User,
		Device:    conn.Device,
		SenderKey: device.Key,
	}
	duplicate, err := s.append(ctx, entry, jws)
	if err != nil {
		return err
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
		err = s.deliverNew(ctx, entry, jws, c.Connection, acked)
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

// openMessage opens a sealed message and returns the sender's verified token
// and its claims.
func (s *Service) openMessage(ctx context.Context, conn *Connection, device *Device,
	jwe string) (string, *frame.MessageClaims, error) {
	plain, skid, err := s.keys.OpenSend(ctx, jwe)
	switch {
	case errors.Is(err, ErrStaleKey):
		return "", nil, chat.StaleServerKey
	case errors.Is(err, envelope.ErrEnvelope):
		return "", nil, chat.BadEnvelope
	case err != nil:
		return "", nil, fmt.Errorf("open the message: %w", err)
	}
	jws := string(plain)
	token, err := envelope.ParseSigned(jws, envelope.TypeMessage)
	if err != nil {
		return "", nil, chat.BadEnvelope
	}
	key, err := envelope.VerifyKeyFromBytes(device.Key)
	if err != nil {
		return "", nil, fmt.Errorf("read the device's key: %w", err)
	}
	payload, err := token.Verify(key)
	if err != nil {
		return "", nil, chat.BadSignature
	}
	var claims frame.MessageClaims
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return "", nil, chat.BadEnvelope
	}
	if claims.SID != conn.Session || claims.Sub != conn.User || claims.SKID != skid {
		return "", nil, chat.SessionMismatch
	}
	return jws, &claims, claims.Check()
}

// append stores the entry at the end of its room's log and sets its epoch, seq
// and times. If the log already has an entry with its id, append reports a
// duplicate and sets the epoch, seq and StoredAt of that entry.
func (s *Service) append(ctx context.Context, e *Entry, jws string) (isDuplicate bool, err error) {
	meta, err := s.loadRoom(ctx, e.Room)
	if err != nil {
		return false, err
	}
	for attempt := range appendAttempts {
		if attempt > 0 {
			if err := s.turn(ctx, e.Room, true); err != nil {
				return false, err
			}
		}
		p, err := s.position(ctx, meta)
		if err != nil {
			return false, err
		}
		now := s.now()
		e.Epoch, e.Seq = meta.Epoch, p.head+1
		e.StoredAt = now.Truncate(time.Millisecond)
		e.Expires = now.Add(s.retention + keepLonger)
		if p.tail.Expires.After(e.Expires) {
			e.Expires = p.tail.Expires // expiries never decrease along a log
		}
		var raise chat.Seq
		if e.Seq > meta.Ceiling {
			raise = e.Seq + ceilingStep - 1
		}
		if err := s.sealEntry(ctx, e, jws); err != nil {
			return false, err
		}
		err = s.store.Append(ctx, e, raise)
		var duplicate *DuplicateError
		switch {
		case err == nil:
			return false, nil
		case errors.As(err, &duplicate):
			e.Seq, e.StoredAt = duplicate.Seq, duplicate.StoredAt
			return true, nil
		case errors.Is(err, ErrConflict):
			if meta, err = s.loadRoom(ctx, e.Room); err != nil { // the ceiling may have risen
				return false, err
			}
		default:
			return false, fmt.Errorf("append to the log: %w", err)
		}
	}
	return false, chat.TryAgain
}
