package e2e

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// An instance that starts after messages were sent knows them: it serves the
// history, and it sends on from where the log stands.
func TestNewNodeGetsTheData(t *testing.T) {
	needsProcess(t)
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("new-node")
	users := crowd(ctx, t, s, room, 2)
	var sent acks
	for i := range 5 {
		text := fmt.Sprint("before the new node ", i)
		sent.add(text, mustSend(ctx, t, users[0], room, text))
	}
	// An instance that dies at work is begun anew for the next invocation,
	// without an init duration in its report, as on AWS; so these die idle.
	s.idle(t, sendFunction)
	s.idle(t, historyFunction)
	if killed := s.breaks(t, fault.Fault{Kind: fault.LambdaKillNow}); killed == 0 {
		t.Fatal("no instance was there to be killed")
	}
	mark := s.stderr.Len()
	late := newName("late")
	newcomer, err := client.Open(ctx, client.Options{URL: s.webSocket, User: late})
	if err != nil {
		t.Fatal(err)
	}
	defer newcomer.Close()
	if state, err := newcomer.Join(ctx, room); err != nil || state.Head != 5 {
		t.Fatalf("the newcomer joined at %+v, %v", state, err)
	}
	heard, err := hear(ctx, follow(t, newcomer, room), 5)
	if err != nil {
		t.Fatal(err)
	}
	text := "from the new node"
	sent.add(text, mustSend(ctx, t, newcomer, room, text))
	if sent.of[text].Seq != 6 {
		t.Errorf("the new node appended at %d, want 6", sent.of[text].Seq)
	}
	all, err := hear(ctx, follow(t, users[1], room), 6)
	if err := errors.Join(err, sent.check(all), sameLog(heard, all[:min(5, len(all))])); err != nil {
		t.Error(err)
	}
	eventuallyTrue(t, "new instances have served history and send", func() bool {
		fetched, _, _ := instances(s.logSince(mark), historyFunction)
		sent, _, _ := instances(s.logSince(mark), sendFunction)
		return fetched > 0 && sent > 0
	})
}

// An instance that dies is replaced: before, during and after its work the
// killed process costs the user nothing but a repeated send, which the service
// knows for what it is.
func TestCrashedNodeIsReplaced(t *testing.T) {
	needsProcess(t)
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("replaced")
	users := crowd(ctx, t, s, room, 2)
	heard := follow(t, users[1], room)
	var sent acks
	say := func(text string) client.Ack {
		t.Helper()
		ack := mustSend(ctx, t, users[0], room, text)
		sent.add(text, ack)
		return ack
	}
	say("all is well")

	// Idle instances die: the next invocation gets a new one.
	s.idle(t, sendFunction)
	mark := s.stderr.Len()
	if killed := s.breaks(t, fault.Fault{Kind: fault.LambdaKillNow, Target: sendFunction}); killed == 0 {
		t.Fatal("no instance was there to be killed")
	}
	killed := time.Now()
	if say("after an idle instance died").Duplicate {
		t.Error("nothing had to be repeated")
	}
	t.Logf("from the kill of an idle instance to the ack of the next message: %v",
		time.Since(killed).Round(time.Millisecond))
	eventuallyTrue(t, "a new instance served it",
		func() bool { first, _, _ := instances(s.logSince(mark), sendFunction); return first > 0 })

	// Busy instances die, at each point at which one can. A send may be through
	// before kill-during strikes; then the next one meets it.
	for _, f := range []fault.Fault{
		{Kind: fault.LambdaKillBefore}, {Kind: fault.LambdaKillDuring, Delay: fault.Duration(3 * time.Millisecond)},
		{Kind: fault.LambdaKillAfter}, {Kind: fault.LambdaLoseResponse},
	} {
		s.idle(t, sendFunction)
		f.Target, f.Count = sendFunction, 1
		s.breaks(t, f)
		for n := 0; s.struck(t) == 0; n++ {
			mark, began := s.stderr.Len(), time.Now()
			say(fmt.Sprintf("despite %s, %d", f.Kind, n))
			t.Logf("%s: acked after %v", f.Kind, time.Since(began).Round(time.Millisecond))
			s.idle(t, sendFunction)
			if _, begun, _ := instances(s.logSince(mark), sendFunction); begun > 2 {
				t.Errorf("%s: %d invocations for one send, want at most one repeat", f.Kind, begun)
			}
		}
		s.heals(t)
	}
	all, err := hear(ctx, heard, sent.len())
	if err := errors.Join(err, sent.check(all)); err != nil {
		t.Error(err)
	}
}

