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

// The properties that must hold, and the tests that show each with everything
// running. What one package keeps by itself is tested there: the cost of a send
// in shared/table (TestSendCost), slow connections in shared/post.
//
//	1  an acknowledged message is in    TestProperty1_TwentySendersLeaveNoGap, TestDataSurvivesADatabaseCrash,
//	   the log for good, exactly once   TestARepeatedIDIsStoredOnce
//	2  everybody sees the same order,   TestEveryUserOnEveryNodeSeesEachMessage, TestProperty2_PingFindsALostLastMessage
//	   without gaps
//	3  only recipients can read         TestProperty3_NobodyElseCanReadAMessage, TestEverythingIsEncryptedInTransit, script secrets
//	4  nobody is decrypted or sent in   TestProperty4_EveryInvocationTwice, TestProperty4_OneNonceOnce, script replay,
//	   another's name                   TestBreaches
//	5  nothing is sealed to a key that  TestProperty5_NothingIsSealedToASupersededKey,
//	   was rotated away                 TestProperty5_ServerKeyRotationLosesNothing, script rotate
//	6  an instance may die anywhere     TestProperty6_ARepeatCompletesASendThatDied, TestCrashedNodeIsReplaced,
//	                                    TestUsersAreRoutedToAnotherNodeOnCrash, TestNewNodeGetsTheData
//	7  one client costs the others      TestProperty7_AStalledSocketInALargeRoom, TestTooManyFrames,
//	   nothing                          TestFramesThatAreTooLarge

// Twenty users send to one room at once: the seqs are 1 to n, and the database
// has one row for each message and one for each id, however often an append had
// to be tried.
func TestProperty1_TwentySendersLeaveNoGap(t *testing.T) {
	const senders, each = 20, 5
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("contended")
	users := crowd(ctx, t, s, room, senders)
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
		t.Fatalf("the log has %d messages, want %d: %v", len(log), senders*each, err)
	}
	entries, ids := rowsOf(t, s, room)
	if entries != senders*each || ids != senders*each {
		t.Errorf("%d rows of messages and %d of ids, want %d of each", entries, ids, senders*each)
	}
}

// rowsOf counts a room's rows in the table of messages: those of messages and
// those of ids, which all have seq 0.
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

// The last message of a room does not reach a connection, and no other follows
// that would show the gap: a ping does, and history has it.
func TestProperty2_PingFindsALostLastMessage(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("lost")
	ada := crowd(ctx, t, s, room, 1)[0]
	p := enter(ctx, t, s, newUser(t, "unlucky"))
	p.say(join(room))
	expect[frame.Joined](p, frame.TypeJoined)

	s.breaks(t, fault.Fault{Kind: fault.GatewayLimit, Target: connectionOf(t, s, string(p.user.name))})
	mustSend(ctx, t, ada, room, "the last message")
	s.idle(t, sendFunction) // it has given up
	if s.heals(t).Faults[0].Struck == 0 {
		t.Fatal("nothing was lost")
	}
	select {
	case f := <-p.frames:
		t.Fatalf("it was not lost: %s", f)
	default:
	}
	if head := p.heads()[room].Head; head != 1 {
		t.Fatalf("the ping shows head %d, want 1", head)
	}
	p.say(frame.Request{Action: frame.ActionHistory, Room: room})
	page := expect[frame.History](p, frame.TypeHistory)
	if page.From != 1 || page.To != 1 || page.JWE == "" {
		t.Errorf("the history is %+v", page)
	}
}

// Everything that invokes a function happens twice, on two instances at once,
// as it may on Lambda: nobody gets two sessions or two messages of it.
func TestProperty4_EveryInvocationTwice(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("twice")
	p, users := enter(ctx, t, s, newUser(t, "twin")), crowd(ctx, t, s, room, 2)
	s.breaks(t, fault.Fault{Kind: fault.LambdaTwice})
	p.say(join(room))
	expect[frame.Joined](p, frame.TypeJoined)
	heard := follow(t, users[1], room)
	var sent acks
	for i := range 6 {
		text := fmt.Sprint("said once, heard once: ", i)
		sent.add(text, mustSend(ctx, t, users[i%2], room, text))
	}
	if _, err := users[0].Rotate(ctx); err != nil {
		t.Error(err)
	}
	text := "after a rotation that came twice"
	sent.add(text, mustSend(ctx, t, users[0], room, text))
	p.say(p.sealed(p.message(room, func(c *frame.MessageClaims) { c.Body = "by hand" })))
	ack := expect[frame.Ack](p, frame.TypeAck)
	sent.add("by hand", client.Ack{Epoch: ack.Epoch, Seq: ack.Seq, ID: ack.ID})
	for _, sub := range []*client.Subscription{heard, follow(t, users[0], room)} {
		all, err := hear(ctx, sub, 8)
		if err := errors.Join(err, sent.check(all)); err != nil {
			t.Error(err)
		}
	}
	s.idle(t, sendFunction)
	if s.heals(t).Faults[0].Struck == 0 {
		t.Error("nothing was done twice")
	}
	if entries, ids := rowsOf(t, s, room); entries != 8 || ids != 8 {
		t.Errorf("%d rows of messages and %d of ids, want 8 of each", entries, ids)
	}
}

