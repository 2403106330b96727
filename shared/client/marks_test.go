package client

import (
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

// asks counts the marks by which a client has asked for those of the others.
func asks(s *clienttest.Service) (n int) {
	for _, f := range s.Frames(frame.ActionMark) {
		if f.Delivered == 0 && f.Read == 0 {
			n++
		}
	}
	return n
}

// TestAnotherConnectionOfAUserGetsTheMarks connects a user twice. The others
// know the user, so only the question makes them repeat their marks.
func TestAnotherConnectionOfAUserGetsTheMarks(t *testing.T) {
	s := clienttest.New(t)
	keys := profile.Memory()
	ada, bob := connect(t, s, "ada", with(keys), hintEvery(0)), connect(t, s, "bob", hintEvery(0))
	atAda := eventsOf(t, ada)
	for c, seq := range map[*Client]chat.Seq{ada: 5, bob: 7} {
		if err := c.Mark(within(t), chat.Lobby, seq, seq); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, atAda, func(e Mark) bool { return e.User == "bob" && e.Read == 7 })

	second := connect(t, s, "ada", with(keys))
	for range 3 {
		if _, err := second.Presence(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
	}
	want := []Mark{
		{Room: chat.Lobby, User: "ada", Delivered: 5, Read: 5},
		{Room: chat.Lobby, User: "bob", Delivered: 7, Read: 7},
	}
	for ctx := within(t); !slices.Equal(second.Marks(chat.Lobby), want); {
		if err := wait(ctx, time.Millisecond); err != nil {
			t.Fatalf("the second connection has %+v, want %+v", second.Marks(chat.Lobby), want)
		}
	}
	if n := asks(s); n != 1 {
		t.Errorf("the second connection asked %d times, want once", n)
	}
	if marks := ada.Marks(chat.Lobby); len(marks) != 1 || marks[0].User != "bob" {
		t.Errorf("ada has the marks %+v, want bob's only", marks)
	}
}

// TestAskingForMarksIsAnsweredAtIntervals sends many questions.
func TestAskingForMarksIsAnsweredAtIntervals(t *testing.T) {
	s := clienttest.New(t)
	bob := connect(t, s, "bob", hintEvery(0), func(d *setup) { d.timing.presence = 100 * time.Millisecond })
	ada := connect(t, s, "ada", hintEvery(0))
	atAda := eventsOf(t, ada)
	if err := bob.Mark(within(t), chat.Lobby, 7, 7); err != nil {
		t.Fatal(err)
	}
	waitFor(t, atAda, func(e Mark) bool { return e.Read == 7 })
	before := len(s.Frames(frame.ActionMark))
	const questions = 200
	for range questions {
		session, err := ada.session(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := session.sendHint(frame.Request{Action: frame.ActionMark, Room: chat.Lobby}); err != nil {
			t.Fatal(err)
		}
	}
	// The first answer comes at once, and one more after the last question.
	for ctx := within(t); len(s.Frames(frame.ActionMark)) < before+questions+2; {
		if err := wait(ctx, time.Millisecond); err != nil {
			t.Fatal("timed out waiting for two answers: ", err)
		}
	}
	if n := len(s.Frames(frame.ActionMark)) - before - questions; n > questions/4 {
		t.Errorf("%d questions got %d answers, want far fewer", questions, n)
	}
}

// TestANewConnectionAsksAnew checks what a client does on its next connection:
// it repeats its marks, and asks again who is there and for the others' marks.
func TestANewConnectionAsksAnew(t *testing.T) {
	s := clienttest.New(t)
	restored := make(chan struct{}, 100)
	ada := connect(t, s, "ada", hintEvery(0), func(d *setup) {
		d.timing.reconnect = backoff{first: time.Millisecond, most: time.Millisecond}
		d.Notify = func(n Notice) {
			if n.Connected {
				restored <- struct{}{}
			}
		}
	})
	if err := ada.Mark(within(t), chat.Lobby, 3, 2); err != nil {
		t.Fatal(err)
	}
	told := func(marks, presence, questions int) {
		t.Helper()
		for ctx := within(t); ; {
			if _, err := ada.Presence(within(t), chat.Lobby); err != nil {
				t.Fatal(err)
			}
			m, p, q := len(s.Frames(frame.ActionMark)), len(s.Frames(frame.ActionPresence)), asks(s)
			if m-q == marks && p == presence && q == questions {
				return
			}
			if err := wait(ctx, time.Millisecond); err != nil {
				t.Fatalf("got %d marks, %d presence requests and %d questions; want %d, %d, %d", m-q, p, q,
					marks, presence, questions)
			}
		}
	}
	told(1, 1, 1)
	s.Disconnect()
	<-restored
	told(2, 2, 2)
}