// Fifty users send while at least four instances run beside each other, so what
// one user sends another hears through another instance. All see all, once, in
// one order.
func TestEveryUserOnEveryNodeSeesEachMessage(t *testing.T) {
	const people, each = 50, 1
	needsProcess(t)
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("everybody")
	users := crowd(ctx, t, s, room, people)
	s.breaks(t, fault.Fault{
		Kind:   fault.LambdaKillNow,
		Target: sendFunction,
	}) // so that every instance is one of this test's
	mark := s.stderr.Len()

	logs := make([][]client.Message, people)
	var listening errgroup.Group
	for i, c := range users {
		sub := follow(t, c, room)
		listening.Go(func() (err error) {
			if logs[i], err = hear(ctx, sub, people*each); err != nil {
				return fmt.Errorf("user %d: %w", i, err)
			}
			return nil
		})
	}
	var sent acks
	var sending errgroup.Group
	sending.SetLimit(8) // at once; the instances are as many
	for n := range each {
		for i, c := range users {
			sending.Go(func() error {
				text := fmt.Sprintf("user %d says %d", i, n)
				ack, err := c.Send(ctx, room, text)
				sent.add(text, ack)
				return err
			})
		}
	}
	if err := errors.Join(sending.Wait(), listening.Wait()); err != nil {
		t.Fatal(err)
	}
	if sent.len() != people*each {
		t.Errorf("%d messages were acknowledged", sent.len())
	}
	for i, log := range logs {
		if err := sent.check(log); err != nil {
			t.Errorf("user %d: %v", i, err)
		}
		if err := sameLog(logs[0], log); err != nil {
			t.Errorf("users 0 and %d: %v", i, err)
		}
		if err := users[i].Err(); err != nil {
			t.Errorf("user %d is gone: %v", i, err)
		}
	}
	eventuallyTrue(t, "four instances have served sends", func() bool {
		first, _, _ := instances(s.logSince(mark), sendFunction)
		return first >= 4
	})
	first, begun, _ := instances(s.logSince(mark), sendFunction)
	t.Logf("%d messages to %d users by %d invocations on %d instances", sent.len(), people, begun, first)
}

// Instances of every function die again and again, while users talk: their
// sockets stay open, since those are the gateway's, and each send goes to
// another instance until one has done it.
func TestUsersAreRoutedToAnotherNodeOnCrash(t *testing.T) {
	const people, each = 6, 8
	needsProcess(t)
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("rerouted")
	crowd(ctx, t, s, room, people) // has its keys then
	var lost atomic.Int64
	users := make([]*client.Client, people)
	for i := range users {
		var err error
		users[i], err = client.Open(ctx, client.Options{
			URL:     s.webSocket,
			User:    chat.User(fmt.Sprintf("crowd-%d", i)),
			Profile: profiles,
			Notify: func(n client.Notice) {
				if !n.Connected {
					lost.Add(1)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer users[i].Close()
	}
	logs := make([][]client.Message, people)
	var sent acks
	var sending, listening errgroup.Group
	for i, c := range users {
		sub := follow(t, c, room)
		listening.Go(func() (err error) { logs[i], err = hear(ctx, sub, people*each+1); return err })
		sending.Go(func() error {
			for n := range each {
				text := fmt.Sprintf("user %d says %d in spite of all", i, n)
				ack, err := c.Send(ctx, room, text)
				if err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				sent.add(text, ack)
			}
			return nil
		})
	}
	// Every few messages all instances die, busy or not.
	killed := 0
	for next := 0; sent.len() < people*each && ctx.Err() == nil; {
		if sent.len() >= next {
			killed += s.breaks(t, fault.Fault{Kind: fault.LambdaKillNow})
			next = sent.len() + 6
		}
		if !within(50*time.Millisecond, func() bool { return sent.len() >= next }) && !s.running() {
			t.Fatal("the stack has ended")
		}
	}
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
	// What an instance acknowledged and did not live to deliver shows by the
	// gap before the next message, or by the next ping.
	last := "the last word"
	sent.add(last, mustSend(ctx, t, users[0], room, last))
	if err := listening.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instances were killed while %d messages were sent", killed, sent.len())
	if killed < 4 {
		t.Errorf("only %d instances were there to be killed", killed)
	}
	if n := lost.Load(); n > 0 {
		t.Errorf("%d connections were lost", n)
	}
	for i, log := range logs {
		if err := errors.Join(sent.check(log), sameLog(logs[0], log)); err != nil {
			t.Errorf("user %d: %v", i, err)
		}
	}
}
