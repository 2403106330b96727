package e2e

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/client"
)

// TestNewNodeGetsTheData wants an instance that starts after messages were sent
// to know them: it serves the history, and appends after the last message.
func TestNewNodeGetsTheData(t *testing.T) {
	needsProcess(t)
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("new-node")
	users := openClients(ctx, t, s, room, 2)
	var sent acks
	for i := range 5 {
		text := fmt.Sprint("before the new node ", i)
		sent.add(text, mustSend(ctx, t, users[0], room, text))
	}
	// An instance that dies during an invocation is restarted for the next one,
	// without an init duration in its report, as on AWS. So these die while
	// idle.
	s.waitIdle(t, sendFunction)
	s.waitIdle(t, historyFunction)
	if killed := s.injectFault(t, fault.Fault{Kind: fault.LambdaKillNow}); killed == 0 {
		t.Fatal("got no instance killed, want at least one")
	}
	mark := s.stderr.Len()
	late := newName("late")
	newcomer, err := client.Open(ctx, client.Options{URL: s.webSocket, User: late})
	if err != nil {
		t.Fatal(err)
	}
	defer newcomer.Close()
	if state, err := newcomer.Join(ctx, room); err != nil || state.Head != 5 {
		t.Fatalf("join: got %+v, %v; want head 5", state, err)
	}
	received, err := receiveMessages(ctx, subscribeAll(t, newcomer, room), 5)
	if err != nil {
		t.Fatal(err)
	}
	text := "from the new node"
	sent.add(text, mustSend(ctx, t, newcomer, room, text))
	if sent.of[text].Seq != 6 {
		t.Errorf("the new instance appended at seq %d, want 6", sent.of[text].Seq)
	}
	all, err := receiveMessages(ctx, subscribeAll(t, users[1], room), 6)
	if err := errors.Join(err, sent.check(all), sameLog(received, all[:min(5, len(all))])); err != nil {
		t.Error(err)
	}
	waitUntil(t, "new instances have served history and send", func() bool {
		fetched, _, _ := instances(s.logSince(mark), historyFunction)
		sent, _, _ := instances(s.logSince(mark), sendFunction)
		return fetched > 0 && sent > 0
	})
}

// TestCrashedNodeIsReplaced kills an instance before, during and after an
// invocation. It costs the user at most a repeated send, which the service
// recognizes by its id.
func TestCrashedNodeIsReplaced(t *testing.T) {
	needsProcess(t)
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("replaced")
	users := openClients(ctx, t, s, room, 2)
	sub := subscribeAll(t, users[1], room)
	var sent acks
	sendText := func(text string) client.Ack {
		t.Helper()
		ack := mustSend(ctx, t, users[0], room, text)
		sent.add(text, ack)
		return ack
	}
	sendText("before any fault")

	// Kill idle instances: the next invocation gets a new one.
	s.waitIdle(t, sendFunction)
	mark := s.stderr.Len()
	if killed := s.injectFault(t, fault.Fault{Kind: fault.LambdaKillNow, Target: sendFunction}); killed == 0 {
		t.Fatal("got no instance killed, want at least one")
	}
	killed := time.Now()
	if sendText("after an idle instance died").Duplicate {
		t.Error("got a duplicate ack, want the first send to succeed")
	}
	t.Logf("from the kill of an idle instance to the ack of the next message: %v",
		time.Since(killed).Round(time.Millisecond))
	waitUntil(t, "a new instance served it",
		func() bool { first, _, _ := instances(s.logSince(mark), sendFunction); return first > 0 })

	// Kill busy instances at each point. A send may finish before kill-during
	// strikes; then the next one meets it.
	for _, f := range []fault.Fault{
		{Kind: fault.LambdaKillBefore}, {Kind: fault.LambdaKillDuring, Delay: fault.Duration(3 * time.Millisecond)},
		{Kind: fault.LambdaKillAfter}, {Kind: fault.LambdaLoseResponse},
	} {
		s.waitIdle(t, sendFunction)
		f.Target, f.Count = sendFunction, 1
		s.injectFault(t, f)
		for n := 0; s.struck(t) == 0; n++ {
			mark, began := s.stderr.Len(), time.Now()
			sendText(fmt.Sprintf("despite %s, %d", f.Kind, n))
			t.Logf("%s: acked after %v", f.Kind, time.Since(began).Round(time.Millisecond))
			s.waitIdle(t, sendFunction)
			if _, begun, _ := instances(s.logSince(mark), sendFunction); begun > 2 {
				t.Errorf("%s: got %d invocations for one send, want at most 2", f.Kind, begun)
			}
		}
		s.clearFaults(t)
	}
	all, err := receiveMessages(ctx, sub, sent.len())
	if err := errors.Join(err, sent.check(all)); err != nil {
		t.Error(err)
	}
}

