package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Who is there, who types and who has read what, through functions that may do
// no more than the template's policies say.
func TestHintsReachTheRoomAndNobodyElse(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("hints")
	all := crowd(ctx, t, s, room, 2)
	a, b := all[0], all[1]
	outside := enter(ctx, t, s, newUser(t, "outside"))
	events := b.Events()
	defer events.Close()

	p, err := a.Presence(ctx, room)
	users := []chat.User{a.User(), b.User()}
	slices.Sort(users)
	if err != nil || !slices.Equal(p.Users, users) || p.More {
		t.Fatalf("in the room are %+v, %v, want %v", p, err, users)
	}
	want := []client.Event{
		client.Typing{Room: room, User: a.User()},
		client.Mark{Room: room, User: a.User(), Delivered: 2, Read: 1},
	}
	if err := a.Typing(ctx, room); err != nil {
		t.Fatal(err)
	}
	if err := a.Mark(ctx, room, 2, 1); err != nil {
		t.Fatal(err)
	}
	for len(want) > 0 { // in any order: each has a function of its own
		got, err := events.Next(ctx)
		if err != nil {
			t.Fatalf("still to come: %+v: %v", want, err)
		}
		i := slices.Index(want, got)
		if i < 0 {
			t.Fatalf("got %+v, want one of %+v", got, want)
		}
		want = slices.Delete(want, i, i+1)
	}
	// Nothing came to who is not in the room: the pong is the first frame.
	outside.say(frame.Request{Action: frame.ActionPing, Ref: "p"})
	text, err := outside.next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode[frame.Pong](t, []byte(text)); got.Type != frame.TypePong {
		t.Errorf("outside the room came %s", text)
	}
}

// A connection that a hint finds gone is in the room no longer, which takes a
// permission that nothing else of these functions needs.
func TestHintsRemoveWhoIsGone(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	there, gone := enter(ctx, t, s, newUser(t, "there")), enter(ctx, t, s, newUser(t, "gone"))
	rooms := map[chat.Room]frame.Request{
		newRoom("typing"): {Action: frame.ActionTyping}, newRoom("marks"): {
			Action:    frame.ActionMark,
			Delivered: 1,
			Read:      1,
		},
	}
	for room := range rooms {
		for _, p := range []*peer{there, gone} {
			p.say(join(room))
			expect[frame.Joined](p, frame.TypeJoined)
		}
	}
	s.breaks(t, fault.Fault{Kind: fault.GatewayGone, Target: connectionOf(t, s, string(gone.user.name))})
	for room, hint := range rooms {
		hint.Room = room
		for { // a connection that is seconds old is not believed to be gone
			there.say(hint)
			there.say(frame.Request{Action: frame.ActionPresence, Room: room})
			present := expect[frame.Presence](there, frame.TypePresence)
			if !slices.Contains(present.Users, gone.user.name) {
				break
			}
			select {
			case <-time.After(250 * time.Millisecond): // within the device's rate
			case <-ctx.Done():
				t.Fatalf("after %s the room still has %v", hint.Action, present.Users)
			}
		}
	}
}
