package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

func (s *Store) log(name chat.Room, epoch chat.Epoch) *messageLog {
	key := logKey{name, epoch}
	if s.logs[key] == nil {
		s.logs[key] = &messageLog{
			entries:  map[chat.Seq]*room.Entry{},
			ids:      map[idKey]room.DuplicateError{},
			repeated: map[idKey]bool{},
		}
	}
	return s.logs[key]
}

// Append implements room.Log.
func (s *Store) Append(_ context.Context, e *room.Entry, raise chat.Seq, change *room.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(e.Room, e.Epoch)
	id := idKey{e.User, e.Device, e.ID}
	if first, there := l.ids[id]; there {
		return &first
	}
	if l.entries[e.Seq] != nil {
		return room.ErrConflict
	}
	creates := change != nil && change.Create != nil
	if creates && s.rooms[e.Room] != nil {
		return room.ErrConflict
	}
	if raise > 0 && !creates {
		meta := s.rooms[e.Room]
		if meta == nil || meta.Epoch != e.Epoch || meta.Ceiling >= raise {
			return room.ErrConflict
		}
		meta.Ceiling = raise
	}
	if change != nil {
		s.change(change, e.Room)
	}
	if creates {
		s.rooms[e.Room].Ceiling = raise
	}
	stored := *e
	l.entries[e.Seq], l.ids[id] = &stored, room.DuplicateError{Seq: e.Seq, StoredAt: e.StoredAt}
	return nil
}

// Appended implements room.Log.
func (s *Store) Appended(_ context.Context, e *room.Entry) (*room.DuplicateError, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, there := s.log(e.Room, e.Epoch).ids[idKey{e.User, e.Device, e.ID}]
	if !there {
		return nil, room.ErrNotFound
	}
	return &first, nil
}

// MarkRepeated implements room.Log.
func (s *Store) MarkRepeated(_ context.Context, e *room.Entry) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, id := s.log(e.Room, e.Epoch), idKey{e.User, e.Device, e.ID}
	if _, there := l.ids[id]; !there {
		return false, room.ErrNotFound
	}
	first := !l.repeated[id]
	l.repeated[id] = true
	return first, nil
}

// Tail implements room.Log.
func (s *Store) Tail(_ context.Context, name chat.Room, epoch chat.Epoch) (room.Tail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(name, epoch)
	if len(l.entries) == 0 {
		return room.Tail{}, nil
	}
	last := l.entries[slices.Max(slices.Collect(maps.Keys(l.entries)))]
	return room.Tail{Seq: last.Seq, Expires: last.Expires}, nil
}

// Entry implements room.Log.
func (s *Store) Entry(_ context.Context, name chat.Room, epoch chat.Epoch, seq chat.Seq) (*room.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.log(name, epoch).entries[seq]
	if e == nil {
		return nil, room.ErrNotFound
	}
	found := *e
	return &found, nil
}

// Times implements room.Log.
func (s *Store) Times(ctx context.Context, name chat.Room, epoch chat.Epoch, seq chat.Seq) (room.Times, error) {
	e, err := s.Entry(ctx, name, epoch, seq)
	if err != nil {
		return room.Times{}, err
	}
	return room.Times{StoredAt: e.StoredAt, Expires: e.Expires}, nil
}

// First implements room.Log.
func (s *Store) First(_ context.Context, name chat.Room, epoch chat.Epoch) (chat.Seq, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(name, epoch)
	if len(l.entries) == 0 {
		return 0, nil
	}
	return slices.Min(slices.Collect(maps.Keys(l.entries))), nil
}

// Read implements room.Log.
func (s *Store) Read(_ context.Context, name chat.Room, epoch chat.Epoch, after chat.Seq,
	limit int) ([]room.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(name, epoch)
	var found []room.Entry
	for _, seq := range slices.Sorted(maps.Keys(l.entries)) {
		if seq > after && len(found) < limit {
			found = append(found, *l.entries[seq])
		}
	}
	return found, nil
}

// Expire deletes the expired entries, as a database does at an arbitrary time.
// Their ids stay: a database deletes rows in any order.
func (s *Store) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		maps.DeleteFunc(l.entries, func(_ chat.Seq, e *room.Entry) bool { return e.Expires.Before(s.now()) })
	}
}