// One challenge makes one session, also when its proof comes from two
// connections and more than once at the same time.
func TestProperty4_OneNonceOnce(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	u := newUser(t, "proven")
	p, thief := connect(ctx, t, s, u), connect(ctx, t, s, newUser(t, "thief"))
	p.begin()
	thief.user.name = u.name // who begins under the victim's name
	thief.begin()
	proof := p.proof(nil)
	for range 4 {
		thief.say(prove(proof))
		p.say(prove(proof))
	}
	sids := map[chat.Session]bool{}
	p.enterWith(expect[frame.Welcome](p, frame.TypeWelcome))
	sids[p.sid] = true
	first, err := thief.next(ctx)
	if err != nil || typeOf(first) != frame.TypeError {
		t.Errorf("a stolen proof was answered with %s, %v", first, err)
	}
	s.idle(t, handshakeFunction) // so every answer has been posted
	for answers := len(p.frames); answers > 0; answers-- {
		if f := <-p.frames; typeOf(f) == frame.TypeWelcome {
			p.enterWith(decode[frame.Welcome](t, []byte(f)))
			sids[p.sid] = true
		}
	}
	if len(sids) != 1 {
		t.Errorf("one proof made the sessions %v", sids)
	}
	for answers := len(thief.frames); answers > 0; answers-- {
		if f := <-thief.frames; typeOf(f) != frame.TypeError {
			t.Errorf("a stolen proof was answered with %s", f)
		}
	}
	// Nor does a token of one session serve another of the same user.
	other := enter(ctx, t, s, u)
	room := newRoom("stolen")
	other.say(join(room))
	expect[frame.Joined](other, frame.TypeJoined)
	captured := p.sealed(p.message(room, nil))
	other.refused(breach{"a token of another session", "session_mismatch", request(captured)})
	if entries, ids := rowsOf(t, s, room); entries+ids != 0 {
		t.Errorf("a replayed token left %d rows of messages and %d of ids", entries, ids)
	}
}

// A send dies after its message was stored, wherever that is: the client's
// repeat completes it, so that it is stored once, acknowledged, and delivered
// to everybody.
func TestProperty6_ARepeatCompletesASendThatDied(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	for _, f := range []fault.Fault{
		{Kind: fault.LambdaLoseResponse, Target: sendFunction},
		{Kind: fault.DynamoDBLoseAnswer, Target: "TransactWriteItems", Table: tableNames(t, s).Messages},
		{Kind: fault.DynamoDBLateError, Target: "TransactWriteItems", Table: tableNames(t, s).Messages},
	} {
		t.Run(string(f.Kind), func(t *testing.T) {
			room := newRoom("half-done")
			users := crowd(ctx, t, s, room, 2)
			heard := follow(t, users[1], room)
			f.Count = 1
			s.breaks(t, f)
			var sent acks
			for i := range 2 {
				text := fmt.Sprint("message ", i)
				sent.add(text, mustSend(ctx, t, users[0], room, text))
			}
			all, err := hear(ctx, heard, 2)
			if err := errors.Join(err, sent.check(all)); err != nil {
				t.Error(err)
			}
			if n := s.struck(t); n != 1 {
				t.Errorf("the fault struck %d times", n)
			}
			s.idle(t, sendFunction)
			if entries, ids := rowsOf(t, s, room); entries != 2 || ids != 2 {
				t.Errorf("%d rows of messages and %d of ids, want 2 of each", entries, ids)
			}
		})
	}

	// The instance dies between append and delivery: nobody has the message
	// until the repeat, which says that it is one.
	t.Run("by hand", func(t *testing.T) {
		room := newRoom("died")
		bob := crowd(ctx, t, s, room, 1)[0]
		heard := follow(t, bob, room)
		p := enter(ctx, t, s, newUser(t, "ada"))
		p.say(join(room))
		expect[frame.Joined](p, frame.TypeJoined)
		s.breaks(t, fault.Fault{Kind: fault.GatewayLimit}) // no post gets through
		id := chat.MessageID(ulid.Make().String())
		f := p.sealed(p.message(room, func(c *frame.MessageClaims) { c.ID, c.Body = id, "in spite of all" }))
		p.say(f)
		eventuallyTrue(t, "the message is stored",
			func() bool { entries, _ := rowsOf(t, s, room); return entries == 1 })
		if s.breaks(t, fault.Fault{Kind: fault.LambdaKillNow, Target: sendFunction}) == 0 {
			t.Fatal("the instance was gone already")
		}
		s.idle(t, sendFunction)
		s.heals(t)
		p.say(f)
		if ack := expect[frame.Ack](p, frame.TypeAck); ack.Seq != 1 || !ack.Duplicate || ack.ID != id {
			t.Errorf("the repeat was acknowledged with %+v", ack)
		}
		if all, err := hear(ctx, heard, 1); err != nil || all[0].Body != "in spite of all" {
			t.Errorf("bob heard %+v, %v", all, err)
		}
	})
}
