package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// pagePlain bounds a page's plaintext in bytes so that its token stays within
// chat.MaxHistoryPage: base64 takes four bytes for three, and the header,
// wrapped key, nonce and tag for a recipient with 3072 bits fit in 1 KiB.
const pagePlain = (chat.MaxHistoryPage - 1024) / 4 * 3

// readBatch is how many entries are read at a time: a page has room for about
// ten messages of 1 KB or one of 16 KB, and entries that do not fit were read
// for nothing.
const readBatch = 16

// History answers with one page of a room's log, sealed to the caller's newest
// key. Errors: those of admit, chat.NotAMember, chat.RoomInvalid.
func (s *Service) History(ctx context.Context, c Call, room chat.Room, after chat.Seq, limit int) error {
	conn, device, err := s.admit(ctx, c, chat.CostPage)
	if err != nil {
		return err
	}
	if err := s.checkMember(ctx, room, conn.User); err != nil {
		return err
	}
	readable, err := s.readableFrom(ctx, room, conn.User)
	if err != nil {
		return err
	}
	meta, err := s.loadRoom(ctx, room)
	if err != nil {
		return err
	}
	p, err := s.position(ctx, meta)
	if err != nil {
		return err
	}
	floor, err := s.floor(ctx, p)
	if err != nil {
		return err
	}
	floor = max(floor, readable)
	page := frame.History{
		Type:  frame.TypeHistory,
		Ref:   c.Ref,
		Room:  room,
		Epoch: meta.Epoch,
		Head:  p.head,
		Floor: floor,
		From:  max(after+1, floor),
	}
	page.To = page.From - 1
	messages, read, err := s.fill(ctx, &page, limit)
	if err != nil {
		return err
	}
	if read { // the page may have entries that are newer than the head
		page.Head = max(page.Head, page.To)
	}
	page.More = page.To < page.Head && read
	// The user may have been removed meanwhile, or have come back.
	if now, err := s.readableFrom(ctx, room, conn.User); err != nil {
		return err
	} else if now != readable {
		return chat.TryAgain
	}
	if len(messages) > 0 {
		enc, err := envelope.EncryptionKeyFromModulus(device.Enc)
		if err != nil {
			return fmt.Errorf("read the device's encryption key: %w", err)
		}
		page.JWE, err = seal(enc, envelope.TypeHistory, frame.HistoryPlain{
			Room:     room,
			Epoch:    meta.Epoch,
			Messages: messages,
		})
		if err != nil {
			return err
		}
	}
	return s.answer(ctx, c, page)
}

// fill reads and opens entries in order until the page is full, and sets
// page.To. It reports whether it has read any entries. A damaged entry is
// logged and skipped, so that it does not block the entries after it.
func (s *Service) fill(ctx context.Context, page *frame.History,
	limit int) (messages []frame.MessagePlain, read bool, err error) {
	size := 0
	for count := 0; count < limit; {
		entries, err := s.store.Read(ctx, page.Room, page.Epoch, page.To, min(readBatch, limit-count))
		if err != nil {
			return nil, false, fmt.Errorf("read the log: %w", err)
		}
		if len(entries) == 0 {
			break
		}
		for i := range entries {
			e := &entries[i]
			message, length, err := s.openForPage(ctx, e)
			switch {
			case errors.Is(err, ErrDamaged):
				s.log.ErrorContext(ctx, "failed to open a damaged entry", "err", err, "room", e.Room, "seq", e.Seq)
			case err != nil:
				return nil, false, err // temporary: the client asks again
			case len(messages) > 0 && size+length > pagePlain:
				return messages, true, nil
			default:
				messages = append(messages, message)
				size += length
			}
			page.To, read = e.Seq, true
		}
		count += len(entries)
	}
	return messages, read, nil
}

// openForPage opens one entry and returns how many bytes it takes in a page.
func (s *Service) openForPage(ctx context.Context, e *Entry) (frame.MessagePlain, int, error) {
	jws, err := s.openEntry(ctx, e)
	if err != nil {
		return frame.MessagePlain{}, 0, err
	}
	message, err := messagePlain(e, jws)
	if err != nil {
		return frame.MessagePlain{}, 0, err
	}
	data, err := strict.Marshal(message)
	if err != nil {
		return frame.MessagePlain{}, 0, fmt.Errorf("encode the message: %w", err)
	}
	return message, len(data) + 1, nil
}
