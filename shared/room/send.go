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
	// appendAttempts bounds how often an append looks for the next free slot.
	// Every conflict means that another message got in, so the room moves.
	appendAttempts = 64
	// ceilingStep is how far a room's ceiling is raised at a time: one message
	// in so many pays two write units more.
	ceilingStep = 64
)

// Send takes one message: it opens and checks the token, appends it to the
// room's log, acknowledges it, and posts it to every device that hears the
// room. The checks stand in the order of protocol §5, cheapest first; nothing
// is stored unless all pass.
// Errors: those of admit, chat.StaleServerKey, chat.BadEnvelope,
// chat.BadSignature, chat.SessionMismatch, chat.RoomInvalid,
// chat.BodyTooLarge, chat.NotAMember, chat.RateLimited, chat.TryAgain.
func (s *Service) Send(ctx context.Context, c Call, jwe string) error {
	conn, device, err := s.admit(ctx, c)
	if err != nil {
		return err
	}
	jws, claims, err := s.openMessage(ctx, conn, device, jwe)
	if err != nil {
		return err
	}
	if err := s.member(ctx, claims.Room, conn.User); err != nil {
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
	// The message is in the log for good. What fails from here on is logged
	// and not the sender's business: recipients fill the gap by history.
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
		s.log.ErrorContext(ctx, "the message was not delivered to all", "err", err, "room", entry.Room,
			"seq", entry.Seq, recovery.StackOf(err))
	}
	if err := acked(); err != nil {
		s.log.ErrorContext(ctx, "the ack was not posted", "err", err, "room", entry.Room, "seq", entry.Seq,
			recovery.StackOf(err))
		if ctx.Err() != nil {
			return chat.TryAgain // for want of time: the repeat is acked
		}
	}
	return nil
}

// inBackground starts do and returns a function that waits for its result. A
// sender whose own socket is clogged must not hold up what others get.
func inBackground(do func() error) (wait func() error) {
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = recovery.Call(do)
	}()
	return func() error { <-done; return err }
}

// openMessage turns what came into a sender's verified token and its claims.
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
	if err := strict.Unmarshal(payload, &claims); err != nil {
		return "", nil, chat.BadEnvelope
	}
	if claims.SID != conn.Session || claims.Sub != conn.User || claims.SKID != skid {
		return "", nil, chat.SessionMismatch
	}
	return jws, &claims, claims.Check()
}

// append finds the entry's place and stores it there, or says that its id is in
// the log already; epoch, seq and storedAt of e are then those in the log.
func (s *Service) append(ctx context.Context, e *Entry, jws string) (duplicate bool, err error) {
	meta, err := s.open(ctx, e.Room)
	if err != nil {
		return false, err
	}
	for range appendAttempts {
		p, err := s.position(ctx, meta)
		if err != nil {
			return false, err
		}
		if err := s.roomRate(ctx, p); err != nil {
			return false, err
		}
		now := s.now()
		e.Epoch, e.Seq = meta.Epoch, p.head+1
		e.StoredAt = now.Truncate(time.Millisecond)
		e.Expires = now.Add(s.retention + keepLonger)
		if p.tail.Expires.After(e.Expires) {
			e.Expires = p.tail.Expires // never before that of an earlier entry
		}
		var raise chat.Seq
		if e.Seq > meta.Ceiling {
			raise = e.Seq + ceilingStep - 1
		}
		if err := s.sealEntry(ctx, e, jws); err != nil {
			return false, err
		}
		err = s.store.Append(ctx, e, raise)
		var there *DuplicateError
		switch {
		case err == nil:
			return false, nil
		case errors.As(err, &there):
			e.Seq, e.StoredAt = there.Seq, there.StoredAt
			return true, nil
		case errors.Is(err, ErrConflict):
			if meta, err = s.open(ctx, e.Room); err != nil { // the ceiling may have risen
				return false, err
			}
		default:
			return false, fmt.Errorf("append to the log: %w", err)
		}
	}
	return false, chat.TryAgain
}

// roomRate reads the room's rate off its log: the message RoomRate places back
// must be older than the window. It costs one small read and no write.
func (s *Service) roomRate(ctx context.Context, p position) error {
	if p.tail.Seq < chat.RoomRate {
		return nil
	}
	times, err := s.store.Times(ctx, p.meta.Room, p.meta.Epoch, p.tail.Seq-chat.RoomRate+1)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the room's rate: %w", err)
	}
	if times.StoredAt.After(s.now().Add(-chat.RoomRateWindow)) {
		return chat.RateLimited
	}
	return nil
}
