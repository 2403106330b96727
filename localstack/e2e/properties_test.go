package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// These are the promised properties, and the tests that show each on a whole
// stack. What one package promises alone is tested there: the cost of a send in
// shared/table (TestSendCost), slow connections in shared/post.
//
//	1  an acknowledged message is in    TestProperty1_TwentySendersLeaveNoGap, TestDataSurvivesADatabaseCrash,
//	   the log once, until it expires   TestARepeatedIDIsStoredOnce
//	2  all see the same order,          TestEveryUserOnEveryNodeSeesEachMessage, TestProperty2_PingFindsALostLastMessage
//	   without gaps
//	3  only recipients can read         TestProperty3_NobodyElseCanReadAMessage, TestEverythingIsEncryptedInTransit, script secrets
//	4  no message is decrypted or sent  TestProperty4_EveryInvocationTwice, TestProperty4_OneNonceOnce, script replay,
//	   in another's name                TestBreaches
//	5  nothing is sealed to a key       TestProperty5_NothingIsSealedToASupersededKey,
//	   that was rotated away            TestProperty5_ServerKeyRotationLosesNothing, script rotate
//	6  an instance may die any time     TestProperty6_ARepeatCompletesASendThatDied, TestCrashedNodeIsReplaced,
//	                                    TestUsersAreRoutedToAnotherNodeOnCrash, TestNewNodeGetsTheData
//	7  one client cannot slow down      TestProperty7_AStalledSocketInALargeRoom, TestTooManyFrames,
//	   the others                       TestFramesThatAreTooLarge

