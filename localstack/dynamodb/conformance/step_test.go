package conformance

import (
	"encoding/json"
	"strings"
	"testing"
)

// step is one request and what is to be answered; see [answer.agrees].
type step struct{ name, operation, request, want string }

// steps runs requests in order.
func (tb *table) steps(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			tb.call(t, s.operation, s.request).agrees(t, strings.ReplaceAll(s.want, "$T", tb.name))
		})
	}
}

// call sends a request about the table: TableName need not be given, and $T
// stands for the table's name, as in the answers that steps want.
func (tb *table) call(t testing.TB, operation, request string) answer {
	t.Helper()
	return call(t.Context(), t, operation, tb.request(operation, request))
}

// must sends a request that has to succeed.
func (tb *table) must(t testing.TB, operation, request string) answer {
	t.Helper()
	got := tb.call(t, operation, request)
	if got.Status != 200 {
		t.Fatalf("%s: %s", operation, got)
	}
	return got
}

func (tb *table) request(operation, request string) string {
	request = strings.ReplaceAll(request, "$T", tb.name)
	switch operation {
	case "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems", "ListTables", "DescribeLimits", "DescribeEndpoints",
		"TagResource", "UntagResource", "ListTagsOfResource", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction":
		return request
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(request), &members) != nil {
		return request // toWire will say what is wrong with it
	}
	if _, has := members["TableName"]; !has {
		members["TableName"] = json.RawMessage(`"` + tb.name + `"`)
	}
	named, err := json.Marshal(members)
	if err != nil {
		panic(err) // it has just been read
	}
	return string(named)
}

// put puts items.
func (tb *table) put(t testing.TB, items ...string) {
	t.Helper()
	for _, item := range items {
		tb.must(t, "PutItem", `{"Item":`+item+`}`)
	}
}

// get reads an item; "" if there is none.
func (tb *table) get(t testing.TB, key string) answer {
	t.Helper()
	return tb.must(t, "GetItem", `{"ConsistentRead":true,"Key":`+key+`}`)
}

// quoted is a JSON string of n letters.
func quoted(letter string, n int) string { return `"` + strings.Repeat(letter, n) + `"` }
