package e2e

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// A hundred and ten connections are more than one instance posts to: the
// deliver function takes a part. Posts to one more connection hang; all others
// get every message, while the invocation that has to do with it still waits.
func TestProperty7_AStalledSocketInALargeRoom(t *testing.T) {
	const people, connections, messages = 5, 110, 3
	needsProcess(t)
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("large")
	sender := crowd(ctx, t, s, room, 1)[0]
	stalled := enter(ctx, t, s, newUser(t, "stalled"))
	stalled.say(join(room))
	expect[frame.Joined](stalled, frame.TypeJoined)

	users := make([]*user, people)
	for i := range users {
		users[i] = newUser(t, "member")
		p := enter(ctx, t, s, users[i]) // the first claims the name
		p.say(join(room))
		expect[frame.Joined](p, frame.TypeJoined)
		p.drop()
	}
	peers := make([]*peer, connections)
	for i := range peers {
		peers[i] = enter(ctx, t, s, users[i%people]) // enters its user's rooms
	}
	s.breaks(t, fault.Fault{
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
		t.Error("everybody waited for the stalled connection each time")
	}
	s.idle(t, sendFunction)
	s.idle(t, deliverFunction)
	if _, begun, _ := instances(s.logSince(mark), deliverFunction); begun < messages {
		t.Errorf("deliver was invoked %d times for %d messages", begun, messages)
	}
	if s.heals(t).Faults[0].Struck == 0 {
		t.Error("nobody was stalled")
	}
	t.Logf("%d of %d messages were with all %d others before the posts to the stalled one had ended",
		overtaken, messages, connections)
}
