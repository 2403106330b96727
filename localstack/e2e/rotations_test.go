package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestProperty5_NothingIsSealedToASupersededKey rotates a device's key
// repeatedly while messages come. No message whose send began after a rotation
// was acknowledged is sealed to an older key.
func TestProperty5_NothingIsSealedToASupersededKey(t *testing.T) {
	const rotations = 6
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("rotating")
	users := openClients(ctx, t, s, room, 3)
	p := openSession(ctx, t, s, newUser(t, "rotator"))
	p.enterRoom(room)

	keys := []*envelope.DecryptionKey{p.user.opening}
	for range rotations {
		keys = append(keys, newDecryptionKey(t))
	}
	var acked atomic.Int64  // generations, from 0, that the service has acknowledged
	var atLeast generations // acknowledged when each message's send began
	var stop atomic.Bool
	var sending errgroup.Group
	for i, c := range users {
		sending.Go(func() error {
			for n := 0; !stop.Load(); n++ {
				gen := acked.Load()
				ack, err := c.Send(ctx, room, fmt.Sprintf("user %d says %d", i, n))
				if err != nil {
					return err
				}
				atLeast.set(ack.Seq, gen)
			}
			return nil
		})
	}
	sealedTo := map[chat.Seq][]string{} // the kids of each message
	take := func(text string) {
		m := decode[frame.Message](t, []byte(text))
		sealed, err := envelope.ParseSealed(m.JWE, envelope.TypeSealedMessage)
		if err != nil {
			t.Fatal(err)
		}
		sealedTo[m.Seq] = append(sealedTo[m.Seq], sealed.KID)
	}
	for gen := 1; gen <= rotations; gen++ {
		p.user.opening = keys[gen]
		p.sendFrame(frame.Request{Action: frame.ActionRotateKey, Proof: p.sign(envelope.TypeRotate, frame.RotateClaims{
			SID: p.sid,
			Enc: keys[gen].Public().JWK(),
			Gen: int64(gen + 1),
		})})
		for rotated, since := false, 0; !rotated || since < 4; { // receive a few messages after each rotation
			text, err := p.next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			switch typeOf(text) {
			case frame.TypeRotated:
				rotated = true
				acked.Store(int64(gen))
			case frame.TypeMessage:
				take(text)
				if rotated {
					since++
				}
			default:
				t.Fatalf("got %s, want rotated or message", text)
			}
		}
	}
	stop.Store(true)
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
	last := users[0]
	final := mustSend(ctx, t, last, room, "the last one")
	atLeast.set(final.Seq, rotations)
	for len(sealedTo) < int(final.Seq) {
		text, err := p.receive(ctx, frame.TypeMessage)
		if err != nil {
			t.Fatal(err)
		}
		take(text)
	}
	generation := map[string]int64{}
	for gen, key := range keys {
		generation[key.Thumbprint()] = int64(gen)
	}
	superseded := 0
	for seq, kids := range sealedTo {
		for _, kid := range kids {
			gen, known := generation[kid]
			if !known || gen < atLeast.of(seq) {
				t.Errorf("message %d: got it sealed to generation %d (known: %v), want at least %d, acknowledged before the send", seq, gen, known, atLeast.of(seq))
			}
			if gen < rotations {
				superseded++
			}
		}
	}
	if superseded == 0 {
		t.Error("no message came before the last rotation, so the test proves nothing")
	}
	t.Logf("%d messages under %d generations", final.Seq, rotations+1)
}

// generations holds the least generation that each message may be sealed to.
type generations struct {
	mu  sync.Mutex
	gen map[chat.Seq]int64
}

func (g *generations) set(seq chat.Seq, gen int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gen == nil {
		g.gen = map[chat.Seq]int64{}
	}
	g.gen[seq] = gen
}

func (g *generations) of(seq chat.Seq) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gen[seq]
}

// TestProperty5_ServerKeyRotationLosesNothing rotates the server key while
// users send. Clients follow, and no message is lost or stored twice.
func TestProperty5_ServerKeyRotationLosesNothing(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("serverkeys")
	users := openClients(ctx, t, s, room, 4)
	before := openSession(ctx, t, s, newUser(t, "before"))
	var sent acks
	var stop atomic.Bool
	var sending errgroup.Group
	for i, c := range users {
		sending.Go(func() error {
			for n := 0; !stop.Load(); n++ {
				text := fmt.Sprintf("user %d says %d while keys change", i, n)
				ack, err := c.Send(ctx, room, text)
				if err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				sent.add(text, ack)
			}
			return nil
		})
	}
	functions := lambda.NewFromConfig(awsConfig(s.apis(t)))
	for range 3 {
		goal := sent.len() + 6
		answer, err := functions.Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String(rotateFunction),
			Payload:      []byte(`{}`),
		})
		if err != nil || answer.FunctionError != nil {
			t.Fatalf("rotate the server key: got %+v, %v; want no error", answer, err)
		}
		waitUntil(t, "more messages are acknowledged", func() bool { return sent.len() >= goal })
	}
	stop.Store(true)
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, c := range users {
		log := wholeLog(ctx, t, c, room)
		if err := sent.check(log); err != nil || len(log) != sent.len() {
			t.Errorf("got %d messages, want %d: %v", len(log), sent.len(), err)
		}
	}
	after := openSession(ctx, t, s, newUser(t, "after"))
	if after.server.Thumbprint() == before.server.Thumbprint() {
		t.Error("got the same server key after the rotations, want another")
	}
	t.Logf("%d messages in three rotations", sent.len())
}
