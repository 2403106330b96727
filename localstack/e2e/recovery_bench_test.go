package e2e

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/table"
)

// BenchmarkKillToNextMessage measures how long a user waits after the kill of
// an instance: from the kill of all idle instances of sendMessage, or of a busy
// one, to the ack of the next message, cold start included.
func BenchmarkKillToNextMessage(b *testing.B) {
	for _, f := range []fault.Fault{{Kind: fault.LambdaKillNow}, {Kind: fault.LambdaKillBefore, Count: 1}} {
		f.Target = sendFunction
		b.Run(string(f.Kind), func(b *testing.B) {
			s, ctx := sharedStack(b), b.Context()
			name := newRoom("killed")
			c := openClients(ctx, b, s, name, 1)[0]
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				mustSend(ctx, b, c, name, "an instance is warm")
				s.waitIdle(b, sendFunction)
				s.injectFault(b, f)
				b.StartTimer()
				mustSend(ctx, b, c, name, fmt.Sprint("after kill ", n))
			}
		})
	}
}

// BenchmarkContendedRoom measures how many messages a second one room takes
// from twenty users. Each sends again as soon as its last message is
// acknowledged, and each message is delivered to all twenty. Twenty users may
// send 50 a second.
func BenchmarkContendedRoom(b *testing.B) {
	const senders = 20
	s, ctx := sharedStack(b), b.Context()
	name := newRoom("contended")
	users := openClients(ctx, b, s, name, senders)
	turns := make(chan int, senders)
	var g errgroup.Group
	for i, c := range users {
		g.Go(func() error {
			for n := range turns {
				if _, err := c.Send(ctx, name, fmt.Sprintf("user %d says %d", i, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.ResetTimer()
	for n := range b.N {
		turns <- n
	}
	close(turns)
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkRecovery measures how long the stack takes from kill -9 until it is
// ready, by the number of messages in its database. ready-s is the whole start;
// with an empty database it is the part that is not recovery.
func BenchmarkRecovery(b *testing.B) {
	for _, messages := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("messages=%d", messages), func(b *testing.B) {
			s := ownStack(b)
			fill(b, s, messages)
			for b.Loop() {
				b.StopTimer()
				s.kill()
				b.StartTimer()
				if err := s.start(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "ready-s")
		})
	}
}

// fill appends messages of 1.5 KB, the stored size of a text of 1 KB, to ten
// rooms through shared/table.
func fill(b *testing.B, s *stack, messages int) {
	const rooms = 10
	store := table.New(dynamodb.NewFromConfig(awsConfig(s.url)), tableNames(b, s), nil)
	var g errgroup.Group
	for i := range rooms {
		g.Go(func() error {
			sealed := make([]byte, 1500)
			_, _ = rand.Read(sealed) // never fails
			for seq := range messages / rooms {
				err := store.Append(b.Context(), &room.Entry{
					Room:      chat.Room(fmt.Sprint("filled-", i)),
					Epoch:     "epoch",
					Seq:       chat.Seq(seq + 1),
					ID:        chat.MessageID(rand.Text()),
					User:      "ada",
					Device:    "device",
					SenderKey: sealed[:32],
					StoredAt:  time.Now(),
					Expires:   time.Now().Add(time.Hour),
					DataKey:   "1",
					Sealed:    sealed,
				}, 0, nil)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}
