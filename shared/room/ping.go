package room

import (
	"context"
	"slices"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Ping answers with the heads of the user's rooms, so that a client notices
// that a room's last message was lost. If asked names rooms, the answer has
// only those of them that the user is in. Errors: those of admit.
func (s *Service) Ping(ctx context.Context, c Call, asked []chat.Room) error {
	conn, _, err := s.admit(ctx, c, chat.CostPage)
	if err != nil {
		return err
	}
	rooms, err := s.roomsOf(ctx, conn.User)
	if err != nil {
		return err
	}
	if len(asked) > 0 {
		rooms = slices.DeleteFunc(rooms, func(r chat.Room) bool { return !slices.Contains(asked, r) })
	}
	var mu sync.Mutex
	heads := make(map[chat.Room]frame.Head, len(rooms))
	err = each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
		meta, err := s.loadRoom(ctx, room)
		if err != nil {
			return err
		}
		p, err := s.position(ctx, meta)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		heads[room] = frame.Head{Epoch: meta.Epoch, Head: p.head}
		return nil
	})
	if err != nil {
		return err
	}
	return s.answer(ctx, c, frame.Pong{Type: frame.TypePong, Ref: c.Ref, At: s.now().UnixMilli(), Heads: heads})
}
