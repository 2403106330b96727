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
	// presenceReach is how many connections Presence looks at: twice as many as
	// it lists, since some people have several. It is one read of 200 KB at
	// most.
	presenceReach = 2 * chat.MaxPresence
	// hintPatience bounds the posting of a hint. Later it would be wrong.
	hintPatience = 2 * time.Second
)

// Presence answers with the users who hear a room now, as the rows of its
// listeners say: a connection whose end nobody reported counts until a post
// finds it gone. Errors: those of admit, chat.NotAMember.
func (s *Service) Presence(ctx context.Context, c Call, room chat.Room) error {
	if _, err := s.admitMember(ctx, c, room); err != nil {
		return err
	}
	listeners, more, err := s.store.FirstListeners(ctx, room, presenceReach)
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

// Typing tells the room that the user is writing. Errors: those of admit,
// chat.NotAMember.
func (s *Service) Typing(ctx context.Context, c Call, room chat.Room) error {
	conn, err := s.admitMember(ctx, c, room)
	if err != nil {
		return err
	}
	return s.hint(ctx, c, room, frame.Typing{Type: frame.TypeTyping, Room: room, User: conn.User})
}

// Mark tells the room how far the user's client has it, and how far it was
// shown. Errors: those of admit, chat.NotAMember.
func (s *Service) Mark(ctx context.Context, c Call, room chat.Room, delivered, read chat.Seq) error {
	conn, err := s.admitMember(ctx, c, room)
	if err != nil {
		return err
	}
	return s.hint(ctx, c, room, frame.Mark{
		Type:      frame.TypeMark,
		Room:      room,
		User:      conn.User,
		Delivered: delivered,
		Read:      read,
	})
}

// admitMember is admit for what members of a room alone may do.
func (s *Service) admitMember(ctx context.Context, c Call, room chat.Room) (*Connection, error) {
	conn, _, err := s.admit(ctx, c)
	if err != nil {
		return nil, err
	}
	return conn, s.member(ctx, room, conn.User)
}

// hint posts a frame to the room's other connections, and to none of a large
// room: what everybody sends to everybody costs the square of their number.
func (s *Service) hint(ctx context.Context, c Call, room chat.Room, hint any) error {
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
	ctx, cancel := context.WithTimeout(ctx, hintPatience)
	defer cancel()
	others := slices.DeleteFunc(listeners, func(l Listener) bool { return l.Connection == c.Connection })
	s.postAll(ctx, room, others, func(Listener) ([]byte, error) { return data, nil })
	return nil
}
