package client

import (
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
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// hintEvery sets the pause between hints. A test that shows that a hint is held
// back uses a long one, so that a slow machine does not send it.
func hintEvery(pause time.Duration) func(*setup) {
	return func(d *setup) { d.timing.hint = pause }
}

// waitFor reads events until one has the type and meets the condition.
func waitFor[E Event](t *testing.T, events *Events, meets func(E) bool) E {
	t.Helper()
	for {
		event, err := events.Next(within(t))
		if err != nil {
			t.Fatalf("next event: %v", err)
		}
		if e, ok := event.(E); ok && meets(e) {
			return e
		}
	}
}

func eventsOf(t *testing.T, c *Client) *Events {
	t.Helper()
	events := c.Events()
	t.Cleanup(events.Close)
	return events
}

func TestTyping(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(time.Hour)), connect(t, s, "bob")
	atBob, atAda := eventsOf(t, bob), eventsOf(t, ada)
	for range 20 { // keystrokes
		if err := ada.Typing(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
	}
	if got := waitFor(t, atBob, func(Typing) bool { return true }); got != (Typing{Room: chat.Lobby, User: "ada"}) {
		t.Errorf("bob receives %+v, want that ada is typing in the lobby", got)
	}
	if err := bob.Typing(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	waitFor(t, atAda, func(e Typing) bool { return e.User == "bob" })
	if frames := s.Frames(frame.ActionTyping); len(frames) != 2 {
		t.Errorf("%d frames were sent, want one from each user", len(frames))
	}
}

func TestTypingIsSentAgainAfterThePause(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(time.Millisecond)), connect(t, s, "bob")
	atBob, ctx := eventsOf(t, bob), within(t)
	for range 3 {
		for before := len(s.Frames(frame.ActionTyping)); len(s.Frames(frame.ActionTyping)) == before; {
			if err := errors.Join(ada.Typing(ctx, chat.Lobby), wait(ctx, time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, atBob, func(Typing) bool { return true })
	}
}

func TestPresence(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada", func(d *setup) { d.timing.presence = time.Hour })
	bob := connect(t, s, "bob", func(d *setup) { d.timing.presence = 0 })
	atBob := eventsOf(t, bob)
	for range 3 {
		p, err := ada.Presence(within(t), chat.Lobby)
		if err != nil || !slices.Equal(p.Users, []chat.User{"ada", "bob"}) || p.More || p.Room != chat.Lobby {
			t.Fatalf("got %+v, %v, want ada and bob in the lobby", p, err)
		}
	}
	if frames := s.Frames(frame.ActionPresence); len(frames) != 1 {
		t.Errorf("%d frames were sent, want one", len(frames))
	}
	for range 2 { // the second answer is unchanged
		if _, err := bob.Presence(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
	}
	changes := func(want ...chat.User) {
		t.Helper()
		if got := waitFor(t, atBob, func(Presence) bool { return true }); !slices.Equal(got.Users, want) {
			t.Errorf("the event has users %v, want %v", got.Users, want)
		}
	}
	changes("ada", "bob")
	connect(t, s, "carol")
	if _, err := bob.Presence(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	changes("ada", "bob", "carol")
}

func TestMarks(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(500*time.Millisecond)), connect(t, s, "bob")
	atBob := eventsOf(t, bob)
	for seq := range chat.Seq(100) {
		if err := ada.Mark(within(t), chat.Lobby, seq+1, seq/2); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, atBob, func(e Mark) bool { // the last one always arrives
		return e == Mark{Room: chat.Lobby, User: "ada", Delivered: 100, Read: 49}
	})
	sent := len(s.Frames(frame.ActionMark))
	if sent > 50 {
		t.Errorf("%d frames were sent for 100 marks at once, want at most 50", sent)
	}
	// A lower mark is not sent.
	if err := ada.Mark(within(t), chat.Lobby, 99, 49); err != nil {
		t.Fatal(err)
	}
	if err := ada.Mark(within(t), chat.Lobby, 99, 50); err != nil { // each value counts separately
		t.Fatal(err)
	}
	last := waitFor(t, atBob, func(e Mark) bool { return e.Delivered == 100 && e.Read == 50 })
	if got := bob.Marks(chat.Lobby); !slices.Equal(got, []Mark{last}) {
		t.Errorf("bob has the marks %+v, want %+v", got, last)
	}
	if got := ada.Marks(chat.Lobby); len(got) != 0 {
		t.Errorf("ada has the marks %+v, want none", got)
	}
	if got := len(s.Frames(frame.ActionMark)); got != sent+1 {
		t.Errorf("%d frames were sent, want %d", got, sent+1)
	}
}

func TestMarkIsRepeatedForNewcomers(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada", func(d *setup) { d.timing.presence = 0 })
	bob := connect(t, s, "bob")
	atBob := eventsOf(t, bob)
	if err := ada.Mark(within(t), chat.Lobby, 7, 7); err != nil {
		t.Fatal(err)
	}
	waitFor(t, atBob, func(e Mark) bool { return e.Read == 7 })
	carol := connect(t, s, "carol")
	atCarol := eventsOf(t, carol)
	if _, err := ada.Presence(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	waitFor(t, atCarol, func(e Mark) bool { return e.User == "ada" && e.Read == 7 })
	// Dave is in no answer to presence. His own mark shows that he is in the
	// room.
	dave := connect(t, s, "dave")
	atDave := eventsOf(t, dave)
	if err := dave.Mark(within(t), chat.Lobby, 1, 1); err != nil {
		t.Fatal(err)
	}
	waitFor(t, atDave, func(e Mark) bool { return e.User == "ada" && e.Read == 7 })
}

func TestMarkIsSentOnTheNextConnection(t *testing.T) {
	s := clienttest.New(t)
	lost := make(chan struct{}, 100)
	ada := connect(t, s, "ada", func(d *setup) {
		d.timing.reconnect = backoff{first: 50 * time.Millisecond, most: 50 * time.Millisecond}
		d.Notify = func(n Notice) {
			if !n.Connected {
				lost <- struct{}{}
			}
		}
	})
	s.Disconnect()
	<-lost
	if err := ada.Mark(within(t), chat.Lobby, 3, 2); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); len(s.Frames(frame.ActionMark)) == 0; {
		if err := wait(ctx, time.Millisecond); err != nil {
			t.Fatal("timed out waiting for the mark: ", err)
		}
	}
}

func TestHintsAreRefused(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	for name, refused := range map[string]struct {
		do   func(room chat.Room) error
		want error
		room chat.Room
	}{
		"typing elsewhere": {func(r chat.Room) error { return ada.Typing(within(t), r) },
			chat.NotAMember, "elsewhere"},
		"presence elsewhere": {func(r chat.Room) error {
			_, err := ada.Presence(within(t), r)
			return err
		}, chat.NotAMember, "elsewhere"},
		"mark elsewhere": {func(r chat.Room) error { return ada.Mark(within(t), r, 2, 1) },
			chat.NotAMember, "elsewhere"},
		"invalid room": {func(r chat.Room) error { return ada.Typing(within(t), r) },
			chat.RoomInvalid, "No Room"},
		"read above delivered": {func(r chat.Room) error { return ada.Mark(within(t), r, 1, 2) },
			chat.BadFrame, chat.Lobby},
		"negative": {func(r chat.Room) error { return ada.Mark(within(t), r, 1, -1) },
			chat.BadFrame, chat.Lobby},
	} {
		if err := refused.do(refused.room); !errors.Is(err, refused.want) {
			t.Errorf("%s: got %v, want %v", name, err, refused.want)
		}
	}
	if err := ada.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ada.Typing(within(t), chat.Lobby); !errors.Is(err, ErrClosed) {
		t.Errorf("Typing after Close: got %v, want %v", err, ErrClosed)
	}
}

// A refused hint must not count as the answer to a pending request.
func TestARefusedHintAnswersNoRequest(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada", hintEvery(0))
	s.Misbehave(clienttest.Faults{Refuse: func(_ chat.User, r frame.Request) *chat.Error {
		if r.Action == frame.ActionTyping {
			return chat.NotAMember
		}
		return nil
	}})
	for n := range 20 {
		if err := ada.Typing(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
		if _, err := ada.Send(within(t), chat.Lobby, numbered(n, n)[0]); err != nil {
			t.Fatalf("send after a refused hint: %v", err)
		}
	}
}

func TestForgedHintsAreIgnored(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(0)), connect(t, s, "bob")
	atBob := eventsOf(t, bob)
	forged := [][]byte{
		[]byte(`{"type":"typing","room":"elsewhere","user":"ada"}`),
		[]byte(`{"type":"typing","room":"lobby","user":"bob"}`),
		[]byte(`{"type":"typing","room":"lobby","user":"<b>"}`),
		[]byte(`{"type":"typing","room":7}`),
		[]byte(`{"type":"mark","room":"lobby","user":"ada","delivered":1,"read":2}`),
		[]byte(`{"type":"mark","room":"lobby","user":"ada","delivered":-1,"read":-2}`),
		[]byte(`{"type":"presence","room":"lobby","users":["mallory"],"more":false}`),
		[]byte(`{"type":"mark","room":"lobby","user":"ada","delivered":9,"read":8}`), // the only valid one
	}
	for i, data := range forged {
		push := fmt.Sprintf(`{"n":"%d","at":%d,`, i, time.Now().UnixMilli())
		forged[i] = []byte(strings.Replace(string(data), "{", push, 1))
	}
	s.Misbehave(clienttest.Faults{Answer: func(to chat.User, kind string, data []byte) [][]byte {
		if to == "bob" && kind == frame.TypeTyping {
			return forged
		}
		return [][]byte{data}
	}})
	if err := ada.Typing(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	event, err := atBob.Next(within(t))
	if want := (Mark{Room: chat.Lobby, User: "ada", Delivered: 9, Read: 8}); err != nil || event != want {
		t.Errorf("got %+v, %v, want %+v", event, err, want)
	}
}

// Vulnerability: marks are not signed, and a client kept the highest of each
// user. Attack: mallory, a member, marks everything up to the largest seq as
// read, once; or the service does it in her name. This verifies that the mark
// is clipped to the head, so it says nothing about messages that do not exist
// yet.
func TestAttackMarkForAllFutureMessages(t *testing.T) {
	s := clienttest.New(t)
	mallory, bob := connect(t, s, "mallory"), connect(t, s, "bob")
	sub, err := bob.Subscribe(chat.Lobby, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if _, err := bob.Send(within(t), chat.Lobby, "the only message"); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Next(within(t)); err != nil {
		t.Fatal(err)
	}
	atBob := eventsOf(t, bob)
	const last = 1<<53 - 1
	if err := mallory.Mark(within(t), chat.Lobby, last, last); err != nil {
		t.Fatal(err)
	}
	got := waitFor(t, atBob, func(Mark) bool { return true })
	if want := (Mark{Room: chat.Lobby, User: "mallory", Delivered: 1, Read: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEventsOfASlowConsumer(t *testing.T) {
	e := &Events{wake: make(chan struct{}, 1)}
	e.push(NewDevice{User: "ada", Device: "first"})
	for seq := range chat.Seq(10 * maxEvents) {
		e.push(Mark{Room: chat.Lobby, User: "ada", Delivered: seq + 1})
	}
	if len(e.queue) != 2 {
		t.Errorf("%d events are queued, want the warning and the newest mark", len(e.queue))
	}
	for _, user := range numbered(1, 2*maxEvents) {
		e.push(Typing{Room: chat.Lobby, User: chat.User(user)})
	}
	if len(e.queue) != maxEvents {
		t.Errorf("%d events are queued, want %d", len(e.queue), maxEvents)
	}
	if first, _ := e.pop(); first.(NewDevice).Device != "first" {
		t.Errorf("the first event is %+v, want the warning", first)
	}
}

func TestEventsEnd(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	closed, ended := ada.Events(), ada.Events()
	closed.Close()
	closed.Close()
	if _, err := closed.Next(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Next after Close: got %v, want %v", err, ErrClosed)
	}
	if err := ada.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ended.Next(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Next after the client's Close: got %v, want %v", err, ErrClosed)
	}
}

func TestNewDeviceIsAnEvent(t *testing.T) {
	s := clienttest.New(t)
	bob := connect(t, s, "bob")
	events, sub := eventsOf(t, bob), subscribe(t, bob, chat.Lobby, NewOnly)
	ada := connect(t, s, "ada")
	send(t, ada, "from the first")
	expect(t, sub, "from the first")

	// The second device, in another profile, is linked by the first.
	other := profile.Memory()
	address, err := device.Address(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := other.Deployment(address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(within(t), Options{URL: s.URL, User: "ada", Profile: other}, quick) // creates the device
	if !errors.Is(err, chat.NameTaken) {
		t.Fatalf("open as an unlinked device: got %v, want %v", err, chat.NameTaken)
	}
	keys, err := deployment.User("ada").Device()
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := ada.Link(within(t), keys.ID())
	if err != nil {
		t.Fatal(err)
	}
	before, err := bob.Safety("ada")
	if err != nil {
		t.Fatal(err)
	}
	second := connect(t, s, "ada", with(other), func(d *setup) { d.Link = token })
	send(t, second, "from the second")
	if m := next(t, sub); !m.NewDevice {
		t.Errorf("got %+v, want a message from a new device", m)
	}
	got := waitFor(t, events, func(NewDevice) bool { return true })
	if got.User != "ada" || got.Device != second.Device() || !slices.Equal(got.Known, []chat.Device{ada.Device()}) {
		t.Errorf("got %+v, want %s as a new device of ada besides %s", got, second.Device(), ada.Device())
	}
	after, err := bob.Safety("ada")
	if err != nil || after.Safety == before.Safety || len(after.Theirs) != 2 {
		t.Errorf("after the new device: got %v, %v; want another number with two devices", after, err)
	}
}

func TestSafetyNumbersAgree(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	if _, err := ada.Safety("bob"); !errors.Is(err, ErrNeverSeen) {
		t.Errorf("before the first message: got %v, want %v", err, ErrNeverSeen)
	}
	fromAda, fromBob := subscribe(t, bob, chat.Lobby, NewOnly), subscribe(t, ada, chat.Lobby, NewOnly)
	send(t, ada, "hello")
	send(t, bob, "hello")
	expect(t, fromAda, "hello", "hello")
	expect(t, fromBob, "hello", "hello")
	a, err := ada.Safety("bob")
	if err != nil {
		t.Fatal(err)
	}
	b, err := bob.Safety("ada")
	if err != nil {
		t.Fatal(err)
	}
	if a.Safety != b.Safety || a.Text() != b.Text() {
		t.Errorf("ada has %s, bob has %s; want the same", a, b)
	}
	if _, err := ada.Safety("ada"); !errors.Is(err, envelope.ErrSafety) {
		t.Errorf("with oneself: got %v, want %v", err, envelope.ErrSafety)
	}
}
