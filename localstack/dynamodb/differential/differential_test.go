package differential

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
)

var (
	dynalite  = flag.String("dynalite", "", "URL of a running dynalite; empty skips the test")
	sequences = flag.Int("sequences", 50, "number of sequences to compare")
	first     = flag.Uint64("first", 1, "number of the first sequence, which is its seed")
	length    = flag.Int("length", 150, "requests of a sequence")
	most      = flag.Int("most", 20, "number of differences after which to stop")
)

func TestAgainstDynalite(t *testing.T) {
	if *dynalite == "" {
		t.Skip("no -dynalite URL given; see the package documentation")
	}
	engine, err := dynamodb.Open(dynamodb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	server := httptest.NewServer(engine)
	defer server.Close()
	c := comparison{
		engine:   side{"the engine", server.URL},
		dynalite: side{"dynalite", *dynalite},
		known:    map[string]int{},
	}
	for seed := *first; seed < *first+uint64(*sequences) && c.differences < *most; seed++ {
		c.sequence(t, seed)
	}
	t.Logf("%d requests compared, %d of which succeeded; %d differences", c.requests, c.succeeded, c.differences)
	for why, times := range c.known {
		t.Logf("%d times: %s", times, why)
	}
}

// comparison counts the compared requests and their differences.
type comparison struct {
	engine, dynalite                 side
	requests, succeeded, differences int
	known                            map[string]int
}

// sequence compares the requests of one seed. It stops when a write has
// different results, because then the two tables differ.
func (c *comparison) sequence(t *testing.T, seed uint64) {
	table := fmt.Sprintf("sequence-%d-%d", seed, time.Now().UnixNano())
	create := object{
		"TableName": table, "BillingMode": "PAY_PER_REQUEST",
		"KeySchema": schema("pk", "sk"),
		"AttributeDefinitions": []any{
			object{"AttributeName": "pk", "AttributeType": "S"}, object{"AttributeName": "sk", "AttributeType": "N"},
			object{"AttributeName": "g", "AttributeType": "S"}, object{"AttributeName": "h", "AttributeType": "N"},
		},
		"LocalSecondaryIndexes": []any{object{"IndexName": "local", "KeySchema": schema("pk", "h"),
			"Projection": object{"ProjectionType": "INCLUDE", "NonKeyAttributes": []string{"a", "n"}}}},
		"GlobalSecondaryIndexes": []any{object{"IndexName": "global", "KeySchema": schema("g", "h"),
			"Projection": object{"ProjectionType": "ALL"}}},
	}
	for _, s := range []side{c.engine, c.dynalite} {
		if got := s.send(t, "CreateTable", create, false); got.status != 200 {
			t.Fatalf("%s: %s", s.name, got)
		}
		for s.send(t, "Scan", object{"TableName": table}, false).status != 200 {
			time.Sleep(time.Millisecond)
		}
		defer s.send(t, "DeleteTable", object{"TableName": table}, false)
	}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), table: table}
	for step := range *length {
		operation, body := g.request()
		_, onIndex := body["IndexName"]
		ordered := operation == "Query" && !onIndex
		ours, theirs := c.engine.send(t, operation, body, ordered), c.dynalite.send(t, operation, body, ordered)
		c.requests++
		if ours.status == 200 {
			c.succeeded++
		}
		if ours == theirs {
			continue
		}
		if why, ok := expected(text(body), ours, theirs); ok {
			c.known[why]++
		} else {
			c.differences++
			t.Errorf("sequence %d, request %d: %s %s\ngot (engine)    %s\nwant (dynalite) %s", seed, step, operation,
				text(body), ours, theirs)
		}
		if ours.status != theirs.status && operation != "Query" && operation != "Scan" &&
			operation != "GetItem" || c.differences >= *most {
			return
		}
	}
}

func schema(hash, sort string) []any {
	return []any{object{"AttributeName": hash, "KeyType": "HASH"}, object{"AttributeName": sort, "KeyType": "RANGE"}}
}
