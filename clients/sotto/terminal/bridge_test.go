package terminal

import (
	"fmt"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
)

// TestOlder reads the history page by page, down to the first message.
func TestOlder(t *testing.T) {
	s := clienttest.New(t)
	c, err := client.Open(t.Context(), client.Options{URL: s.URL, User: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	b := &bridge{ctx: t.Context(), client: c, read: func(Place) {}}
	state, err := c.CreateRoom(t.Context(), "den")
	if err != nil {
		t.Fatal(err)
	}
	const all = 30
	for i := range all {
		if _, err := b.Send("den", fmt.Sprint("text ", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	older := func(before chat.Seq, n int, from, to chat.Seq, top bool) {
		t.Helper()
		messages, first, err := b.Older("den", state.Epoch, before, n)
		if err != nil || first != top || len(messages) != int(max(to-from+1, 0)) {
			t.Fatalf("before %d: %d messages, top %v, %v; want %d to %d, top %v", before, len(messages),
				first, err, from, to, top)
		}
		for i, m := range messages {
			if m.Seq != from+chat.Seq(i) || m.Body != fmt.Sprint("text ", m.Seq) {
				t.Errorf("want seq %d, got %d with %q", from+chat.Seq(i), m.Seq, m.Body)
			}
		}
	}
	older(31, 20, 11, 30, false)
	older(11, 10, 1, 10, true)
	older(11, 20, 1, 10, true)
	older(1, 20, 1, 0, true)
	s.Trim("den", 15) // older messages have expired
	older(31, 10, 21, 30, false)
	older(21, 10, 15, 20, true)
	older(15, 10, 1, 0, true)
}
