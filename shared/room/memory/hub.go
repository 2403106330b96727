package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/room"
)

// Hub implements room.Poster: it keeps the frames of each connection until
// Take. Its zero value is ready to use. Every connection is open until it is
// closed.
type Hub struct {
	mu     sync.Mutex
	frames map[chat.Connection][][]byte
	closed map[chat.Connection]bool
}

var _ room.Poster = (*Hub)(nil)

// Post implements room.Poster.
func (h *Hub) Post(_ context.Context, id chat.Connection, data []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed[id] {
		return room.ErrGone
	}
	if h.frames == nil {
		h.frames = map[chat.Connection][][]byte{}
	}
	h.frames[id] = append(h.frames[id], slices.Clone(data))
	return nil
}

// PostAll implements room.Poster, one after the other.
func (h *Hub) PostAll(ctx context.Context, n int, connection func(int) chat.Connection,
	frame func(int) ([]byte, error), outcome func(int, error)) {
	for i := range n {
		outcome(i, recovery.Call(func() error {
			data, err := frame(i)
			if err != nil {
				return err
			}
			return h.Post(ctx, connection(i), data)
		}))
	}
}

// Close implements room.Poster.
func (h *Hub) Close(_ context.Context, id chat.Connection) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed == nil {
		h.closed = map[chat.Connection]bool{}
	}
	h.closed[id] = true
	return nil
}

// Closed reports whether a connection has been closed.
func (h *Hub) Closed(id chat.Connection) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed[id]
}

// Take returns what was posted to a connection since the last Take.
func (h *Hub) Take(id chat.Connection) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	frames := h.frames[id]
	delete(h.frames, id)
	return frames
}
