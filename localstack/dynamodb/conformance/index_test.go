package conformance

import (
	"fmt"
	"testing"
)

// Developer Guide, "Using Global Secondary Indexes in DynamoDB" and "Local
// secondary indexes".

func TestSparseIndexes(t *testing.T) {
	tb := newTable(t, "pk S, sk N", "GSI by-owner: owner2 S, age N: ALL", "GSI by-age: age N: KEYS_ONLY",
		"LSI by-when: pk S, when2 S: extra")
	tb.put(t, `{"pk":"a","sk":1,"owner2":"o","age":30,"when2":"w1","extra":"e","x":1}`,
		`{"pk":"a","sk":2,"owner2":"o","when2":"w0"}`,
		`{"pk":"a","sk":3,"age":30}`, `{"pk":"b","sk":1,"owner2":"o","age":20}`)
	owner := func(want string) step {
		return step{"by owner", "Query", queryRequest(t, `owner2 = {"o"}`, `"IndexName":"by-owner"`), want}
	}
	tb.steps(t, []step{
		owner(`{"Items":[{"pk":"b","sk":1,"owner2":"o","age":20},{"pk":"a","sk":1,"owner2":"o","age":30,"when2":"w1","extra":"e","x":1}]}`), // without the item that has no age
		{"by age", "Query", queryRequest(t, `age = {30}`, `"IndexName":"by-age","Select":"COUNT"`), `{"Count":2}`},
		{"keys only", "Query", queryRequest(t, `age = {20}`, `"IndexName":"by-age"`),
			`{"Items":[{"pk":"b","sk":1,"age":20}]}`},
		{"local, in its order", "Query", queryRequest(t, `pk = {"a"}`, `"IndexName":"by-when"`),
			`{"Items":[{"pk":"a","sk":2,"when2":"w0"},{"pk":"a","sk":1,"when2":"w1","extra":"e"}]}`},
		{"local, consistent", "Query", queryRequest(t, `pk = {"a"} AND when2 > {"w0"}`,
			`"IndexName":"by-when","ConsistentRead":true`), `{"Count":1}`},
		{"scan of an index", "Scan", `{"IndexName":"by-owner"}`, `{"Count":2}`},
		{"an index key is removed", "UpdateItem", `{"Key":{"pk":"b","sk":1},"UpdateExpression":"REMOVE age"}`, "{}"},
		owner(`{"Items":[{"pk":"a","sk":1,"owner2":"o","age":30,"when2":"w1","extra":"e","x":1}]}`),
		{"an index key is added", "UpdateItem",
			`{"Key":{"pk":"a","sk":2},` + expressions(t, "UpdateExpression", "SET age = {5}") + `}`, "{}"},
		owner(`{"Count":2}`),
		{"an index key changes", "UpdateItem", `{"Key":{"pk":"a","sk":2},` +
			expressions(t, "UpdateExpression", `SET owner2 = {"other"}`) + `}`, "{}"},
		owner(`{"Count":1}`),
		{"an item is deleted", "DeleteItem", `{"Key":{"pk":"a","sk":1}}`, "{}"},
		owner(`{"Count":0}`),
	})
}

// TestIndexKeysThatDoNotFit writes values that an index key cannot have.
func TestIndexKeysThatDoNotFit(t *testing.T) {
	tb := newTable(t, "pk S", "GSI by-n: n N: ALL", "GSI by-s: s S: ALL")
	tb.put(t, `{"pk":"ok"}`)
	const invalid = "ValidationException: One or more parameter values were invalid: "
	const empty = "ValidationException: One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-s, IndexKey: s"
	tb.steps(t, []step{
		{"put of the wrong type", "PutItem", `{"Item":{"pk":"a","n":"x"}}`,
			invalid + "Type mismatch for Index Key n Expected: N Actual: S IndexName: by-n"},
		{"null", "PutItem", `{"Item":{"pk":"a","n":null}}`,
			invalid + "Type mismatch for Index Key n Expected: N Actual: NULL IndexName: by-n"},
		{"put of an empty one", "PutItem", `{"Item":{"pk":"a","s":""}}`, empty},
		{"update to an empty one", "UpdateItem",
			`{"Key":{"pk":"ok"},` + expressions(t, "UpdateExpression", `SET s = {""}`) + `}`, "ValidationException"},
		{"update to the wrong type", "UpdateItem",
			`{"Key":{"pk":"ok"},` + expressions(t, "UpdateExpression", `SET n = {"x"}`) + `}`, "ValidationException"},
		{"too long", "PutItem", `{"Item":{"pk":"a","s":` + quoted("s", 2049) + `}}`, "ValidationException"},
		{"longest", "PutItem", `{"Item":{"pk":"a","s":` + quoted("s", 2048) + `}}`, "{}"},
	})
}

func TestE9_ConsistentReads(t *testing.T) {
	tb := newTable(t, "pk S", "GSI by-n: n N: ALL")
	const refused = "ValidationException: Consistent reads are not supported on global secondary indexes"
	tb.steps(t, []step{
		{"query", "Query", queryRequest(t, "n = {1}", `"IndexName":"by-n","ConsistentRead":true`), refused},
		{"scan", "Scan", `{"IndexName":"by-n","ConsistentRead":true}`, refused},
		{"without", "Query", queryRequest(t, "n = {1}", `"IndexName":"by-n","ConsistentRead":false`), `{"Count":0}`},
		{"of the table", "Scan", `{"ConsistentRead":true}`, `{"Count":0}`},
	})
}

