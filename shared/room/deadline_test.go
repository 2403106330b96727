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

// slowStore is a store in which one kind of call does not come back before its
// context ends, as of a database that has stopped answering.
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

func (s slowStore) Append(ctx context.Context, e *room.Entry, raise chat.Seq) error {
	if err := s.stall(ctx, "Append"); err != nil {
		return err
	}
	err := s.Store.Append(ctx, e, raise)
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

// slowHub is a hub that does not get rid of frames of a type to one connection
// before its context ends.
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

// PostAll posts to all at the same time, as over HTTP.
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

// workingTime is how long a use case has in these tests: enough for all that
// does not stall.
const workingTime = 3 * time.Second

// sendInShortTime calls sendMessage with little more of the function's time
// left than is kept for last words. It must return before that time is over.
func (c *conn) sendInShortTime(jwe string) []received {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), route.ReplyTime+workingTime)
	defer cancel()
	_, err := c.router.Handler(&route.SendMessage)(ctx, c.event(string(encode(c.t, frame.Request{
		Action: frame.ActionSendMessage,
		JWE:    jwe,
		Ref:    "s",
	}))))
	must(c.t, err)
	if ctx.Err() != nil {
		c.t.Fatal("Lambda would have ended the function")
	}
	return c.take()
}

// TestSendThatRunsOutOfTime stalls a send at each place where it waits. It has
// then either stored and acked, or says that the client should try again, whose
// repeat completes it: nothing is stored twice, and everybody gets it.
func TestSendThatRunsOutOfTime(t *testing.T) {
	for name, test := range map[string]struct {
		call  string   // of the store
		posts string   // type of the frame to ada
		told  string   // what ada gets at first
		dup   bool     // whether the repeat finds it stored
		bob   []string // what bob has got by then
	}{
		"reading the session":   {call: "Connection", told: frame.TypeError},
		"before the append":     {call: "Append", told: frame.TypeError},
		"after the append":      {call: "after Append", told: frame.TypeError, dup: true},
		"listing the listeners": {call: "Listeners", told: frame.TypeAck, dup: true},
		"posting the ack": {
			posts: frame.TypeAck,
			told:  frame.TypeError,
			dup:   true,
			bob:   []string{frame.TypeMessage},
		},
		"posting the sender's copy": {
			posts: frame.TypeMessage,
			told:  frame.TypeAck,
			dup:   true,
			bob:   []string{frame.TypeMessage},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob"))
			jwe := a.message("hello", nil)
			t.Parallel() // from here on it mostly waits
			w.compose(slowStore{w.store, test.call}, slowHub{w.hub, a.id, test.posts})
			got := a.sendInShortTime(jwe)
			a.expectOne(got, test.told)
			if test.told == frame.TypeError &&
				(got[0].Code != chat.TryAgain.Code() || !got[0].Retry || got[0].Ref != "s") {
				t.Errorf("got %+v", got)
			}
			types := func(all []received) (types []string) {
				for _, r := range all {
					types = append(types, r.Type)
				}
				return types
			}
			if by := types(b.take()); strings.Join(by, " ") != strings.Join(test.bob, " ") {
				t.Errorf("bob has got %v, want %v", by, test.bob)
			}

			w.compose(w.store, w.hub)
			again := a.send(jwe)
			if strings.Join(types(again), " ") != "ack message" || again[0].Seq != 1 || again[0].Dup != test.dup {
				t.Fatalf("the repeat got %+v", again)
			}
			for _, c := range []struct {
				*conn
				frame received
			}{{a, again[1]}, {b, b.take()[0]}} {
				if m, body := c.read(c.frame); body != "hello" || m.Seq != 1 {
					t.Errorf("%s reads %q at %d", c.user, body, m.Seq)
				}
			}
			if ack := a.say("next", nil); ack.Seq != 2 {
				t.Errorf("the next message is at %d", ack.Seq)
			}
		})
	}
}

// A listener that cannot be reached in time costs the sender and the others
// nothing; the log tells how many were not.
func TestFanOutThatRunsOutOfTime(t *testing.T) {
	w := newWorld(t)
	a, b, slow := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "carol"))
	w.compose(w.store, slowHub{w.hub, slow.id, frame.TypeMessage})
	t.Parallel()
	got := a.sendInShortTime(a.message("hello", nil))
	if len(got) != 2 || got[0].Type != frame.TypeAck || got[1].Type != frame.TypeMessage {
		t.Fatalf("the sender got %+v", got)
	}
	if _, body := b.read(b.take()[0]); body != "hello" {
		t.Errorf("bob reads %q", body)
	}
	if log := w.log.String(); !strings.Contains(log, `msg="failed to post to some listeners" failed=1 listeners=3`) {
		t.Errorf("the log says %s", log)
	}
	listeners, err := w.store.Listeners(t.Context(), chat.Lobby)
	must(t, err)
	if len(listeners) != 3 {
		t.Errorf("who is slow was taken for gone: %v", listeners)
	}
}
