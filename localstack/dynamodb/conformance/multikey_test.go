package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// Developer Guide, "Using Global Secondary Indexes", "Multi-attribute key
// schema": a global index has up to four attributes in its partition key and in
// its sort key.

// newMultiKeyTable returns a table with such an index and five items. The last
// three lack an attribute of the index's key or have another partition key.
func newMultiKeyTable(t *testing.T) *table {
	t.Helper()
	tb := newTable(t, "pk S", "GSI multi: h1 S HASH, h2 N HASH, r1 S RANGE, r2 N RANGE, r3 S RANGE: ALL")
	for i, r := range []string{`"a",1,"x"`, `"a",2,"x"`, `"a",2,"y"`, `"a",10,"x"`, `"ab",1,"x"`, `"b",0,"z"`} {
		v := strings.Split(r, ",")
		tb.put(t, fmt.Sprintf(`{"pk":"%d","h1":"h","h2":1,"r1":%s,"r2":%s,"r3":%s}`, 9-i, v[0], v[1], v[2]))
	}
	tb.put(t, `{"pk":"other h2","h1":"h","h2":2,"r1":"a","r2":1,"r3":"x"}`,
		`{"pk":"no r2","h1":"h","h2":1,"r1":"a","r3":"x"}`, `{"pk":"no h2","h1":"h","r1":"a","r2":1,"r3":"x"}`)
	return tb
}

func TestMultiAttributeKeys(t *testing.T) {
	tb := newMultiKeyTable(t)
	const index = `"IndexName":"multi"`
	const partition = `h1 = {"h"} AND h2 = {1}`
	for _, c := range []struct{ condition, want string }{
		{partition, "9 8 7 6 5 4"},
		{`h2 = {1} AND r1 = {"a"} AND h1 = {"h"}`, "9 8 7 6"},
		{partition + ` AND r1 > {"a"}`, "5 4"}, {partition + ` AND begins_with(r1, {"a"})`, "9 8 7 6 5"},
		{partition + ` AND r1 < {"ab"}`, "9 8 7 6"},
		{partition + ` AND r1 = {"a"} AND r2 = {2}`, "8 7"}, {partition + ` AND r1 = {"a"} AND r2 > {1}`, "8 7 6"},
		{partition + ` AND r1 = {"a"} AND r2 < {2}`, "9"}, {partition + ` AND r1 = {"ab"} AND r2 < {2}`, "5"},
		{partition + ` AND r1 = {"a"} AND r2 <= {2}`, "9 8 7"},
		{partition + ` AND r1 = {"a"} AND r2 BETWEEN {2} AND {5}`, "8 7"},
		{partition + ` AND r1 = {"a"} AND r2 = {2} AND r3 = {"y"}`, "7"},
		{partition + ` AND r1 = {"a"} AND r2 = {2} AND r3 >= {"x"}`, "8 7"},
		{partition + ` AND r1 = {"a"} AND r2 = {2} AND r3 < {"y"}`, "8"},
		{`h1 = {"h"} AND h2 = {3}`, ""},
	} {
		t.Run(c.condition, func(t *testing.T) {
			got := tb.must(t, "Query", queryRequest(t, c.condition, index))
			if keys := itemKeys(got); keys != c.want {
				t.Errorf("got the items %q, want %q", keys, c.want)
			}
			back := tb.must(t, "Query", queryRequest(t, c.condition, index, `"ScanIndexForward":false`))
			if keys := itemKeys(back); keys != reversed(c.want) {
				t.Errorf("backwards: got the items %q, want %q", keys, reversed(c.want))
			}
		})
	}
	const v, missed = "ValidationException: ", "ValidationException: Query condition missed key schema element: "
	for _, c := range []struct{ condition, want string }{
		{`h1 = {"h"}`, missed + "h2"}, {`h2 = {1} AND r1 = {"a"}`, missed + "h1"},
		{partition + ` AND r2 = {1}`, missed + "r1"}, {partition + ` AND r1 = {"a"} AND r3 = {"x"}`, missed + "r2"},
		{partition + ` AND x = {"a"}`, missed + "r1"},
		{`h1 = {"h"} AND h2 > {1}`, v + "Query key condition not supported"},
		{partition + ` AND r1 > {"a"} AND r2 = {1}`, v + "Query key condition not supported"},
		{partition + ` AND r1 = {"a"} AND r2 = {1} AND r3 = {"x"} AND x = {1}`,
			v + "The number of query conditions (6) exceeds the number of key attributes defined in the schema (5)"},
		{partition + ` AND r1 = {1}`, v + "One or more parameter values were invalid: Condition parameter type does not match schema type"},
	} {
		t.Run(c.condition, func(t *testing.T) {
			tb.call(t, "Query", queryRequest(t, c.condition, index)).check(t, c.want)
		})
	}
	tb.steps(t, []step{
		{"legacy conditions", "Query", `{"IndexName":"multi","KeyConditions":{"h1":{"ComparisonOperator":"EQ","AttributeValueList":["h"]},"h2":{"ComparisonOperator":"EQ","AttributeValueList":[1]},"r1":{"ComparisonOperator":"EQ","AttributeValueList":["a"]},"r2":{"ComparisonOperator":"GT","AttributeValueList":[1]}}}`,
			`{"Count":3}`},
		{"a filter on a key attribute", "Query", `{"IndexName":"multi",` +
			expressions(t, "KeyConditionExpression", partition, "FilterExpression", `r3 = {"x"}`) + `}`,
			v + "Filter Expression can only contain non-primary key attributes: Primary key attribute: r3"},
		{"scan", "Scan", `{"IndexName":"multi","Select":"COUNT"}`, `{"Count":7}`},
		{"statement", "ExecuteStatement", `{"Statement":"SELECT pk FROM \"$T\".\"multi\" WHERE h1 = 'h' AND h2 = 1 AND r1 = 'b'"}`, `{"Items":[{"pk":"4"}]}`},
		{"described", "DescribeTable", `{}`,
			`{"Table":{"GlobalSecondaryIndexes":[{"KeySchema":[{"AttributeName":"h1","KeyType":"HASH"},{"AttributeName":"h2","KeyType":"HASH"},{"AttributeName":"r1","KeyType":"RANGE"},{"AttributeName":"r2","KeyType":"RANGE"},{"AttributeName":"r3","KeyType":"RANGE"}]}]}}`},
		{"one attribute changes", "UpdateItem",
			`{"Key":{"pk":"4"},` + expressions(t, "UpdateExpression", "SET h2 = {2}") + `}`, "{}"},
		{"it left its partition", "Query", queryRequest(t, partition, index), `{"Count":5}`},
		{"it joined the other", "Query", queryRequest(t, `h1 = {"h"} AND h2 = {2}`, index), `{"Count":2}`},
		{"sort key too long in total", "PutItem",
			`{"Item":{"pk":"long","h1":"h","h2":1,"r2":1,"r1":` + quoted("a", 600) + `,"r3":` + quoted("b", 600) + `}}`,
			v + "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		{"an attribute of another type", "PutItem", `{"Item":{"pk":"wrong","h2":"1"}}`,
			v + "One or more parameter values were invalid: Type mismatch for Index Key h2 Expected: N Actual: S IndexName: multi"},
	})
}

