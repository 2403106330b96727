package e2e

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestProperty7_AStalledSocketInALargeRoom has a room of 110 connections. That
// is more than one instance posts to, so the deliver function takes a part.
// Posts to one more connection hang. All others get every message while the
// invocation that posts to the stalled one still waits.
func TestProperty7_AStalledSocketInALargeRoom(t *testing.T) {
	const people, connections, messages = 6, 110, 3
	needsProcess(t)
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("large")
	sender := openClients(ctx, t, s, room, 1)[0]
	stalled := openSession(ctx, t, s, newUser(t, "stalled"))
	stalled.enterRoom(room)

	users := make([]*user, people)
	for i := range users {
		users[i] = newUser(t, "member")
		p := openSession(ctx, t, s, users[i]) // claims the name
		p.enterRoom(room)
		p.drop()
	}
	peers := make([]*peer, connections)
	for i := range peers {
		peers[i] = openSession(ctx, t, s, users[i%people]) // subscribes to its user's rooms
	}
	s.injectFault(t, fault.Fault{
		Kind:   fault.GatewayDelay,
		Target: connectionOf(t, s, string(stalled.user.name)),
		Delay:  fault.Duration(chat.PingInterval),
	})

	mark, overtaken := s.stderr.Len(), 0
	for n := range messages {
		ack := mustSend(ctx, t, sender, room, fmt.Sprint("to everybody ", n))
		var g errgroup.Group
		for i, p := range peers {
			g.Go(func() error {
				text, err := p.receive(ctx, frame.TypeMessage)
				if err != nil {
					return fmt.Errorf("connection %d: %w", i, err)
				}
				if m := decode[frame.Message](t, []byte(text)); m.Seq != ack.Seq {
					return fmt.Errorf("connection %d got message %d, want %d", i, m.Seq, ack.Seq)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		log := s.logSince(mark)
		_, sendBegun, sendEnded := instances(log, sendFunction)
		_, deliverBegun, deliverEnded := instances(log, deliverFunction)
		if sendBegun+deliverBegun > sendEnded+deliverEnded {
			overtaken++
		}
	}
	if overtaken == 0 {
		t.Error("got no message delivered before the posts to the stalled connection ended, want at least one")
	}
	s.waitIdle(t, sendFunction)
	s.waitIdle(t, deliverFunction)
	if _, begun, _ := instances(s.logSince(mark), deliverFunction); begun < messages {
		t.Errorf("got %d invocations of deliver, want at least %d", begun, messages)
	}
	if s.clearFaults(t).Faults[0].Struck == 0 {
		t.Error("the fault never struck, so no connection was stalled")
	}
	t.Logf("%d of %d messages reached all %d other connections before the posts to the stalled one ended",
		overtaken, messages, connections)
}
