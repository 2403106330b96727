package client

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// hintEvery sets how often hints are sent: rarely where a test shows that one
// is held back, so that no slow machine sends it.
func hintEvery(pause time.Duration) func(*dialling) {
	return func(d *dialling) { d.timing.hint = pause }
}

// happens reads events until one is of the type and meets the condition.
func happens[E Event](t *testing.T, events *Events, meets func(E) bool) E {
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

func hear(t *testing.T, c *Client) *Events {
	t.Helper()
	events := c.Events()
	t.Cleanup(events.Close)
	return events
}

func TestTyping(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(time.Hour)), connect(t, s, "bob")
	atBob, atAda := hear(t, bob), hear(t, ada)
	for range 20 { // keystrokes
		if err := ada.Typing(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
	}
	if got := happens(t, atBob, func(Typing) bool { return true }); got != (Typing{Room: chat.Lobby, User: "ada"}) {
		t.Errorf("bob hears %+v", got)
	}
	if err := bob.Typing(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	happens(t, atAda, func(e Typing) bool { return e.User == "bob" })
	if frames := s.Frames(frame.ActionTyping); len(frames) != 2 {
		t.Errorf("%d frames were sent, want one each", len(frames))
	}
}

func TestTypingGoesOnAfterAWhile(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(time.Millisecond)), connect(t, s, "bob")
	atBob, ctx := hear(t, bob), within(t)
	for range 3 {
		for before := len(s.Frames(frame.ActionTyping)); len(s.Frames(frame.ActionTyping)) == before; {
			if err := errors.Join(ada.Typing(ctx, chat.Lobby), wait(ctx, time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
		happens(t, atBob, func(Typing) bool { return true })
	}
}

func TestPresence(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada", func(d *dialling) { d.timing.presence = time.Hour })
	bob := connect(t, s, "bob", func(d *dialling) { d.timing.presence = 0 })
	atBob := hear(t, bob)
	for range 3 {
		p, err := ada.Presence(within(t), chat.Lobby)
		if err != nil || !slices.Equal(p.Users, []chat.User{"ada", "bob"}) || p.More || p.Room != chat.Lobby {
			t.Fatalf("got %+v, %v", p, err)
		}
	}
	if frames := s.Frames(frame.ActionPresence); len(frames) != 1 {
		t.Errorf("%d frames were sent, want one", len(frames))
	}
	for range 2 { // the second is no change
		if _, err := bob.Presence(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
	}
	changes := func(want ...chat.User) {
		t.Helper()
		if got := happens(t, atBob, func(Presence) bool { return true }); !slices.Equal(got.Users, want) {
			t.Errorf("the change is %v, want %v", got.Users, want)
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
	atBob := hear(t, bob)
	for seq := range chat.Seq(100) {
		if err := ada.Mark(within(t), chat.Lobby, seq+1, seq/2); err != nil {
			t.Fatal(err)
		}
	}
	happens(t, atBob, func(e Mark) bool { // the last one always arrives
		return e == Mark{Room: chat.Lobby, User: "ada", Delivered: 100, Read: 49}
	})
	sent := len(s.Frames(frame.ActionMark))
	if sent > 50 {
		t.Errorf("%d frames were sent for 100 marks in a moment", sent)
	}
	// What is lower than before says nothing, and is not sent.
	if err := ada.Mark(within(t), chat.Lobby, 99, 49); err != nil {
		t.Fatal(err)
	}
	if err := ada.Mark(within(t), chat.Lobby, 99, 50); err != nil { // each counts by itself
		t.Fatal(err)
	}
	last := happens(t, atBob, func(e Mark) bool { return e.Delivered == 100 && e.Read == 50 })
	if got := bob.Marks(chat.Lobby); !slices.Equal(got, []Mark{last}) {
		t.Errorf("bob has the marks %+v", got)
	}
	if got := ada.Marks(chat.Lobby); len(got) != 0 {
		t.Errorf("ada has the marks %+v", got)
	}
	if got := len(s.Frames(frame.ActionMark)); got != sent+1 {
		t.Errorf("%d frames were sent, want %d", got, sent+1)
	}
}

func TestMarkIsRepeatedForNewcomers(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada", func(d *dialling) { d.timing.presence = 0 })
	bob := connect(t, s, "bob")
	atBob := hear(t, bob)
	if err := ada.Mark(within(t), chat.Lobby, 7, 7); err != nil {
		t.Fatal(err)
	}
	happens(t, atBob, func(e Mark) bool { return e.Read == 7 })
	carol := connect(t, s, "carol")
	atCarol := hear(t, carol)
	if _, err := ada.Presence(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	happens(t, atCarol, func(e Mark) bool { return e.User == "ada" && e.Read == 7 })
	// Dave is not in any answer of presence; his own mark shows that he is
	// there.
	dave := connect(t, s, "dave")
	atDave := hear(t, dave)
	if err := dave.Mark(within(t), chat.Lobby, 1, 1); err != nil {
		t.Fatal(err)
	}
	happens(t, atDave, func(e Mark) bool { return e.User == "ada" && e.Read == 7 })
}

func TestMarkOutlivesAConnection(t *testing.T) {
	s := clienttest.New(t)
	lost := make(chan struct{}, 100)
	ada := connect(t, s, "ada", func(d *dialling) {
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
			t.Fatal("the mark was not sent: ", err)
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
		"no room": {func(r chat.Room) error { return ada.Typing(within(t), r) },
			chat.RoomInvalid, "No Room"},
		"read unseen": {func(r chat.Room) error { return ada.Mark(within(t), r, 1, 2) },
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
		t.Errorf("after Close: %v", err)
	}
}

// A refused hint must not be taken for the answer to a request that waits.
func TestRefusedHintIsNobodysAnswer(t *testing.T) {
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
	atBob := hear(t, bob)
	forged := [][]byte{
		[]byte(`{"type":"typing","room":"elsewhere","user":"ada"}`),
		[]byte(`{"type":"typing","room":"lobby","user":"bob"}`),
		[]byte(`{"type":"typing","room":"lobby","user":"<b>"}`),
		[]byte(`{"type":"typing","room":7}`),
		[]byte(`{"type":"mark","room":"lobby","user":"ada","delivered":1,"read":2}`),
		[]byte(`{"type":"mark","room":"lobby","user":"ada","delivered":-1,"read":-2}`),
		[]byte(`{"type":"presence","room":"lobby","users":["mallory"],"more":false}`),
		[]byte(`{"type":"mark","room":"lobby","user":"ada","delivered":9,"read":8}`), // the only one that holds
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

func TestEventsOfASlowConsumer(t *testing.T) {
	e := &Events{wake: make(chan struct{}, 1)}
	e.push(NewDevice{User: "ada", Device: "first"})
	for seq := range chat.Seq(10 * maxEvents) {
		e.push(Mark{Room: chat.Lobby, User: "ada", Delivered: seq + 1})
	}
	if len(e.queue) != 2 {
		t.Errorf("%d events wait, want the warning and the newest mark", len(e.queue))
	}
	for _, user := range numbered(1, 2*maxEvents) {
		e.push(Typing{Room: chat.Lobby, User: chat.User(user)})
	}
	if len(e.queue) != maxEvents {
		t.Errorf("%d events wait, want %d", len(e.queue), maxEvents)
	}
	if first, _ := e.pop(); first.(NewDevice).Device != "first" {
		t.Errorf("the warning was dropped, the first is %+v", first)
	}
}

func TestEventsEnd(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	closed, ended := ada.Events(), ada.Events()
	closed.Close()
	closed.Close()
	if _, err := closed.Next(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("after its Close: %v", err)
	}
	if err := ada.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ended.Next(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("after the client's Close: %v", err)
	}
}

func TestNewDeviceIsAnEvent(t *testing.T) {
	s := clienttest.New(t)
	bob := connect(t, s, "bob")
	events, sub := hear(t, bob), subscribe(t, bob, chat.Lobby, NewOnly)
	ada := connect(t, s, "ada")
	send(t, ada, "from the first")
	expect(t, sub, "from the first")

	// The second device, in a profile of its own, asks to be linked.
	other := profile.Memory()
	address, err := device.Address(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := other.Deployment(address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(within(t), Options{URL: s.URL, User: "ada", Profile: other}, quick) // meets the service
	if !errors.Is(err, chat.NameTaken) {
		t.Fatalf("an unlinked device: %v", err)
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
	second := connect(t, s, "ada", with(other), func(d *dialling) { d.Link = token })
	send(t, second, "from the second")
	if m := next(t, sub); !m.NewDevice {
		t.Errorf("the message says nothing of it: %+v", m)
	}
	got := happens(t, events, func(NewDevice) bool { return true })
	if got.User != "ada" || got.Device != second.Device() || !slices.Equal(got.Known, []chat.Device{ada.Device()}) {
		t.Errorf("got %+v", got)
	}
	after, err := bob.Safety("ada")
	if err != nil || after.Safety == before.Safety || len(after.Theirs) != 2 {
		t.Errorf("the safety number stays: %v, %v", after, err)
	}
}

func TestSafetyNumbersAgree(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	if _, err := ada.Safety("bob"); !errors.Is(err, ErrNeverSeen) {
		t.Errorf("before the first message: %v", err)
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
		t.Errorf("ada has %s, bob %s", a, b)
	}
	if _, err := ada.Safety("ada"); !errors.Is(err, envelope.ErrSafety) {
		t.Errorf("with oneself: %v", err)
	}
}
