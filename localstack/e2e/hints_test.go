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

// TestHintsReachTheRoomAndNobodyElse sends presence, typing and mark through
// functions that have only the permissions of the template.
func TestHintsReachTheRoomAndNobodyElse(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("hints")
	all := openClients(ctx, t, s, room, 2)
	a, b := all[0], all[1]
	outside := openSession(ctx, t, s, newUser(t, "outside"))
	events := b.Events()
	defer events.Close()

	p, err := a.Presence(ctx, room)
	users := []chat.User{a.User(), b.User()}
	slices.Sort(users)
	if err != nil || !slices.Equal(p.Users, users) || p.More {
		t.Fatalf("presence: got %+v, %v; want %v", p, err, users)
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
	for len(want) > 0 { // in any order, since two functions send them
		got, err := events.Next(ctx)
		if err != nil {
			t.Fatalf("got %v, want the events %+v", err, want)
		}
		i := slices.Index(want, got)
		if i < 0 {
			t.Fatalf("got %+v, want one of %+v", got, want)
		}
		want = slices.Delete(want, i, i+1)
	}
	// The connection outside the room got nothing: the pong is its first frame.
	outside.sendFrame(frame.Request{Action: frame.ActionPing, Ref: "p"})
	text, err := outside.next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode[frame.Pong](t, []byte(text)); got.Type != frame.TypePong {
		t.Errorf("outside the room: got %s, want a pong", text)
	}
}

// TestHintsRemoveWhoIsGone wants typing and mark to remove the listener of a
// connection that is gone. These functions need a permission for it that
// nothing else uses.
func TestHintsRemoveWhoIsGone(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	there, gone := openSession(ctx, t, s, newUser(t, "there")), openSession(ctx, t, s, newUser(t, "gone"))
	rooms := map[chat.Room]frame.Request{
		newRoom("typing"): {Action: frame.ActionTyping}, newRoom("marks"): {
			Action:    frame.ActionMark,
			Delivered: 1,
			Read:      1,
		},
	}
	for room := range rooms {
		for _, p := range []*peer{there, gone} {
			p.enterRoom(room)
		}
	}
	s.injectFault(t, fault.Fault{Kind: fault.GatewayGone, Target: connectionOf(t, s, string(gone.user.name))})
	for room, hint := range rooms {
		hint.Room = room
		for { // a listener is removed only once its connection is some seconds old
			there.sendFrame(hint)
			there.sendFrame(frame.Request{Action: frame.ActionPresence, Room: room})
			present := expect[frame.Presence](there, frame.TypePresence)
			if !slices.Contains(present.Users, gone.user.name) {
				break
			}
			select {
			case <-time.After(250 * time.Millisecond): // below the device's rate
			case <-ctx.Done():
				t.Fatalf("after %s: got the users %v, want %s removed", hint.Action, present.Users,
					gone.user.name)
			}
		}
	}
}
