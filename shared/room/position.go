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

// The database may delete an entry once it has expired.
const (
	// keepLonger is the time from the end of an entry's retention to its
	// expiry.
	keepLonger = 2 * time.Hour
	// expirySlack covers the difference between instances' clocks. It is less
	// than keepLonger: an entry that expires within expirySlack, so that
	// entries after it may be deleted already, is past its retention.
	expirySlack = time.Hour
)

// position is the state of a room's log as it was read.
type position struct {
	meta *Meta
	tail Tail
	head chat.Seq
}

// position reads the head. It is the newest entry's seq unless that entry is
// about to expire: expiries never decrease along a log, so no later entry can
// have been deleted before. Otherwise the head is the room's ceiling, and the
// seqs in between count as expired.
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

// floor returns the lowest seq that is still retained, head+1 if there is none.
// The database may delete rows days after their retention, so floor does not
// read them one by one but bisects: the times along a log never decrease by
// more than the difference between clocks. A missing row has expired.
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
	for high-low > 1 { // low has expired; high is retained or head+1
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

// expired reports whether an entry is past the retention of now or, if that was
// shorter, the one at the time it was stored: the database may already delete
// the entries around it.
func (s *Service) expired(t Times) bool {
	now := s.now()
	return t.StoredAt.Before(now.Add(-s.retention)) || t.Expires.Add(-keepLonger).Before(now)
}

// state returns the part of a room's state that clients need. What the user may
// not read is below the floor. It creates the lobby if that does not exist.
func (s *Service) state(ctx context.Context, room chat.Room, user chat.User) (frame.RoomState, error) {
	from, err := s.readableFrom(ctx, room, user)
	if err != nil {
		return frame.RoomState{}, err
	}
	meta, err := s.openRoom(ctx, room)
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
	return frame.RoomState{Room: room, Epoch: meta.Epoch, Head: p.head, Floor: max(floor, from)}, nil
}

// states returns the states of a user's rooms, in their order. It leaves out
// the closed rooms that the user was removed from meanwhile.
func (s *Service) states(ctx context.Context, rooms []chat.Room, user chat.User) ([]frame.RoomState, error) {
	var mu sync.Mutex
	found := make(map[chat.Room]frame.RoomState, len(rooms))
	err := each(ctx, rooms, func(ctx context.Context, room chat.Room) error {
		state, err := s.state(ctx, room, user)
		if errors.Is(err, chat.NotAMember) {
			return nil
		}
		mu.Lock()
		found[room] = state
		mu.Unlock()
		return err
	})
	states := make([]frame.RoomState, 0, len(rooms))
	for _, room := range rooms {
		if state, there := found[room]; there {
			states = append(states, state)
		}
	}
	return states, err
}
