package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	manyWrites      = 10_000
	manyConnections = 128
)

// manyWrite returns the request of write i: a put, an update that moves an item
// in the index, or a transaction of two puts.
func manyWrite(i int) (operation, body string) {
	put := func(prefix string) string {
		return fmt.Sprintf(`{"TableName":"many","Item":{"pk":{"S":"%s%d"},"sk":{"N":"0"},"group":{"S":"g%d"},"step":{"N":"%d"}}}`, prefix, i, i%50, i)
	}
	switch i % 4 {
	case 0:
		return "UpdateItem", fmt.Sprintf(`{"TableName":"many","Key":{"pk":{"S":"moved%d"},"sk":{"N":"0"}},"UpdateExpression":"SET #g = :g, step = :i",
			"ExpressionAttributeNames":{"#g":"group"},"ExpressionAttributeValues":{":g":{"S":"g%d"},":i":{"N":"%d"}}}`, i, i%50, i)
	case 1:
		return "TransactWriteItems", fmt.Sprintf(`{"TransactItems":[{"Put":%s},{"Put":%s}]}`, put("left"), put("right"))
	}
	return "PutItem", put("put")
}

// TestKillDuringTenThousandWrites starts 10,000 concurrent writes and kills the
// engine's process during them. Then every answered write is in the table, the
// index agrees with the table, and each transaction is there completely or not
// at all.
func TestKillDuringTenThousandWrites(t *testing.T) {
	dir := t.TempDir()
	setUp := open(t, Options{Dir: dir})
	setUp.createTable(t, "many", "pk S, sk N", []index{{"by-group", "group S, sk N", "ALL"}}, nil)
	seed := newRawClient(setUp.server.URL, 4)
	for i := 0; i < manyWrites; i += 100 { // the items that the updates move
		puts := ""
		for j := i; j < i+100; j += 4 {
			if puts != "" {
				puts += ","
			}
			puts += fmt.Sprintf(`{"PutRequest":{"Item":{"pk":{"S":"moved%d"},"sk":{"N":"0"},"group":{"S":"old"},"step":{"N":"-1"}}}}`, j)
		}
		if _, err := seed.call("BatchWriteItem", `{"RequestItems":{"many":[`+puts+`]}}`); err != nil {
			t.Fatal(err)
		}
	}
	if err := setUp.engine.Close(); err != nil {
		t.Fatal(err)
	}

	engine := start(t, exec.Command(os.Args[0], "-crashdir", dir))
	client := newRawClient(engine.url, manyConnections)
	var answered [manyWrites]atomic.Bool
	var count atomic.Int64
	goal := 500 + rand.Int64N(3500)
	reached := make(chan struct{})
	var running sync.WaitGroup
	for i := range manyWrites {
		running.Go(func() {
			if _, err := client.call(manyWrite(i)); err != nil {
				return // the engine was killed
			}
			answered[i].Store(true)
			if count.Add(1) == goal {
				close(reached)
			}
		})
	}
	select {
	case <-reached:
	case <-time.After(time.Minute):
		t.Fatalf("got %d answered writes in a minute, want %d", count.Load(), goal)
	}
	engine.kill()
	running.Wait()

	e, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	f := serveFixture(t, e)
	rows := f.scanAll(t, "many", "")
	same(t, "index", f.scanAll(t, "many", "by-group"), rows)
	d := f.describe(t, "many")
	same(t, "counted", []int64{*d.ItemCount, *d.GlobalSecondaryIndexes[0].ItemCount},
		[]int64{int64(len(rows)), int64(len(rows))})
	has := func(prefix string, i int) bool {
		it, ok := rows[fmt.Sprintf("%s%d 0", prefix, i)]
		return ok && it["step"].(*types.AttributeValueMemberN).Value == fmt.Sprint(i)
	}
	for i := range manyWrites {
		var there bool
		switch i % 4 {
		case 0:
			there = has("moved", i)
		case 1:
			if there = has("left", i); there != has("right", i) {
				t.Errorf("got one item of transaction %d, want both or none", i)
			}
		default:
			there = has("put", i)
		}
		if answered[i].Load() && !there {
			t.Errorf("write %d was answered, but its item is missing", i)
		}
	}
	t.Logf("killed after %d of %d answers; %d items", count.Load(), manyWrites, len(rows))
}