func TestMultiAttributeKeyPages(t *testing.T) {
	tb := newMultiKeyTable(t)
	keys, start := "", ""
	for page := 0; ; page++ {
		got := tb.must(t, "Query", queryRequest(t, `h1 = {"h"} AND h2 = {1}`, `"IndexName":"multi","Limit":2`+start))
		keys = strings.TrimSpace(keys + " " + itemKeys(got))
		last, _ := got.at("LastEvaluatedKey").(map[string]any)
		if last == nil {
			break
		}
		if len(last) != 6 || page > 6 {
			t.Fatalf("page %d: got LastEvaluatedKey %v, want 6 attributes and at most 6 pages", page, last)
		}
		start = fmt.Sprintf(`,"ExclusiveStartKey":{"pk":%q,"h1":"h","h2":1,"r1":%q,"r2":%s,"r3":%q}`,
			got.at("LastEvaluatedKey", "pk", "S"), got.at("LastEvaluatedKey", "r1", "S"),
			got.at("LastEvaluatedKey", "r2", "N"), got.at("LastEvaluatedKey", "r3", "S"))
	}
	if keys != "9 8 7 6 5 4" {
		t.Errorf("got the items %q, want 9 8 7 6 5 4", keys)
	}
}

func TestMultiAttributeKeySchemas(t *testing.T) {
	const order = "ValidationException: One or more parameter values were invalid: All HASH key attributes must precede RANGE key attributes in the KeySchema"
	const many = "ValidationException: One or more parameter values were invalid: The KeySchema exceeds the maximum allowed number of "
	for name, c := range map[string]struct{ key, index, want string }{
		"four and four": {"pk S", "GSI x1x: a S HASH, b S HASH, c S HASH, d S HASH, e N RANGE, f N RANGE, g N RANGE, h N RANGE: ALL", ""},
		"five HASH": {"pk S", "GSI x1x: a S HASH, b S HASH, c S HASH, d S HASH, e S HASH: ALL",
			many + "HASH key attributes"},
		"five RANGE":        {"pk S", "GSI x1x: a S HASH, b S RANGE, c S RANGE, d S RANGE, e S RANGE, f S RANGE: ALL", many + "RANGE key attributes"},
		"RANGE before HASH": {"pk S", "GSI x1x: a S HASH, b S RANGE, c S HASH: ALL", order},
		"RANGE first": {"pk S", "GSI x1x: a S RANGE, b S HASH: ALL",
			"ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
		"an attribute twice": {"pk S", "GSI x1x: a S HASH, b S HASH, a S RANGE: ALL", "ValidationException: The KeySchema contains multiple key attributes with the same name"},
		"a table with two HASH": {"a S HASH, b S HASH", "",
			"ValidationException: Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"},
		"a table with three": {"a S HASH, b S RANGE, c S RANGE", "",
			"ValidationException: 1 validation error detected: Value …"},
		"a local index": {"pk S, sk S", "LSI x1x: pk S HASH, b S RANGE, c S RANGE: ALL",
			"ValidationException: 1 validation error detected: Value …"},
	} {
		t.Run(name, func(t *testing.T) {
			var indexes []string
			if c.index != "" {
				indexes = []string{c.index}
			}
			tb := &table{newName()}
			if c.want == "" {
				tb.create(t, declare(c.key, indexes...))
				return
			}
			tb.call(t, "CreateTable", declare(c.key, indexes...)).check(t, c.want)
		})
	}
}

// itemKeys returns the pk of the items, in order.
func itemKeys(a answer) string {
	var keys []string
	for _, item := range a.items() {
		keys = append(keys, fmt.Sprint((answer{Body: item.(map[string]any)}).at("pk", "S")))
	}
	return strings.Join(keys, " ")
}
