package room_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room/memory"
)

// TestPanicInAGoroutineIsAnError lets a store panic in one of the goroutines
// that write listeners. The client gets an error, and the service lives.
func TestPanicInAGoroutineIsAnError(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	c.do("createRoom", frame.Request{Room: "den"})
	w.once("AddListener", func() error { panic("a text") })
	c.expect(c.do("joinRoom", frame.Request{Room: "den"}), chat.Internal)
	log := w.log.String()
	for _, want := range []string{"panic of type string", "stack=", "TestPanicInAGoroutineIsAnError"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if strings.Contains(log, "a text") {
		t.Errorf("the log holds the panic's value:\n%s", log)
	}
	c.enterRoom("den")
}

// panicking is a poster in which sealing to one connection panics.
type panicking struct {
	*memory.Hub
	at chat.Connection
}

func (p panicking) PostAll(ctx context.Context, n int, connection func(int) chat.Connection,
	frame func(int) ([]byte, error), outcome func(int, error)) {
	p.Hub.PostAll(ctx, n, connection, func(i int) ([]byte, error) {
		if connection(i) == p.at {
			panic("a text")
		}
		return frame(i)
	}, outcome)
}

// TestPanicCostsOneRecipient lets sealing to one recipient panic: the message
// is acked and reaches the others, and the log counts one that was missed.
func TestPanicCostsOneRecipient(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.enter(newDevice(t, "ada")), w.enter(newDevice(t, "bob")), w.enter(newDevice(t, "eve"))
	w.compose(w.store, panicking{w.hub, bob.id})
	got := ada.do("sendMessage", frame.Request{JWE: ada.message("hello", nil)})
	if len(got) != 2 || got[0].Type != frame.TypeAck || got[1].Type != frame.TypeMessage {
		t.Errorf("the sender got %+v, want its ack and its message", got)
	}
	if got := bob.take(); len(got) != 0 {
		t.Errorf("bob got %+v, want nothing", got)
	}
	eve.expectOne(eve.take(), frame.TypeMessage)
	log := w.log.String()
	for _, want := range []string{"panic of type string", "failed=1", "stack="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}
