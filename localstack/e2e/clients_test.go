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

// profiles keeps the devices of openClients: generating keys takes longest.
var profiles = profile.Memory()

// openClients connects n users and joins each to a room. The users are the same
// in every test.
func openClients(ctx context.Context, t testing.TB, s *stack, room chat.Room, n int) []*client.Client {
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
				User:    clientName(i),
				Profile: profiles,
			})
			if err != nil {
				return fmt.Errorf("user %d: %w", i, err)
			}
			_, err = enterAsClient(ctx, users[i], room)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return users
}

// newRoom returns a room name that is not in use.
func newRoom(name string) chat.Room { return chat.Room(fmt.Sprintf("%s-%d", name, runs.Add(1))) }

// clientName returns the name of the i-th user of openClients.
func clientName(i int) chat.User { return chat.User(fmt.Sprintf("client-%d-%d", firstRun, i)) }

func mustSend(ctx context.Context, t testing.TB, c *client.Client, room chat.Room, text string) client.Ack {
	t.Helper()
	ack, err := c.Send(ctx, room, text)
	if err != nil {
		t.Fatalf("send %q: %v", text, err)
	}
	return ack
}

// subscribeAll subscribes to a room from its first message.
func subscribeAll(t testing.TB, c *client.Client, room chat.Room) *client.Subscription {
	t.Helper()
	sub, err := c.Subscribe(room, 0)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// receiveMessages returns the next n messages.
func receiveMessages(ctx context.Context, sub *client.Subscription, n int) ([]client.Message, error) {
	var received []client.Message
	for len(received) < n {
		m, err := sub.Next(ctx)
		if err != nil {
			return received, fmt.Errorf("after %d of %d messages: %w", len(received), n, err)
		}
		received = append(received, m)
	}
	return received, nil
}

// acks collects the acks of many senders. It is safe for concurrent use.
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

// check returns an error unless the log begins at seq 1, has no gap and no text
// twice, and has every acknowledged message where its ack says. A message
// without an ack may be in the log or not.
func (a *acks) check(log []client.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := map[string]client.Message{}
	for i, m := range log {
		switch first, twice := at[m.Body]; {
		case m.Problem != nil:
			return fmt.Errorf("message %d: %w", m.Seq, m.Problem)
		case m.Seq != chat.Seq(i+1):
			return fmt.Errorf("got message %d in place %d", m.Seq, i+1)
		case twice:
			return fmt.Errorf("%q is in the log twice: as %d and as %d", m.Body, first.Seq, m.Seq)
		}
		at[m.Body] = m
	}
	for text, ack := range a.of {
		if m, there := at[text]; !there || m.Seq != ack.Seq || m.ID != ack.ID || m.Epoch != ack.Epoch {
			return fmt.Errorf("got %q in the log as %+v, want it as acknowledged: %+v", text, m, ack)
		}
	}
	return nil
}

// TestAcksAreChecked wants check to find each way to break the promise.
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
			t.Errorf("%s: got no error from check", name)
		}
	}
}

// sameLog returns an error unless two users have received the same messages.
func sameLog(a, b []client.Message) error {
	if len(a) != len(b) {
		return fmt.Errorf("the first log has %d messages, the second %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Seq != b[i].Seq || a[i].ID != b[i].ID || a[i].Body != b[i].Body || a[i].From != b[i].From {
			return fmt.Errorf("in place %d the first log has %d %q of %s, the second %d %q of %s", i+1,
				a[i].Seq, a[i].Body,
				a[i].From, b[i].Seq, b[i].Body, b[i].From)
		}
	}
	return nil
}