// TestEveryUserOnEveryNodeSeesEachMessage has fifty users send while at least
// four instances run, so a message often comes from another instance than the
// recipient's own sends. All users get all messages, once, in one order.
func TestEveryUserOnEveryNodeSeesEachMessage(t *testing.T) {
	const people, each = 50, 1
	needsProcess(t)
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("everybody")
	users := openClients(ctx, t, s, room, people)
	s.injectFault(t, fault.Fault{
		Kind:   fault.LambdaKillNow,
		Target: sendFunction,
	}) // every instance counted below starts in this test
	mark := s.stderr.Len()

	logs := make([][]client.Message, people)
	var listening errgroup.Group
	for i, c := range users {
		sub := subscribeAll(t, c, room)
		listening.Go(func() (err error) {
			if logs[i], err = receiveMessages(ctx, sub, people*each); err != nil {
				return fmt.Errorf("user %d: %w", i, err)
			}
			return nil
		})
	}
	var sent acks
	var sending errgroup.Group
	sending.SetLimit(8) // sends at once, and so at most as many instances
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
		t.Errorf("got %d acks, want %d", sent.len(), people*each)
	}
	for i, log := range logs {
		if err := sent.check(log); err != nil {
			t.Errorf("user %d: %v", i, err)
		}
		if err := sameLog(logs[0], log); err != nil {
			t.Errorf("users 0 and %d: %v", i, err)
		}
		if err := users[i].Err(); err != nil {
			t.Errorf("user %d: the client ended with %v, want it open", i, err)
		}
	}
	waitUntil(t, "four instances have served sends", func() bool {
		first, _, _ := instances(s.logSince(mark), sendFunction)
		return first >= 4
	})
	first, begun, _ := instances(s.logSince(mark), sendFunction)
	t.Logf("%d messages to %d users by %d invocations on %d instances", sent.len(), people, begun, first)
}

// TestUsersAreRoutedToAnotherNodeOnCrash kills instances of every function
// every few messages while users chat. The sockets stay open, since the gateway
// holds them, and each send is retried on other instances until it succeeds.
func TestUsersAreRoutedToAnotherNodeOnCrash(t *testing.T) {
	const people, each = 6, 8
	needsProcess(t)
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("rerouted")
	openClients(ctx, t, s, room, people) // makes the keys
	var lost atomic.Int64
	users := make([]*client.Client, people)
	for i := range users {
		var err error
		users[i], err = client.Open(ctx, client.Options{
			URL:     s.webSocket,
			User:    clientName(i),
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
		sub := subscribeAll(t, c, room)
		listening.Go(func() (err error) { logs[i], err = receiveMessages(ctx, sub, people*each+1); return err })
		sending.Go(func() error {
			for n := range each {
				text := fmt.Sprintf("user %d says %d despite the kills", i, n)
				ack, err := c.Send(ctx, room, text)
				if err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				sent.add(text, ack)
			}
			return nil
		})
	}
	// Every few messages kill all instances, busy or not.
	killed := 0
	for next := 0; sent.len() < people*each && ctx.Err() == nil; {
		if sent.len() >= next {
			killed += s.injectFault(t, fault.Fault{Kind: fault.LambdaKillNow})
			next = sent.len() + 6
		}
		if !within(50*time.Millisecond, func() bool { return sent.len() >= next }) && !s.running() {
			t.Fatal("the stack has exited")
		}
	}
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
	// A message that was acknowledged and not delivered shows by the gap before
	// the next message, or by the next ping.
	last := "the last message"
	sent.add(last, mustSend(ctx, t, users[0], room, last))
	if err := listening.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instances were killed while %d messages were sent", killed, sent.len())
	if killed < 4 {
		t.Errorf("got %d instances killed, want at least 4", killed)
	}
	if n := lost.Load(); n > 0 {
		t.Errorf("got %d lost connections, want none", n)
	}
	for i, log := range logs {
		if err := errors.Join(sent.check(log), sameLog(logs[0], log)); err != nil {
			t.Errorf("user %d: %v", i, err)
		}
	}
}
