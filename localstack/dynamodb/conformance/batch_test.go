package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// API reference, BatchWriteItem and BatchGetItem.

func batchPuts(n, size int) string {
	var puts []string
	for i := range n {
		puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"pk":"item %02d","x":%s}}}`, i, quoted("x", size)))
	}
	return `{"RequestItems":{"$T":[` + strings.Join(puts, ",") + `]}}`
}

func batchKeys(n int, more string) string {
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf(`{"pk":"item %02d"}`, i))
	}
	return `{"RequestItems":{"$T":{"Keys":[` + strings.Join(keys, ",") + `]` + more + `}}}`
}

func TestE7_BatchWrite(t *testing.T) {
	tb := newTable(t, "pk S")
	const v = "ValidationException: "
	tb.steps(t, []step{
		{"25 puts", "BatchWriteItem", batchPuts(25, 1), `{"UnprocessedItems":{}}`},
		{"26 puts", "BatchWriteItem", batchPuts(26, 1), v + "…"},
		{"none", "BatchWriteItem", `{"RequestItems":{}}`, v + "…"},
		{"none for a table", "BatchWriteItem", `{"RequestItems":{"$T":[]}}`, v + "…"},
		{"put and delete", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"DeleteRequest":{"Key":{"pk":"item 00"}}},{"DeleteRequest":{"Key":{"pk":"none"}}},{"PutRequest":{"Item":{"pk":"item 01","y":1}}}]}}`, `{"UnprocessedItems":{}}`},
		{"deleted", "GetItem", `{"Key":{"pk":"item 00"},"ConsistentRead":true}`, `{"Item":null}`},
		{"put", "GetItem", `{"Key":{"pk":"item 01"},"ConsistentRead":true}`, `{"Item":{"pk":"item 01","y":1}}`},
		{"one item twice", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"DeleteRequest":{"Key":{"pk":"a"}}},{"PutRequest":{"Item":{"pk":"a"}}}]}}`, v + "Provided list of item keys contains duplicates"},
		{"one item put twice", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a"}}},{"PutRequest":{"Item":{"pk":"a","x":1}}}]}}`, v + "Provided list of item keys contains duplicates"},
		{"both in one request", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a"}},"DeleteRequest":{"Key":{"pk":"a"}}}]}}`, v + "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"nothing in one request", "BatchWriteItem", `{"RequestItems":{"$T":[{}]}}`,
			v + "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"one invalid item refuses the batch", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"never"}}},{"DeleteRequest":{"Key":{"pk":1}}}]}}`, v + "The provided key element does not match the schema"},
		{"no item of the refused batch is written", "GetItem",
			`{"Key":{"pk":"never"},"ConsistentRead":true}`, `{"Item":null}`},
		{"no table", "BatchWriteItem", `{"RequestItems":{"conformance-nothing":[{"PutRequest":{"Item":{"pk":"a"}}}]}}`, "ResourceNotFoundException: Requested resource not found"},
	})
}

func TestE7_BatchGet(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.must(t, "BatchWriteItem", batchPuts(25, 1))
	const v = "ValidationException: "
	t.Run("100 keys", func(t *testing.T) {
		got := tb.must(t, "BatchGetItem", batchKeys(100, `,"ConsistentRead":true`))
		got.check(t, `{"UnprocessedKeys":{}}`)
		if items, _ := got.at("Responses", tb.name).([]any); len(items) != 25 {
			t.Errorf("got %d items, want 25", len(items))
		}
	})
	tb.steps(t, []step{
		{"101 keys", "BatchGetItem", batchKeys(101, ""), v + "…"},
		{"none", "BatchGetItem", `{"RequestItems":{}}`, v + "…"},
		{"none of a table", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[]}}}`, v + "…"},
		{"one twice", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":"a"},{"pk":"a"}]}}}`,
			v + "Provided list of item keys contains duplicates"},
		{"projected", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":"item 07"}],"ProjectionExpression":"#x","ExpressionAttributeNames":{"#x":"x"}}}}`, `{"Responses":{"$T":[{"x":"x"}]}}`},
		{"a missing item", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":"none"}]}}}`,
			`{"Responses":{"$T":[]},"UnprocessedKeys":{}}`},
		{"no table", "BatchGetItem", `{"RequestItems":{"conformance-nothing":{"Keys":[{"pk":"a"}]}}}`,
			"ResourceNotFoundException: Requested resource not found"},
	})
}

// TestE7_UnprocessedKeys reads more than 16 MB. The response returns the
// remaining keys as a request with the same options.
func TestE7_UnprocessedKeys(t *testing.T) {
	tb := newTable(t, "pk S")
	const items, size = 45, 390 << 10 // 17.1 MB
	for i := 0; i < items; i += 15 {
		var puts []string
		for j := i; j < i+15; j++ {
			puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"pk":{"S":"item %02d"},"x":{"S":%s}}}}`,
				j, quoted("x", size)))
		}
		// Use the wire format: converting this much from the tests' notation
		// takes seconds.
		raw(t.Context(), t, "DynamoDB_20120810.BatchWriteItem",
			`{"RequestItems":{"`+tb.name+`":[`+strings.Join(puts, ",")+`]}}`, nil).check(t, `{"UnprocessedItems":{}}`)
	}
	got := tb.must(t, "BatchGetItem", batchKeys(items, `,"ConsistentRead":true,"ProjectionExpression":"pk"`))
	read, _ := got.at("Responses", tb.name).([]any)
	left, _ := got.at("UnprocessedKeys", tb.name, "Keys").([]any)
	if len(read)+len(left) != items || len(left) == 0 || len(left) > 5 {
		t.Errorf("got %d items and %d unprocessed keys, want %d together and 1 to 5 unprocessed",
			len(read), len(left), items)
	}
	if problem := differs(got.at("UnprocessedKeys", tb.name),
		toWire(t, `{"ConsistentRead":true,"ProjectionExpression":"pk"}`), ""); problem != "" {
		t.Error(problem)
	}
}
