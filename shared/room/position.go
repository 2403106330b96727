package room

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// The database may delete an entry once it has expired. keepLonger makes that
// later than the end of retention, and expirySlack, which covers the skew of
// instances' clocks, is less: so an entry that may stand before one already
// deleted is itself past retention, and nothing retained is ever in doubt.
const (
	expirySlack = time.Hour
	keepLonger  = 2 * time.Hour
)

// position is where a room's log stands.
type position struct {
	meta *Meta
	tail Tail
	head chat.Seq
}

// position reads the head. The newest entry says it exactly, since expiries
// never decrease along a log: while that entry is not about to expire, none
// behind it can have been deleted. Otherwise the room's ceiling is the head,
// and the seqs between count as expired.
func (s *Service) position(ctx context.Context, meta *Meta) (position, error) {
	tail, err := s.store.Tail(ctx, meta.Room, meta.Epoch)
	if err != nil {
		return position{}, fmt.Errorf("read the log's tail: %w", err)
	}
	p := position{meta: meta, tail: tail, head: tail.Seq}
	if tail.Expires.Before(s.now().Add(expirySlack)) {
		p.head = max(p.head, meta.Ceiling)
	}
	return p, nil
}

// floor finds the lowest seq still retained, head+1 when none is. Rows past
// retention may wait days for the database to delete them, so it does not
// walk over them but bisects: the times along a log never decrease by more
// than the skew of clocks. A row that is missing has expired.
func (s *Service) floor(ctx context.Context, p position) (chat.Seq, error) {
	low, err := s.store.First(ctx, p.meta.Room, p.meta.Epoch)
	if err != nil {
		return 0, fmt.Errorf("read the log's first entry: %w", err)
	}
	if low == 0 {
		return p.head + 1, nil
	}
	retained := func(seq chat.Seq) (bool, error) {
		times, err := s.store.Times(ctx, p.meta.Room, p.meta.Epoch, seq)
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read an entry's times: %w", err)
		}
		return !s.expired(times), nil
	}
	if ok, err := retained(low); err != nil || ok {
		return low, err
	}
	high := p.head + 1
	for high-low > 1 { // low has expired; high is retained, or behind the head
		middle := low + (high-low)/2
		ok, err := retained(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// expired says whether an entry is past its retention: the one in force now, or
// the one that it was stored under if that was shorter, since the database may
// have begun to delete its neighbours.
func (s *Service) expired(t Times) bool {
	now := s.now()
	return t.StoredAt.Before(now.Add(-s.retention)) || t.Expires.Add(-keepLonger).Before(now)
}

// state reads what a client needs to know about a room.
func (s *Service) state(ctx context.Context, room chat.Room) (frame.RoomState, error) {
	meta, err := s.open(ctx, room)
	if err != nil {
		return frame.RoomState{}, err
	}
	p, err := s.position(ctx, meta)
	if err != nil {
		return frame.RoomState{}, err
	}
	floor, err := s.floor(ctx, p)
	if err != nil {
		return frame.RoomState{}, err
	}
	return frame.RoomState{Room: room, Epoch: meta.Epoch, Head: p.head, Floor: floor}, nil
}

// states reads several rooms' states, in the order of rooms.
func (s *Service) states(ctx context.Context, rooms []chat.Room) ([]frame.RoomState, error) {
	var mu sync.Mutex
	found := make(map[chat.Room]frame.RoomState, len(rooms))
	err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
		state, err := s.state(ctx, room)
		mu.Lock()
		found[room] = state
		mu.Unlock()
		return err
	})
	states := make([]frame.RoomState, 0, len(rooms))
	for _, room := range rooms {
		states = append(states, found[room])
	}
	return states, err
}
