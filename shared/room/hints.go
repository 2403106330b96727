package room

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

const (
	// presenceRead is how many listeners Presence reads: twice as many as the
	// users it lists, since some users have several connections. It is one read
	// of at most 200 KB.
	presenceRead = 2 * chat.MaxPresence
	// hintTimeout bounds the posting of a hint, which is wrong when it is late.
	hintTimeout = 2 * time.Second
)

// Presence answers with the users who are connected to a room, according to its
// listeners: a connection that ended without a $disconnect counts until a post
// finds it gone. Errors: those of admit, chat.NotAMember.
func (s *Service) Presence(ctx context.Context, c Call, room chat.Room) error {
	if _, err := s.admitMember(ctx, c, room, chat.CostPage); err != nil {
		return err
	}
	listeners, more, err := s.store.FirstListeners(ctx, room, presenceRead)
	if err != nil {
		return fmt.Errorf("list the listeners: %w", err)
	}
	users := make([]chat.User, 0, len(listeners))
	for _, l := range listeners {
		users = append(users, l.User)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	if len(users) > chat.MaxPresence {
		users, more = users[:chat.MaxPresence], true
	}
	return s.answer(ctx, c, frame.Presence{Type: frame.TypePresence, Ref: c.Ref, Room: room, Users: users, More: more})
}

// Typing posts to the room that the user is writing. Errors: those of admit,
// chat.NotAMember.
func (s *Service) Typing(ctx context.Context, c Call, room chat.Room) error {
	conn, err := s.admitMember(ctx, c, room, chat.CostHint)
	if err != nil {
		return err
	}
	return s.postHint(ctx, c, room, frame.Typing{Type: frame.TypeTyping, Push: s.push(), Room: room, User: conn.User})
}

// Mark posts to the room up to which seq the user's client has it, and up to
// which seq it was shown. Errors: those of admit, chat.NotAMember.
func (s *Service) Mark(ctx context.Context, c Call, room chat.Room, delivered, read chat.Seq) error {
	conn, err := s.admitMember(ctx, c, room, chat.CostHint)
	if err != nil {
		return err
	}
	return s.postHint(ctx, c, room, frame.Mark{
		Type:      frame.TypeMark,
		Push:      s.push(),
		Room:      room,
		User:      conn.User,
		Delivered: delivered,
		Read:      read,
	})
}

// admitMember is admit followed by checkMember.
func (s *Service) admitMember(ctx context.Context, c Call, room chat.Room, cost int) (*Connection, error) {
	conn, _, err := s.admit(ctx, c, cost)
	if err != nil {
		return nil, err
	}
	return conn, s.checkMember(ctx, room, conn.User)
}

// postHint posts a frame to the room's other connections. It posts nothing in a
// large room, where hints from every member to every member would cost the
// square of their number.
func (s *Service) postHint(ctx context.Context, c Call, room chat.Room, hint any) error {
	listeners, large, err := s.store.FirstListeners(ctx, room, ChunkSize)
	if err != nil {
		return fmt.Errorf("list the listeners: %w", err)
	}
	if large {
		return nil
	}
	data, err := strict.Marshal(hint)
	if err != nil {
		return fmt.Errorf("encode the hint: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, hintTimeout)
	defer cancel()
	others := slices.DeleteFunc(listeners, func(l Listener) bool { return l.Connection == c.Connection })
	s.postAll(ctx, room, others, func(Listener) ([]byte, error) { return data, nil })
	return nil
}
