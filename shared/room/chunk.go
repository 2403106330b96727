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
// as many concurrent posts, so that no listener of a chunk waits for another.
// To seal to a hundred listeners takes one core 5 to 30 ms, depending on their
// keys, which is about the time of a hand-over. A larger room is split into
// chunks.
const ChunkSize = 100

// handOvers bounds how many chunks are handed over at the same time: a room of
// 10,000 listeners takes seven rounds of one Lambda request each.
const handOvers = 16

// Chunk is one message for a part of its room's listeners: those with
// connection ids from First to Last, both included. It has the place of the
// message and not its text, so that it may wait in a queue.
type Chunk struct {
	Room  chat.Room       `json:"room"`
	Epoch chat.Epoch      `json:"epoch"`
	Seq   chat.Seq        `json:"seq"`
	First chat.Connection `json:"first"`
	Last  chat.Connection `json:"last"`
}

// Deliver posts a stored message to the current listeners of a chunk, under
// their current keys. It may be called twice, since clients drop messages that
// they have seen. It is not an error if the message has expired. After an error
// nothing was posted.
func (s *Service) Deliver(ctx context.Context, c Chunk) error {
	d, err := s.loadDelivery(ctx, c.Room, c.Epoch, c.Seq)
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

// deliver posts a message to all listeners of its room. In a large room it
// posts to the chunk of its caller and hands over the others. It also posts to
// the chunks that it could not hand over, as far as time allows.
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
	chunks := slices.DeleteFunc(split(listeners), func(chunk []Listener) bool {
		if !spans(chunk, d.caller) {
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

// handOver hands over chunks and returns the listeners of those for which that
// failed.
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
		s.log.WarnContext(ctx, "failed to hand over some chunks", "err", err, "room", e.Room, "seq", e.Seq,
			recovery.StackOf(err))
	}
	for i, chunk := range chunks {
		if errs[i] != nil {
			left = append(left, chunk...)
		}
	}
	return left
}

// split divides listeners, which are in the order of their ids, into as few
// chunks as possible, of nearly the same size.
func split(listeners []Listener) [][]Listener {
	n := (len(listeners) + ChunkSize - 1) / ChunkSize
	chunks := make([][]Listener, n)
	for i := range n {
		chunks[i] = listeners[i*len(listeners)/n : (i+1)*len(listeners)/n]
	}
	return chunks
}

// spans reports whether id lies within a chunk.
func spans(chunk []Listener, id chat.Connection) bool {
	return chunk[0].Connection <= id && id <= chunk[len(chunk)-1].Connection
}

// callerFirst moves the caller's connection to the front, since a user waits
// for the text just written to appear.
func callerFirst(listeners []Listener, caller chat.Connection) []Listener {
	i := slices.IndexFunc(listeners, func(l Listener) bool { return l.Connection == caller })
	if i > 0 {
		listeners[0], listeners[i] = listeners[i], listeners[0]
	}
	return listeners
}
