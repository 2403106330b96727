package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/table"
)

// TestDataSurvivesADatabaseCrash kills the whole stack, and with it the
// database, with kill -9 at random moments while users send. After each start
// every message that was ever acknowledged is in the log: once, in order,
// without a gap.
func TestDataSurvivesADatabaseCrash(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	const senders = 3
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := ownStack(t)
	room := newRoom("crashes")

	var sent acks
	for round := range rounds {
		users := openClients(ctx, t, s, room, senders)
		begin, goal := sent.len(), 1+random.IntN(20)
		var g errgroup.Group
		for i, c := range users {
			g.Go(func() error {
				for n := 0; ; n++ {
					text := fmt.Sprintf("round %d, user %d says %d", round, i, n)
					ack, err := c.Send(ctx, room, text)
					if errors.Is(err, client.ErrClosed) {
						return nil // the crash interrupted it: stored, or not
					}
					if err != nil {
						return fmt.Errorf("%s: %w", text, err)
					}
					sent.add(text, ack)
				}
			})
		}
		waitUntil(t, "enough messages are acknowledged", func() bool { return sent.len() >= begin+goal })
		time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond) // crash at a random point of the next sends
		s.kill()
		for _, c := range users {
			_ = c.Close()
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := s.start(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		reader := openClients(ctx, t, s, room, 1)[0]
		if err := sent.check(wholeLog(ctx, t, reader, room)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		_ = reader.Close()
	}
	t.Logf("%d messages were acknowledged in %d rounds; none was lost", sent.len(), rounds)
}

// wholeLog returns a room's log from its first message to its last.
func wholeLog(ctx context.Context, t testing.TB, c *client.Client, room chat.Room) []client.Message {
	t.Helper()
	state, err := enterAsClient(ctx, c, room)
	if err != nil {
		t.Fatal(err)
	}
	sub := subscribeAll(t, c, room)
	defer sub.Close()
	log, err := receiveMessages(ctx, sub, int(state.Head))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// tableNames returns the names of the template's tables.
func tableNames(t testing.TB, s *stack) (names table.Names) {
	t.Helper()
	needsAPIs(t, s)
	list, err := dynamodb.NewFromConfig(awsConfig(s.url)).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list.TableNames {
		for part, into := range map[string]*string{
			"Users": &names.Users, "Connections": &names.Connections, "Rooms": &names.Rooms,
			"Messages": &names.Messages, "Keys": &names.Keys,
		} {
			if strings.Contains(name, part+"Table") {
				*into = name
			}
		}
	}
	return names
}
