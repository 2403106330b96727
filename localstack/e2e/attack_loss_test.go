package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Vulnerability: one command deleted a table, and with it every name, message
// or key. Attack: mallory has an operator's credentials and deletes all tables.
// This verifies that DynamoDB refuses to delete the tables with lasting rows.
func TestAttackOneCommandDeletesTheTables(t *testing.T) {
	s, ctx := attackedStack(t), testContext(t)
	db := dynamodb.NewFromConfig(awsConfig(s.url))
	for _, id := range []string{"UsersTable", "MembershipsTable", "RoomsTable", "MessagesTable", "KeysTable"} {
		table := tableNamed(ctx, t, db, id)
		_, err := db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
		if err == nil || !strings.Contains(err.Error(), "deletion protection") {
			t.Errorf("DeleteTable of %s: got error %v, want a refusal because of deletion protection", id, err)
		}
		if _, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table}); err != nil {
			t.Errorf("DescribeTable of %s after that: got error %v, want none", id, err)
		}
	}
}

// Vulnerability: the invocations of $disconnect shared the account's
// concurrency with everything else, so many connections that ended at once made
// other users' sends fail.
// Attack: mallory opens as many connections as functions may run at once and
// closes all of them, while their rows take long to remove.
// This verifies that a send gets its ack meanwhile, with SendConcurrency and
// DisconnectConcurrency set as infra/README.md says.
func TestAttackClosingConnectionsStopsSends(t *testing.T) {
	const connections = 1000 // the concurrency of an account (Lambda quotas)
	s := attackedStack(t, "-parameter", "SendConcurrency=50", "-parameter", "DisconnectConcurrency=20")
	ctx := testContext(t)
	victim := openSession(ctx, t, s, newUser(t, "victim"))
	s.injectFault(t, fault.Fault{
		Kind:   fault.LambdaHold,
		Target: "local-DisconnectFunction",
		Delay:  fault.Duration(10 * time.Minute),
	})

	var open errgroup.Group
	open.SetLimit(20)
	sockets := make([]*socket, connections)
	for i := range sockets {
		open.Go(func() (err error) {
			sockets[i], err = openSocket(ctx, s.webSocket)
			return err
		})
	}
	if err := open.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, mallory := range sockets {
		mallory.drop()
	}
	waitUntil(t, "invocations of $disconnect are held", func() bool { return s.struck(t) >= 20 })
	for range 3 {
		victim.sendFrame(victim.sealed(victim.message("lobby", nil)))
		expect[frame.Ack](victim, frame.TypeAck)
	}
}

// Vulnerability: frames of strangers were accepted as fast as they came, and
// each cost an invocation. Attack: mallory, without a handshake, floods
// $default and then handshake. The third refusal closes a connection to
// $default, so there are many. This verifies that API Gateway refuses what
// exceeds the limits of these routes without an invocation, and that a user
// with a session still sends.
func TestAttackStrangersFloodFunctions(t *testing.T) {
	s, ctx := attackedStack(t, "-parameter", "HandshakesPerSecond=5"), testContext(t)
	victim := openSession(ctx, t, s, newUser(t, "victim"))
	for _, test := range []struct {
		name, frame string
		connections int
	}{
		{"$default", `{"action":"none"}`, 60},
		{"handshake", encode(t, begin("mallory")), 2},
	} {
		mallories := make([]*peer, test.connections)
		for i := range mallories {
			mallories[i] = connect(ctx, t, s, newUser(t, "mallory"))
		}
		refused := make(chan struct{})
		var once sync.Once
		var flood sync.WaitGroup
		for _, mallory := range mallories {
			flood.Go(func() {
				for mallory.send(ctx, test.frame) == nil {
				}
			})
			flood.Go(func() {
				for {
					answer, err := mallory.next(ctx)
					if err != nil {
						return
					}
					if strings.Contains(answer, "Too Many Requests") {
						once.Do(func() { close(refused) })
					}
				}
			})
		}
		ended := make(chan struct{})
		go func() { flood.Wait(); close(ended) }()
		select {
		case <-refused:
		case <-ended:
			t.Fatalf("%s: got no refusal before all connections were closed, want Too Many Requests", test.name)
		case <-ctx.Done():
			t.Fatalf("%s: got no refusal of a flood, want Too Many Requests", test.name)
		}
		victim.mustBeAcked(victim.message("lobby", nil))
		for _, mallory := range mallories {
			mallory.drop()
		}
		<-ended
	}
}
