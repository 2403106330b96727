package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/sotto-chat/sotto/shared/room"
)

// Courier implements room.Courier: it keeps the chunks that are handed over
// until Take. Its zero value is ready to use.
type Courier struct {
	mu     sync.Mutex
	chunks []room.Chunk
}

var _ room.Courier = (*Courier)(nil)

// HandOver implements room.Courier.
func (c *Courier) HandOver(_ context.Context, chunk room.Chunk) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunks = append(c.chunks, chunk)
	return nil
}

// Take returns the chunks that were handed over since the last Take, in the
// order of their places, since hand-overs run concurrently.
func (c *Courier) Take() []room.Chunk {
	c.mu.Lock()
	defer c.mu.Unlock()
	chunks := c.chunks
	c.chunks = nil
	slices.SortFunc(chunks, func(a, b room.Chunk) int { return cmp.Compare(a.First, b.First) })
	return chunks
}
