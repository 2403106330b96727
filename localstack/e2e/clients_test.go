package e2e

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// profiles keeps the devices of the crowd: making keys is what takes longest.
var profiles = profile.Memory()

// crowd connects as many users, always the same, and lets them join a room.
func crowd(ctx context.Context, t testing.TB, s *stack, room chat.Room, n int) []*client.Client {
	t.Helper()
	users := make([]*client.Client, n)
	t.Cleanup(func() {
		for _, c := range users {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	var g errgroup.Group
	g.SetLimit(8)
	for i := range users {
		g.Go(func() (err error) {
			users[i], err = client.Open(ctx, client.Options{
				URL:     s.webSocket,
				User:    chat.User(fmt.Sprintf("crowd-%d-%d", firstRun, i)),
				Profile: profiles,
			})
			if err != nil {
				return fmt.Errorf("user %d: %w", i, err)
			}
			_, err = users[i].Join(ctx, room)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return users
}

// newRoom makes a name that no room has.
func newRoom(name string) chat.Room { return chat.Room(fmt.Sprintf("%s-%d", name, runs.Add(1))) }

func mustSend(ctx context.Context, t testing.TB, c *client.Client, room chat.Room, text string) client.Ack {
	t.Helper()
	ack, err := c.Send(ctx, room, text)
	if err != nil {
		t.Fatalf("send %q: %v", text, err)
	}
	return ack
}

// follow subscribes to all of a room.
func follow(t testing.TB, c *client.Client, room chat.Room) *client.Subscription {
	t.Helper()
	sub, err := c.Subscribe(room, 0)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// hear returns the next n messages.
func hear(ctx context.Context, sub *client.Subscription, n int) ([]client.Message, error) {
	var heard []client.Message
	for len(heard) < n {
		m, err := sub.Next(ctx)
		if err != nil {
			return heard, fmt.Errorf("after %d of %d messages: %w", len(heard), n, err)
		}
		heard = append(heard, m)
	}
	return heard, nil
}

// acks collects what was acknowledged, from many senders.
type acks struct {
	mu sync.Mutex
	of map[string]client.Ack // by text
}

func (a *acks) add(text string, ack client.Ack) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[string]client.Ack{}
	}
	a.of[text] = ack
}

func (a *acks) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.of)
}

// check wants a log from seq 1 without a gap, no text in it twice, and all that
// was acknowledged where its ack says. What was not acknowledged may be there,
// or not.
func (a *acks) check(log []client.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := map[string]client.Message{}
	for i, m := range log {
		switch first, twice := at[m.Body]; {
		case m.Problem != nil:
			return fmt.Errorf("message %d: %w", m.Seq, m.Problem)
		case m.Seq != chat.Seq(i+1):
			return fmt.Errorf("message %d stands in place %d", m.Seq, i+1)
		case twice:
			return fmt.Errorf("%q is there twice: as %d and as %d", m.Body, first.Seq, m.Seq)
		}
		at[m.Body] = m
	}
	for text, ack := range a.of {
		if m, there := at[text]; !there || m.Seq != ack.Seq || m.ID != ack.ID || m.Epoch != ack.Epoch {
			return fmt.Errorf("%q was acknowledged as %+v, and is in the log as %+v", text, ack, m)
		}
	}
	return nil
}

// Each way to break the promise is seen by the check.
func TestAcksAreChecked(t *testing.T) {
	good := []client.Message{{
		Seq:  1,
		ID:   "a",
		Body: "one",
	}, {
		Seq:  2,
		ID:   "b",
		Body: "two",
	}, {
		Seq:  3,
		ID:   "c",
		Body: "three",
	}}
	var a acks
	a.add("one", client.Ack{Seq: 1, ID: "a"})
	a.add("three", client.Ack{Seq: 3, ID: "c"})
	if err := a.check(good); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string][]client.Message{
		"lost":      good[:2],
		"gap":       {good[0], good[2]},
		"twice":     append(slices.Clone(good), client.Message{Seq: 4, ID: "a", Body: "one"}),
		"moved":     {good[0], {Seq: 2, ID: "c", Body: "three"}, {Seq: 3, ID: "b", Body: "two"}},
		"other id":  {good[0], good[1], {Seq: 3, ID: "d", Body: "three"}},
		"unordered": {good[1], good[0], good[2]},
		"problem":   {good[0], {Seq: 2, Problem: io.ErrUnexpectedEOF}, good[2]},
	} {
		if a.check(bad) == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}

// sameLog wants two users to have seen the same.
func sameLog(a, b []client.Message) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d messages, and %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Seq != b[i].Seq || a[i].ID != b[i].ID || a[i].Body != b[i].Body || a[i].From != b[i].From {
			return fmt.Errorf("in place %d %d %q of %s, and %d %q of %s", i+1, a[i].Seq, a[i].Body,
				a[i].From, b[i].Seq, b[i].Body, b[i].From)
		}
	}
	return nil
}
