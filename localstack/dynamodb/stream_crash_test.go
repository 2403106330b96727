package dynamodb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A stream record is part of the commit of its change: at whatever moment the
// engine is killed, replaying the stream gives the table.
func TestStreamKill(t *testing.T) {
	dir := t.TempDir()
	setUp := open(t, Options{Dir: dir})
	arn := setUp.createStreamed(t, "crash", "pk S", "NEW_AND_OLD_IMAGES")
	if err := setUp.engine.Close(); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		client, kill := startChild(t, dir)
		var answered atomic.Int64
		var running sync.WaitGroup
		for w := range 4 {
			running.Go(func() {
				for i := 0; streamedStep(client, fmt.Sprint("w", w), i) == nil; i++ {
					answered.Add(1)
				}
			})
		}
		goal := 20 + rand.Int64N(80)
		eventually(t, "enough steps answered", func() bool { return answered.Load() >= goal })
		kill()
		running.Wait()
		checkStreamAfterKill(t, dir, arn, fmt.Sprint("round ", round))
	}
}

// streamedStep increments a counter, and in a transaction puts or deletes one
// item and puts another.
func streamedStep(client *sdk.Client, writer string, i int) error {
	ctx, table := context.Background(), aws.String("crash")
	if _, err := client.UpdateItem(ctx, &sdk.UpdateItemInput{
		TableName:                 table,
		Key:                       item{"pk": str(writer)},
		UpdateExpression:          aws.String("ADD v :one"),
		ExpressionAttributeValues: item{":one": num(1)},
	}); err != nil {
		return err
	}
	passing := types.TransactWriteItem{Put: &types.Put{
		TableName: table,
		Item:      item{"pk": str(writer + "-passing"), "v": num(i)},
	}}
	if i%2 == 1 {
		passing = types.TransactWriteItem{Delete: &types.Delete{
			TableName: table,
			Key:       item{"pk": str(writer + "-passing")},
		}}
	}
	_, err := client.TransactWriteItems(ctx,
		&sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{passing,
			{Put: &types.Put{
				TableName: table,
				Item:      item{"pk": str(writer + "-" + fmt.Sprint(i%5)), "v": num(rand.IntN(1000))},
			}}}})
	return err
}

func checkStreamAfterKill(t *testing.T, dir, arn, round string) {
	t.Helper()
	e, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	f := serveFixture(t, e)
	defer f.server.Close()
	replayed := make(map[string]string)
	records := f.readAll(t, arn)
	for _, r := range records {
		key := attributes(r.Dynamodb.Keys)
		if old := attributes(r.Dynamodb.OldImage); old != replayed[key] {
			t.Fatalf("%s: got the record %s, want the old image [%s]", round, brief(r), replayed[key])
		}
		if r.EventName == "REMOVE" {
			delete(replayed, key)
			continue
		}
		replayed[key] = attributes(r.Dynamodb.NewImage)
	}
	out, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("crash")})
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]string)
	for _, it := range out.Items {
		pk := "pk=" + it["pk"].(*types.AttributeValueMemberS).Value
		table[pk] = pk + " v=" + it["v"].(*types.AttributeValueMemberN).Value
	}
	same(t, round+": the table, from its stream", replayed, table)
	if len(records) < 20 {
		t.Errorf("%s: got %d records, want 20 or more", round, len(records))
	}
}
