package room_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/room/memory"
	"github.com/sotto-chat/sotto/shared/route"
)

// slowStore is a store in which one kind of call returns only when its context
// ends, like a database that does not answer.
type slowStore struct {
	room.Store
	call string
}

func (s slowStore) stall(ctx context.Context, call string) error {
	if call != s.call {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s slowStore) Connection(ctx context.Context, id chat.Connection) (*room.Connection, error) {
	if err := s.stall(ctx, "Connection"); err != nil {
		return nil, err
	}
	return s.Store.Connection(ctx, id)
}

func (s slowStore) Append(ctx context.Context, e *room.Entry, raise chat.Seq, change *room.Change) error {
	if err := s.stall(ctx, "Append"); err != nil {
		return err
	}
	err := s.Store.Append(ctx, e, raise, change)
	if died := s.stall(ctx, "after Append"); died != nil {
		return died
	}
	return err
}

func (s slowStore) Listeners(ctx context.Context, name chat.Room) ([]room.Listener, error) {
	if err := s.stall(ctx, "Listeners"); err != nil {
		return nil, err
	}
	return s.Store.Listeners(ctx, name)
}

// slowHub is a hub in which posting a type of frames to one connection returns
// only when the context ends.
type slowHub struct {
	*memory.Hub
	id  chat.Connection
	typ string
}

func (h slowHub) Post(ctx context.Context, id chat.Connection, data []byte) error {
	if id == h.id && strings.Contains(string(data), `"type":"`+h.typ+`"`) {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Hub.Post(ctx, id, data)
}

// PostAll posts to all connections concurrently, as over HTTP.
func (h slowHub) PostAll(ctx context.Context, n int, connection func(int) chat.Connection,
	frame func(int) ([]byte, error), outcome func(int, error)) {
	done := make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			data, err := frame(i)
			if err == nil {
				err = h.Post(ctx, connection(i), data)
			}
			outcome(i, err)
		}()
	}
	for range n {
		<-done
	}
}

// workingTime is the time of a use case in these tests, enough for everything
// that does not stall.
const workingTime = 3 * time.Second

// sendInShortTime calls sendMessage with workingTime before the time that the
// function keeps for its reply. The call must return before its deadline.
func (c *conn) sendInShortTime(jwe string) []received {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), route.ReplyTime+workingTime)
	defer cancel()
	body, err := c.toService.Authenticate(encode(c.t, frame.Request{
		Action: frame.ActionSendMessage,
		JWE:    jwe,
		Ref:    "s",
	}))
	must(c.t, err)
	_, err = c.router.Handler(&route.SendMessage)(ctx, c.event(string(body)))
	must(c.t, err)
	if ctx.Err() != nil {
		c.t.Fatal("the function returned after its deadline")
	}
	return c.take()
}

// TestSendThatRunsOutOfTime stalls a send at each call that waits. The client
// gets an ack or try_again, and its repeat completes the send: the message is
// stored once and delivered to all.
func TestSendThatRunsOutOfTime(t *testing.T) {
	for name, test := range map[string]struct {
		call  string   // of the store
		posts string   // type of the frame to ada
		first string   // the type of the frame that ada gets at first
		dup   bool     // whether the repeat finds it stored
		bob   []string // the types that bob has got by then
	}{
		"reading the session":   {call: "Connection", first: frame.TypeError},
		"before the append":     {call: "Append", first: frame.TypeError},
		"after the append":      {call: "after Append", first: frame.TypeError, dup: true},
		"listing the listeners": {call: "Listeners", first: frame.TypeAck, dup: true},
		"posting the ack": {
			posts: frame.TypeAck,
			first: frame.TypeError,
			dup:   true,
			bob:   []string{frame.TypeMessage},
		},
		"posting the sender's copy": {
			posts: frame.TypeMessage,
			first: frame.TypeAck,
			dup:   true,
			bob:   []string{frame.TypeMessage},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
			jwe := a.message("hello", nil)
			t.Parallel() // the rest mostly waits
			w.compose(slowStore{w.store, test.call}, slowHub{w.hub, a.id, test.posts})
			got := a.sendInShortTime(jwe)
			a.expectOne(got, test.first)
			if test.first == frame.TypeError &&
				(got[0].Code != chat.TryAgain.Code() || !got[0].Retry || got[0].Ref != "s") {
				t.Errorf("got %+v, want try_again with ref s", got)
			}
			types := func(all []received) (types []string) {
				for _, r := range all {
					types = append(types, r.Type)
				}
				return types
			}
			if by := types(b.take()); strings.Join(by, " ") != strings.Join(test.bob, " ") {
				t.Errorf("bob got %v, want %v", by, test.bob)
			}

			w.compose(w.store, w.hub)
			again := a.send(jwe)
			if strings.Join(types(again), " ") != "ack message" || again[0].Seq != 1 || again[0].Dup != test.dup {
				t.Fatalf("the repeat got %+v, want ack and message with seq 1, duplicate: %v", again, test.dup)
			}
			for _, c := range []struct {
				*conn
				frame received
			}{{a, again[1]}, {b, b.take()[0]}} {
				if m, body := c.read(c.frame); body != "hello" || m.Seq != 1 {
					t.Errorf("%s: got %q with seq %d, want hello with seq 1", c.user, body, m.Seq)
				}
			}
			if ack := a.say("next", nil); ack.Seq != 2 {
				t.Errorf("got seq %d for the next message, want 2", ack.Seq)
			}
		})
	}
}

// TestFanOutThatRunsOutOfTime stalls the post to one listener. The sender and
// the others get their frames, and the log counts the failure.
func TestFanOutThatRunsOutOfTime(t *testing.T) {
	w := newWorld(t)
	a, b, slow := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "carol"))
	w.compose(w.store, slowHub{w.hub, slow.id, frame.TypeMessage})
	t.Parallel()
	got := a.sendInShortTime(a.message("hello", nil))
	if len(got) != 2 || got[0].Type != frame.TypeAck || got[1].Type != frame.TypeMessage {
		t.Fatalf("the sender got %+v, want ack and message", got)
	}
	if _, body := b.read(b.take()[0]); body != "hello" {
		t.Errorf("bob got %q, want hello", body)
	}
	if log := w.log.String(); !strings.Contains(log, `msg="failed to post to some listeners" failed=1 listeners=3`) {
		t.Errorf("got the log %s, want one failed post of 3", log)
	}
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 3 {
		t.Errorf("got the listeners %v, want all 3: a slow one is not gone", listeners)
	}
}