// TestProperty1_TwentySendersLeaveNoGap has twenty users send to one room at
// once. The seqs are 1 to n, and the database has one row for each message and
// one for each id, however often an append was retried.
func TestProperty1_TwentySendersLeaveNoGap(t *testing.T) {
	const senders, each = 20, 5
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("contended")
	users := openClients(ctx, t, s, room, senders)
	var sent acks
	var g errgroup.Group
	began := time.Now()
	for i, c := range users {
		g.Go(func() error {
			for n := range each {
				text := fmt.Sprintf("user %d says %d", i, n)
				ack, err := c.Send(ctx, room, text)
				if err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				sent.add(text, ack)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d senders: %.0f messages a second", senders, senders*each/time.Since(began).Seconds())
	log := wholeLog(ctx, t, users[0], room)
	if err := sent.check(log); err != nil || len(log) != senders*each {
		t.Fatalf("got a log of %d messages, want %d: %v", len(log), senders*each, err)
	}
	entries, ids := rowsOf(t, s, room)
	if entries != senders*each || ids != senders*each {
		t.Errorf("got %d rows of messages and %d of ids, want %d of each", entries, ids, senders*each)
	}
}

// rowsOf counts a room's rows in the table of messages: those of messages, and
// those of ids, which have seq 0.
func rowsOf(t testing.TB, s *stack, room chat.Room) (entries, ids int) {
	t.Helper()
	items, err := allItems(t.Context(), dynamodb.NewFromConfig(awsConfig(s.apis(t))))
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		table, line, _ := strings.Cut(item, " ")
		if !strings.Contains(table, "MessagesTable") {
			continue
		}
		var row struct {
			Log struct{ Value string } `json:"log"`
			Seq struct{ Value string } `json:"seq"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		switch {
		case !strings.HasPrefix(row.Log.Value, string(room)+"#"):
		case row.Seq.Value == "0":
			ids++
		default:
			entries++
		}
	}
	return entries, ids
}

// TestProperty2_PingFindsALostLastMessage loses the last message of a room on
// the way to a connection. No other message follows that would show the gap. A
// ping shows it, and history has the message.
func TestProperty2_PingFindsALostLastMessage(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("lost")
	ada := openClients(ctx, t, s, room, 1)[0]
	p := openSession(ctx, t, s, newUser(t, "unlucky"))
	p.enterRoom(room)

	s.injectFault(t, fault.Fault{Kind: fault.GatewayLimit, Target: connectionOf(t, s, string(p.user.name))})
	mustSend(ctx, t, ada, room, "the last message")
	s.waitIdle(t, sendFunction) // the post has failed for good
	if s.clearFaults(t).Faults[0].Struck == 0 {
		t.Fatal("the fault never struck, so no message was lost")
	}
	select {
	case f := <-p.frames:
		t.Fatalf("got the frame %s, want the message lost", f)
	default:
	}
	if head := p.heads()[room].Head; head != 1 {
		t.Fatalf("ping: got head %d, want 1", head)
	}
	p.sendFrame(frame.Request{Action: frame.ActionHistory, Room: room})
	page := expect[frame.History](p, frame.TypeHistory)
	if page.From != 1 || page.To != 1 || page.JWE == "" {
		t.Errorf("history: got %+v, want message 1", page)
	}
}

// TestProperty4_EveryInvocationTwice makes every invocation happen twice, on
// two instances at once, as it may on Lambda. It never causes two sessions or
// two messages.
func TestProperty4_EveryInvocationTwice(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("twice")
	p, users := openSession(ctx, t, s, newUser(t, "twin")), openClients(ctx, t, s, room, 2)
	s.injectFault(t, fault.Fault{Kind: fault.LambdaTwice})
	p.enterRoom(room)
	first := subscribeAll(t, users[1], room)
	var sent acks
	for i := range 6 {
		text := fmt.Sprint("sent once, received once: ", i)
		sent.add(text, mustSend(ctx, t, users[i%2], room, text))
	}
	if _, err := users[0].Rotate(ctx); err != nil {
		t.Error(err)
	}
	text := "after a rotation that was invoked twice"
	sent.add(text, mustSend(ctx, t, users[0], room, text))
	p.sendFrame(p.sealed(p.message(room, func(c *frame.MessageClaims) { c.Body = "by hand" })))
	ack := expect[frame.Ack](p, frame.TypeAck)
	sent.add("by hand", client.Ack{Epoch: ack.Epoch, Seq: ack.Seq, ID: ack.ID})
	for _, sub := range []*client.Subscription{first, subscribeAll(t, users[0], room)} {
		all, err := receiveMessages(ctx, sub, 8)
		if err := errors.Join(err, sent.check(all)); err != nil {
			t.Error(err)
		}
	}
	s.waitIdle(t, sendFunction)
	if s.clearFaults(t).Faults[0].Struck == 0 {
		t.Error("the fault never struck, so nothing was invoked twice")
	}
	if entries, ids := rowsOf(t, s, room); entries != 8 || ids != 8 {
		t.Errorf("got %d rows of messages and %d of ids, want 8 of each", entries, ids)
	}
}

// TestProperty4_OneNonceOnce wants one challenge to make one session, also when
// its proof comes from two connections and several times at once.
func TestProperty4_OneNonceOnce(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	u := newUser(t, "proven")
	p, thief := connect(ctx, t, s, u), connect(ctx, t, s, newUser(t, "thief"))
	p.begin()
	thief.user.name = u.name // the thief begins under the victim's name
	thief.begin()
	proof := p.proof(nil)
	for range 4 {
		thief.sendFrame(prove(proof))
		p.sendFrame(prove(proof))
	}
	sids := map[chat.Session]bool{}
	p.takeSession(expect[frame.Welcome](p, frame.TypeWelcome))
	sids[p.sid] = true
	first, err := thief.next(ctx)
	if err != nil || typeOf(first) != frame.TypeError {
		t.Errorf("a stolen proof: got %s, %v; want an error frame", first, err)
	}
	s.waitIdle(t, handshakeFunction) // every answer has been posted then
	for answers := len(p.frames); answers > 0; answers-- {
		if f := <-p.frames; typeOf(f) == frame.TypeWelcome {
			p.takeSession(decode[frame.Welcome](t, []byte(f)))
			sids[p.sid] = true
		}
	}
	if len(sids) != 1 {
		t.Errorf("got the sessions %v from one proof, want one", sids)
	}
	for answers := len(thief.frames); answers > 0; answers-- {
		if f := <-thief.frames; typeOf(f) != frame.TypeError {
			t.Errorf("a stolen proof: got %s, want an error frame", f)
		}
	}
	// A token of one session does not work in another of the same user.
	other := openSession(ctx, t, s, u)
	room := newRoom("stolen")
	other.enterRoom(room)
	captured := p.sealed(p.message(room, nil))
	other.mustRefuse(breach{"a token of another session", "session_mismatch", request(captured)})
	if entries, ids := rowsOf(t, s, room); entries+ids != 0 {
		t.Errorf("after a replayed token: got %d rows of messages and %d of ids, want none", entries, ids)
	}
}

// TestProperty6_ARepeatCompletesASendThatDied kills sends after their message
// was stored. The client's repeat completes the send: the message is stored
// once, acknowledged, and delivered to all.
func TestProperty6_ARepeatCompletesASendThatDied(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	for _, f := range []fault.Fault{
		{Kind: fault.LambdaLoseResponse, Target: sendFunction},
		{Kind: fault.DynamoDBLoseAnswer, Target: "TransactWriteItems", Table: tableNames(t, s).Messages},
		{Kind: fault.DynamoDBLateError, Target: "TransactWriteItems", Table: tableNames(t, s).Messages},
	} {
		t.Run(string(f.Kind), func(t *testing.T) {
			room := newRoom("half-done")
			users := openClients(ctx, t, s, room, 2)
			sub := subscribeAll(t, users[1], room)
			f.Count = 1
			s.injectFault(t, f)
			var sent acks
			for i := range 2 {
				text := fmt.Sprint("message ", i)
				sent.add(text, mustSend(ctx, t, users[0], room, text))
			}
			all, err := receiveMessages(ctx, sub, 2)
			if err := errors.Join(err, sent.check(all)); err != nil {
				t.Error(err)
			}
			if n := s.struck(t); n != 1 {
				t.Errorf("the fault struck %d times, want 1", n)
			}
			s.waitIdle(t, sendFunction)
			if entries, ids := rowsOf(t, s, room); entries != 2 || ids != 2 {
				t.Errorf("got %d rows of messages and %d of ids, want 2 of each", entries, ids)
			}
		})
	}

	// The instance dies between append and delivery. The message is delivered
	// by the repeat, whose ack says duplicate.
	t.Run("by hand", func(t *testing.T) {
		room := newRoom("died")
		bob := openClients(ctx, t, s, room, 1)[0]
		sub := subscribeAll(t, bob, room)
		p := openSession(ctx, t, s, newUser(t, "ada"))
		p.enterRoom(room)
		s.injectFault(t, fault.Fault{Kind: fault.GatewayLimit}) // no post gets through
		id := chat.MessageID(ulid.Make().String())
		f := p.sealed(p.message(room, func(c *frame.MessageClaims) { c.ID, c.Body = id, "stored, not delivered" }))
		p.sendFrame(f)
		waitUntil(t, "the message is stored",
			func() bool { entries, _ := rowsOf(t, s, room); return entries == 1 })
		if s.injectFault(t, fault.Fault{Kind: fault.LambdaKillNow, Target: sendFunction}) == 0 {
			t.Fatal("got no instance killed, want the one that posts")
		}
		s.waitIdle(t, sendFunction)
		s.clearFaults(t)
		p.sendFrame(f)
		if ack := expect[frame.Ack](p, frame.TypeAck); ack.Seq != 1 || !ack.Duplicate || ack.ID != id {
			t.Errorf("the repeat: got the ack %+v, want seq 1, id %s, duplicate", ack, id)
		}
		if all, err := receiveMessages(ctx, sub, 1); err != nil || all[0].Body != "stored, not delivered" {
			t.Errorf("bob received %+v, %v; want the stored message", all, err)
		}
	})
}
