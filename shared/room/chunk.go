package room

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/recovery"
)

// ChunkSize is how many listeners one instance posts a message to. A poster has
// as many posts under way at a time, so in a chunk nobody waits for anybody;
// and sealing to a hundred takes a core 5 to 30 ms, by the size of their keys,
// which is about what a hand-over takes. A larger room is cut into chunks.
const ChunkSize = 100

// handOvers bounds how many chunks are handed over at the same time: a room of
// 10,000 takes seven rounds of one Lambda request each.
const handOvers = 16

// Chunk is one message for a part of its room's listeners: those whose
// connections' ids lie from First to Last, both included. It says where the
// message stands and nothing of what it says, so it may rest in a queue.
type Chunk struct {
	Room  chat.Room       `json:"room"`
	Epoch chat.Epoch      `json:"epoch"`
	Seq   chat.Seq        `json:"seq"`
	First chat.Connection `json:"first"`
	Last  chat.Connection `json:"last"`
}

// Deliver posts a stored message to a chunk's listeners as they are now, under
// the keys that they have now. Doing it twice does no harm, since clients drop
// what they have seen. A message that is not there any more is no error; an
// error means that nothing was posted.
func (s *Service) Deliver(ctx context.Context, c Chunk) error {
	d, err := s.stored(ctx, c.Room, c.Epoch, c.Seq)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	listeners, err := s.store.ListenersIn(ctx, c.Room, c.First, c.Last)
	if err != nil {
		return fmt.Errorf("list the chunk's listeners: %w", err)
	}
	s.postMessage(ctx, d, listeners)
	return nil
}

// deliver brings a message to all who hear its room. Of a large room it keeps
// the chunk of its caller and hands over the others. What cannot be handed over
// it posts as well, as far as time allows.
func (s *Service) deliver(ctx context.Context, d *delivery) error {
	listeners, err := s.store.Listeners(ctx, d.entry.Room)
	if err != nil {
		return fmt.Errorf("list the listeners: %w", err)
	}
	if s.courier == nil || len(listeners) <= ChunkSize {
		s.postMessage(ctx, d, callerFirst(listeners, d.caller))
		return nil
	}
	var own []Listener
	chunks := slices.DeleteFunc(cut(listeners), func(chunk []Listener) bool {
		if !holds(chunk, d.caller) {
			return false
		}
		own = chunk
		return true
	})
	posted := inBackground(func() error {
		s.postMessage(ctx, d, callerFirst(own, d.caller))
		return nil
	})
	s.postMessage(ctx, d, s.handOver(ctx, d.entry, chunks))
	return posted()
}

// handOver gives chunks to the courier and returns the listeners of those that
// it did not take.
func (s *Service) handOver(ctx context.Context, e *Entry, chunks [][]Listener) (left []Listener) {
	var g errgroup.Group
	g.SetLimit(handOvers)
	errs := make([]error, len(chunks))
	for i, chunk := range chunks {
		g.Go(func() error {
			errs[i] = recovery.Call(func() error {
				return s.courier.HandOver(ctx, Chunk{
					Room:  e.Room,
					Epoch: e.Epoch,
					Seq:   e.Seq,
					First: chunk[0].Connection,
					Last:  chunk[len(chunk)-1].Connection,
				})
			})
			return errs[i]
		})
	}
	if err := g.Wait(); err != nil {
		s.log.WarnContext(ctx, "not all chunks were handed over", "err", err, "room", e.Room, "seq", e.Seq,
			recovery.StackOf(err))
	}
	for i, chunk := range chunks {
		if errs[i] != nil {
			left = append(left, chunk...)
		}
	}
	return left
}

// cut divides listeners, in the order of their ids, into the fewest chunks, of
// nearly the same size.
func cut(listeners []Listener) [][]Listener {
	n := (len(listeners) + ChunkSize - 1) / ChunkSize
	chunks := make([][]Listener, n)
	for i := range n {
		chunks[i] = listeners[i*len(listeners)/n : (i+1)*len(listeners)/n]
	}
	return chunks
}

func holds(chunk []Listener, id chat.Connection) bool {
	return chunk[0].Connection <= id && id <= chunk[len(chunk)-1].Connection
}

// callerFirst moves the caller's own connection to the front, since somebody
// looks at the text just written and waits for it to appear.
func callerFirst(listeners []Listener, caller chat.Connection) []Listener {
	i := slices.IndexFunc(listeners, func(l Listener) bool { return l.Connection == caller })
	if i > 0 {
		listeners[0], listeners[i] = listeners[i], listeners[0]
	}
	return listeners
}