// Pages of entries with the same index key continue by the table's key.
func TestIndexPages(t *testing.T) {
	tb := newTable(t, "pk S", "GSI by-kind: kind S, n N: ALL")
	const items = 7
	for i := range items {
		tb.put(t, fmt.Sprintf(`{"pk":"item %d","kind":"k","n":1}`, i))
	}
	seen, start := map[any]bool{}, ""
	for pages := 0; ; pages++ {
		got := tb.must(t, "Query", queryRequest(t, `kind = {"k"}`, `"IndexName":"by-kind","Limit":2`+start))
		for _, item := range got.items() {
			seen[(answer{Body: item.(map[string]any)}).at("pk", "S")] = true
		}
		last, _ := got.at("LastEvaluatedKey").(map[string]any)
		if last == nil {
			break
		}
		if len(last) != 3 || pages > items {
			t.Fatalf("page %d: got LastEvaluatedKey %v, want 3 attributes and at most %d pages", pages, last, items)
		}
		start = fmt.Sprintf(`,"ExclusiveStartKey":{"pk":%q,"kind":"k","n":1}`, got.at("LastEvaluatedKey", "pk", "S"))
	}
	if len(seen) != items {
		t.Errorf("got %d items, want %d", len(seen), items)
	}
	tb.call(t, "Query", queryRequest(t, `kind = {"k"}`,
		`"IndexName":"by-kind","ExclusiveStartKey":{"pk":"item 1"}`)).check(t,
		"ValidationException: The provided starting key is invalid…")
}

// Developer Guide, "Detecting and correcting index key violations": an item
// whose value does not fit is not in a new index.
func TestBackfillOfUnfitKeys(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"ok","s":"x"}`, `{"pk":"empty","s":""}`, `{"pk":"number","s":1}`,
		`{"pk":"long","s":`+quoted("s", 2049)+`}`, `{"pk":"longest","s":`+quoted("s", 2048)+`}`)
	tb.must(t, "UpdateTable", `{"AttributeDefinitions":[{"AttributeName":"s","AttributeType":"S"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"by-s","KeySchema":[{"AttributeName":"s","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}}]}`)
	tb.active(t)
	tb.call(t, "Scan", `{"IndexName":"by-s","Select":"COUNT"}`).check(t, `{"Count":2}`)
	tb.must(t, "UpdateItem", `{"Key":{"pk":"empty"},`+expressions(t, "UpdateExpression", `SET s = {"now"}`)+`}`)
	tb.must(t, "DeleteItem", `{"Key":{"pk":"long"}}`)
	eventually(t, "the corrected item is in the index", func() bool {
		return tb.must(t, "Scan", `{"IndexName":"by-s","Select":"COUNT"}`).at("Count").(fmt.Stringer).String() == "3"
	})
}

// API reference, UpdateTable: GlobalSecondaryIndexUpdates.
func TestBackfill(t *testing.T) {
	tb := newTable(t, "pk S")
	for i := range 30 {
		tb.put(t, fmt.Sprintf(`{"pk":"item %d","n":%d,"x":1,"y":2}`, i, i%3))
	}
	tb.put(t, `{"pk":"without"}`, `{"pk":"wrong","n":"x"}`)
	create := `{"AttributeDefinitions":[{"AttributeName":"n","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"by-n",
		"KeySchema":[{"AttributeName":"n","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]}}}]}`
	tb.call(t, "UpdateTable", create).check(t,
		`{"TableDescription":{"TableStatus":"UPDATING","GlobalSecondaryIndexes":[{"IndexName":"by-n","IndexStatus":"CREATING"}]}}`)
	tb.active(t)
	tb.put(t, `{"pk":"after","n":2,"x":9}`)
	eventually(t, "the index has the new item", func() bool {
		return tb.must(t, "Query", queryRequest(t, "n = {2}",
			`"IndexName":"by-n"`)).at("Count").(fmt.Stringer).String() == "11"
	})
	tb.steps(t, []step{
		{"filled, without items that have no valid key", "Scan", `{"IndexName":"by-n","Select":"COUNT"}`,
			`{"Count":31}`},
		{"projected", "Query", `{` + expressions(t, "KeyConditionExpression", "n = {2}",
			"FilterExpression", "x = {9}") + `,"IndexName":"by-n"}`, `{"Items":[{"pk":"after","n":2,"x":9}]}`},
		{"again", "UpdateTable", create, "ValidationException: Attempting to create an index which already exists"},
		{"delete", "UpdateTable", `{"GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"by-n"}}]}`,
			`{"TableDescription":{"TableStatus":"UPDATING"}}`},
	})
	eventually(t, "the index is removed", func() bool {
		return tb.call(t, "Query", queryRequest(t, "n = {2}",
			`"IndexName":"by-n"`)).String() == "ValidationException: The table does not have the specified index: by-n"
	})
	tb.call(t, "UpdateTable", `{"GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"by-n"}}]}`).check(t,
		"ResourceNotFoundException")
}
