package conformance

import (
	"fmt"
	"testing"
)

// Developer Guide, "DynamoDB read and write operations" (capacity unit
// consumption); API reference, ConsumedCapacity.

// TestConsumedCapacity checks the consumed capacity of every operation with an
// item of 2.5 KB: 3 write units, and 1 read unit or half of it for an
// eventually consistent read.
func TestConsumedCapacity(t *testing.T) {
	tb := newTable(t, "pk S, sk N", "GSI by-n: n N: ALL", "LSI by-m: pk S, m N: KEYS_ONLY")
	body := `"x":` + quoted("x", 2500)
	item := func(sk string, more string) string { return `"Item":{"pk":"a","sk":` + sk + `,` + body + more + `}` }
	const total, indexes = `,"ReturnConsumedCapacity":"TOTAL"`, `,"ReturnConsumedCapacity":"INDEXES"`
	tb.steps(t, []step{
		{"not asked", "PutItem", `{` + item("1", "") + `}`, `{"ConsumedCapacity":null}`},
		{"NONE", "PutItem", `{` + item("1", "") + `,"ReturnConsumedCapacity":"NONE"}`, `{"ConsumedCapacity":null}`},
		{"unknown", "PutItem", `{` + item("1", "") + `,"ReturnConsumedCapacity":"SOME"}`,
			"ValidationException: 1 validation error detected: …"},
		{"put", "PutItem", `{` + item("1", "") + total + `}`,
			`{"ConsumedCapacity":{"TableName":"$T","CapacityUnits":3,"Table":null}}`},
		{"put without index keys", "PutItem", `{` + item("1", "") + indexes + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":3,"Table":{"CapacityUnits":3},"GlobalSecondaryIndexes":null,"LocalSecondaryIndexes":null}}`},
		{"put with index keys", "PutItem", `{` + item("2", `,"n":1,"m":1`) + indexes + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":7,"Table":{"CapacityUnits":3},"GlobalSecondaryIndexes":{"by-n":{"CapacityUnits":3}},"LocalSecondaryIndexes":{"by-m":{"CapacityUnits":1}}}}`},
		{"a change of an index key deletes and puts", "UpdateItem",
			`{"Key":{"pk":"a","sk":2},` + expressions(t, "UpdateExpression", "SET n = {2}") + indexes +
				`}`, `{"ConsumedCapacity":{"CapacityUnits":9,"Table":{"CapacityUnits":3},"GlobalSecondaryIndexes":{"by-n":{"CapacityUnits":6}}}}`},
		{"a change of an attribute that only one index projects", "UpdateItem",
			`{"Key":{"pk":"a","sk":2},` + expressions(t, "UpdateExpression", "SET y = {2}") + indexes +
				`}`, `{"ConsumedCapacity":{"CapacityUnits":6,"Table":{"CapacityUnits":3},"GlobalSecondaryIndexes":{"by-n":{"CapacityUnits":3}},"LocalSecondaryIndexes":null}}`},
		{"a put of a smaller item costs the larger one", "PutItem", `{"Item":{"pk":"a","sk":1}` + total + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":3}}`},
		{"a put over a small item costs the small one", "PutItem", `{"Item":{"pk":"a","sk":1}` + total + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":1}}`},
		{"delete", "DeleteItem", `{"Key":{"pk":"a","sk":2}` + total + `}`, `{"ConsumedCapacity":{"CapacityUnits":7}}`},
		{"delete of nothing", "DeleteItem", `{"Key":{"pk":"a","sk":2}` + total + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":1}}`},
		{"exactly 1 KB", "PutItem", `{"Item":{"pk":"a","sk":9,"x":` + quoted("x", 1024-4-4) + `}` + total +
			`}`, `{"ConsumedCapacity":{"CapacityUnits":1}}`},
		{"1 KB and two bytes", "PutItem", `{"Item":{"pk":"a","sk":9,"x":` + quoted("x", 1024-4-2) + `}` +
			total + `}`, `{"ConsumedCapacity":{"CapacityUnits":2}}`},
		{"again", "PutItem", `{` + item("1", `,"n":1,"m":1`) + total + `}`, `{"ConsumedCapacity":{"CapacityUnits":7}}`},
		{"get", "GetItem", `{"Key":{"pk":"a","sk":1}` + total + `}`,
			`{"ConsumedCapacity":{"TableName":"$T","CapacityUnits":0.5}}`},
		{"get, consistent", "GetItem", `{"Key":{"pk":"a","sk":1},"ConsistentRead":true` + indexes + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":1,"Table":{"CapacityUnits":1}}}`},
		{"get of nothing", "GetItem", `{"Key":{"pk":"none","sk":1},"ConsistentRead":true` + total + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":1}}`},
		{"get of one attribute", "GetItem",
			`{"Key":{"pk":"a","sk":1},"ProjectionExpression":"sk"` + total + `}`,
			`{"ConsumedCapacity":{"CapacityUnits":0.5}}`},
		{"query of nothing", "Query", queryRequest(t, `pk = {"none"}`, `"ReturnConsumedCapacity":"TOTAL"`),
			`{"ConsumedCapacity":{"CapacityUnits":0.5}}`},
		{"query of an index", "Query", queryRequest(t, `n = {1}`,
			`"IndexName":"by-n","ReturnConsumedCapacity":"INDEXES"`),
			`{"ConsumedCapacity":{"CapacityUnits":0.5,"Table":{"CapacityUnits":0},"GlobalSecondaryIndexes":{"by-n":{"CapacityUnits":0.5}}}}`},
		{"scan", "Scan", `{"ConsistentRead":true` + total + `}`, `{"ConsumedCapacity":{"CapacityUnits":1}}`},
		{"batch write", "BatchWriteItem", `{"RequestItems":{"$T":[{"PutRequest":{` + item("5", "") +
			`}},{"DeleteRequest":{"Key":{"pk":"a","sk":77}}}]}` + indexes + `}`,
			`{"ConsumedCapacity":[{"TableName":"$T","CapacityUnits":4,"Table":{"CapacityUnits":4}}]}`},
		{"batch get", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":"a","sk":5},{"pk":"a","sk":78}],"ConsistentRead":true}}` + total + `}`, `{"ConsumedCapacity":[{"TableName":"$T","CapacityUnits":2}]}`},
		{"transactional write", "TransactWriteItems",
			`{"TransactItems":[{"Put":{"TableName":"$T",` + item("6", `,"n":1`) + `}}]` + indexes + `}`,
			`{"ConsumedCapacity":[{"TableName":"$T","CapacityUnits":9,"WriteCapacityUnits":9,"Table":{"CapacityUnits":6,"WriteCapacityUnits":6},"GlobalSecondaryIndexes":{"by-n":{"CapacityUnits":3,"WriteCapacityUnits":3}}}]}`},
		{"transactional read", "TransactGetItems",
			`{"TransactItems":[{"Get":{"TableName":"$T","Key":{"pk":"a","sk":6}}}]` + total + `}`,
			`{"ConsumedCapacity":[{"TableName":"$T","CapacityUnits":2,"ReadCapacityUnits":2}]}`},
	})
}

// A query reads a page of items together: the sum of their sizes is rounded up
// to units of 4 KB, not each size.
func TestQueryCapacityIsRoundedOnce(t *testing.T) {
	tb := newTable(t, "pk S, sk S")
	tb.fill(t, 10, 1000) // about 10 KB
	tb.steps(t, []step{
		{"consistent", "Query", queryRequest(t, `pk = {"p"}`,
			`"ConsistentRead":true,"ReturnConsumedCapacity":"TOTAL"`), `{"ConsumedCapacity":{"CapacityUnits":3}}`},
		{"eventually consistent", "Query", queryRequest(t, `pk = {"p"}`, `"ReturnConsumedCapacity":"TOTAL"`),
			`{"ConsumedCapacity":{"CapacityUnits":1.5}}`},
		{"before the filter", "Query", `{` +
			expressions(t, "KeyConditionExpression", `pk = {"p"}`, "FilterExpression", `odd = {"never"}`) +
			`,"ReturnConsumedCapacity":"TOTAL"}`, `{"Count":0,"ConsumedCapacity":{"CapacityUnits":1.5}}`},
		{"only counted", "Query", queryRequest(t, `pk = {"p"}`,
			`"Select":"COUNT","ReturnConsumedCapacity":"TOTAL"`), `{"ConsumedCapacity":{"CapacityUnits":1.5}}`},
		{"one by one", "BatchGetItem", `{"RequestItems":{"$T":{"ConsistentRead":true,"Keys":[{"pk":"p","sk":"000"},{"pk":"p","sk":"001"},{"pk":"p","sk":"002"}]}},"ReturnConsumedCapacity":"TOTAL"}`, `{"ConsumedCapacity":[{"CapacityUnits":3}]}`},
	})
}

// API reference, ItemCollectionMetrics: only tables with local indexes have
// them.
func TestItemCollectionMetrics(t *testing.T) {
	with := newTable(t, "pk S, sk N", "LSI by-m: pk S, m N: ALL")
	without := newTable(t, "pk S, sk N")
	const size = `,"ReturnItemCollectionMetrics":"SIZE"}`
	for _, c := range []struct{ operation, request string }{
		{"PutItem", `{"Item":{"pk":"a","sk":1,"m":1}`},
		{"UpdateItem", `{"Key":{"pk":"a","sk":1},` + expressions(t, "UpdateExpression", "SET m = {2}")},
		{"DeleteItem", `{"Key":{"pk":"a","sk":1}`},
	} {
		t.Run(c.operation, func(t *testing.T) {
			with.call(t, c.operation, c.request+size).check(t,
				`{"ItemCollectionMetrics":{"ItemCollectionKey":{"pk":"a"},"SizeEstimateRangeGB":[0,1]}}`)
			with.call(t, c.operation, c.request+`}`).check(t, `{"ItemCollectionMetrics":null}`)
			without.call(t, c.operation, c.request+size).check(t, `{"ItemCollectionMetrics":null}`)
		})
	}
	with.steps(t, []step{
		{"BatchWriteItem", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"b","sk":1}}}]}` + size,
			fmt.Sprintf(`{"ItemCollectionMetrics":{%q:[{"ItemCollectionKey":{"pk":"b"},"SizeEstimateRangeGB":[0,1]}]}}`, with.name)},
		{"TransactWriteItems", "TransactWriteItems",
			`{"TransactItems":[{"Put":{"TableName":"$T","Item":{"pk":"c","sk":1}}}]` + size,
			fmt.Sprintf(`{"ItemCollectionMetrics":{%q:[{"ItemCollectionKey":{"pk":"c"},"SizeEstimateRangeGB":[0,1]}]}}`, with.name)},
		{"unknown", "PutItem", `{"Item":{"pk":"a","sk":1},"ReturnItemCollectionMetrics":"SOME"}`,
			"ValidationException: 1 validation error detected: …"},
	})
}
