package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

// quick has durations that a test can wait for. No test depends on how long
// something takes, except for the timeout of within.
var quick = timing{
	reply:     time.Second,
	dial:      20 * time.Second,
	write:     10 * time.Second,
	ping:      time.Hour,
	probe:     time.Hour,
	grace:     20 * time.Millisecond,
	hint:      50 * time.Millisecond,
	presence:  time.Hour,
	steady:    time.Millisecond,
	retry:     backoff{first: time.Millisecond, most: 10 * time.Millisecond},
	reconnect: backoff{first: time.Millisecond, most: 50 * time.Millisecond},
}

// within returns a context with the timeout of a test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// setup is how connect opens a client.
type setup struct {
	Options
	timing timing
}

func connect(t *testing.T, s *clienttest.Service, user chat.User, change ...func(*setup)) *Client {
	t.Helper()
	d := setup{Options{URL: s.URL, User: user}, quick}
	for _, f := range change {
		f(&d)
	}
	c, err := open(within(t), d.Options, d.timing)
	if err != nil {
		t.Fatalf("open as %s: %v", user, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func with(p *profile.Store) func(*setup) { return func(d *setup) { d.Profile = p } }

func subscribe(t *testing.T, c *Client, room chat.Room, since chat.Seq) *Subscription {
	t.Helper()
	sub, err := c.Subscribe(room, since)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func send(t *testing.T, c *Client, texts ...string) (last Ack) {
	t.Helper()
	for _, text := range texts {
		var err error
		if last, err = c.Send(within(t), chat.Lobby, text); err != nil {
			t.Fatalf("send %q: %v", text, err)
		}
	}
	return last
}

func next(t *testing.T, sub *Subscription) Message {
	t.Helper()
	m, err := sub.Next(within(t))
	if err != nil {
		t.Fatalf("next message: %v", err)
	}
	return m
}

// expect reads len(texts) messages and fails unless they have these texts, in
// order.
func expect(t *testing.T, sub *Subscription, texts ...string) {
	t.Helper()
	for i, want := range texts {
		m := next(t, sub)
		if m.Problem != nil || m.Body != want {
			t.Fatalf("message %d is %q (seq %d, problem %v), want %q", i, m.Body, m.Seq, m.Problem, want)
		}
	}
}

func numbered(from, to int) (texts []string) {
	for i := from; i <= to; i++ {
		texts = append(texts, fmt.Sprintf("text %d", i))
	}
	return texts
}

func TestTwoUsersTalk(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	fromBob := subscribe(t, bob, chat.Lobby, NewOnly)
	ack := send(t, ada, "hello <bob> & all ☃")
	m := next(t, fromBob)
	want := Message{
		Room:     chat.Lobby,
		Epoch:    ack.Epoch,
		Seq:      1,
		ID:       ack.ID,
		From:     "ada",
		Device:   ada.Device(),
		StoredAt: ack.StoredAt,
		Body:     "hello <bob> & all ☃",
		Evidence: device.Evidence{
			SenderKey:  string(ada.Device()),
			Verified:   true,
			ServerKey:  ada.current.keySet().Newest.Thumbprint(),
			OpenedWith: bob.device.EncryptionKey(),
		},
	}
	if m != want {
		t.Errorf("bob reads %+v, want %+v", m, want)
	}
	// A subscription from seq 0 yields the messages before it, NewOnly does
	// not.
	send(t, bob, "hello ada")
	expect(t, subscribe(t, ada, chat.Lobby, 0), "hello <bob> & all ☃", "hello ada")
	expect(t, subscribe(t, ada, chat.Lobby, 1), "hello ada")
}

func TestRoomsAreJoinedAndLeft(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	ctx := within(t)
	if _, err := ada.Send(ctx, "kitchen", "hi"); !errors.Is(err, chat.NotAMember) {
		t.Errorf("send without membership: got %v, want %v", err, chat.NotAMember)
	}
	if _, err := ada.Subscribe("kitchen", 0); !errors.Is(err, chat.NotAMember) {
		t.Errorf("subscribe without membership: got %v, want %v", err, chat.NotAMember)
	}
	if _, err := ada.Join(ctx, "Kitchen!"); !errors.Is(err, chat.RoomInvalid) {
		t.Errorf("join a room with an invalid name: got %v, want %v", err, chat.RoomInvalid)
	}
	if _, err := ada.Join(ctx, "kitchen"); !errors.Is(err, chat.RoomInvalid) {
		t.Errorf("join a room that does not exist: got %v, want %v", err, chat.RoomInvalid)
	}
	if state, err := ada.CreateRoom(ctx, "kitchen"); err != nil || state.Head != 0 {
		t.Fatalf("create: got %+v and error %v, want an empty room", state, err)
	}
	sub := subscribe(t, ada, "kitchen", NewOnly)
	if _, err := ada.Send(ctx, "kitchen", "soup"); err != nil {
		t.Fatal(err)
	}
	expect(t, sub, "soup")
	rooms, err := ada.Rooms(ctx)
	if err != nil || len(rooms) != 2 || rooms[0].Room != "kitchen" || rooms[0].Head != 1 || rooms[1].Room != "lobby" {
		t.Errorf("Rooms = %+v, %v; want kitchen with head 1, and lobby", rooms, err)
	}
	if err := ada.Leave(ctx, "kitchen"); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Next(ctx); !errors.Is(err, chat.NotAMember) {
		t.Errorf("Next after Leave: got %v, want %v", err, chat.NotAMember)
	}
	if err := ada.Leave(ctx, chat.Lobby); !errors.Is(err, chat.RoomInvalid) {
		t.Errorf("leave the lobby: got %v, want %v", err, chat.RoomInvalid)
	}
}

func TestOpenErrors(t *testing.T) {
	s := clienttest.New(t)
	connect(t, s, "ada")
	stopped := clienttest.New(t)
	stopped.Stop()
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"the name of another user": {Options{URL: s.URL, User: "ada"}, "name_taken"},
		"a reserved name":          {Options{URL: s.URL, User: "admin"}, "name_invalid"},
		"no service":               {Options{URL: stopped.URL, User: "ada"}, "cannot reach"},
		"no WebSocket address": {Options{
			URL:  strings.Replace(s.URL, "ws:", "http:", 1),
			User: "ada",
		}, "ws:// or wss://"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := open(within(t), c.options, quick); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestCloseEndsPendingCalls(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	sub := subscribe(t, ada, chat.Lobby, 0)
	waiting := make(chan error, 1)
	go func() {
		_, err := sub.Next(context.Background())
		waiting <- err
	}()
	if err := ada.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("Next after Close: got %v, want %v", err, ErrClosed)
	}
	if _, err := ada.Send(within(t), chat.Lobby, "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after Close: got %v, want %v", err, ErrClosed)
	}
	if !errors.Is(ada.Err(), ErrClosed) {
		t.Errorf("Err after Close: got %v, want %v", ada.Err(), ErrClosed)
	}
}

func TestTooLargeIsRefusedBeforeSending(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"16 KiB and a byte": {strings.Repeat("x", chat.MaxBody+1), chat.BodyTooLarge},
		// Each of these characters takes six bytes in JSON.
		"16 KiB that need escapes": {strings.Repeat("\x01", chat.MaxBody), chat.FrameTooLarge},
		"not UTF-8":                {"\xff", chat.BadFrame},
	} {
		if _, err := ada.Send(within(t), chat.Lobby, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if n := len(s.Frames(frame.ActionSendMessage)); n != 0 {
		t.Errorf("%d frames were sent, want none", n)
	}
	text := strings.Repeat("x", chat.MaxBody)
	send(t, ada, text)
	if log := s.Log(chat.Lobby); !slices.Equal(log, []string{text}) {
		t.Errorf("the log has %d texts, want the one text of %d bytes", len(log), len(text))
	}
}

func TestManyMessagesForASlowConsumer(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	texts := numbered(1, maxPending+150)
	send(t, ada, texts...)
	expect(t, sub, texts...)
}
