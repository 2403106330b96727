package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// Developer Guide, "Querying tables in DynamoDB" and "Key condition expressions
// for the Query operation".

// queryRequest returns the request of a Query with a key condition and further
// members.
func queryRequest(t testing.TB, condition string, more ...string) string {
	return `{` + strings.Join(append([]string{expressions(t, "KeyConditionExpression", condition)}, more...), ",") + `}`
}

func TestKeyConditions(t *testing.T) {
	tb := newTable(t, "pk S, sk S")
	for _, sk := range []string{"a", "ab", "abc", "b", "bc", "c"} {
		tb.put(t, fmt.Sprintf(`{"pk":"p","sk":%q}`, sk), fmt.Sprintf(`{"pk":"q","sk":%q}`, sk))
	}
	for _, c := range []struct{ condition, want string }{
		{`pk = {"p"}`, "a ab abc b bc c"}, {`pk = {"none"}`, ""}, {`(pk = {"p"})`, "a ab abc b bc c"},
		{`{"p"} = pk`, "a ab abc b bc c"},
		{`pk = {"p"} AND sk = {"ab"}`, "ab"}, {`sk = {"ab"} AND pk = {"p"}`, "ab"},
		{`pk = {"p"} and (sk = {"ab"})`, "ab"},
		{`pk = {"p"} AND sk < {"b"}`, "a ab abc"}, {`pk = {"p"} AND sk <= {"b"}`, "a ab abc b"},
		{`pk = {"p"} AND sk > {"b"}`, "bc c"}, {`pk = {"p"} AND sk >= {"b"}`, "b bc c"},
		{`pk = {"p"} AND {"b"} > sk`, "a ab abc"}, {`pk = {"p"} AND {"b"} <= sk`, "b bc c"},
		{`pk = {"p"} AND sk BETWEEN {"ab"} AND {"b"}`, "ab abc b"},
		{`pk = {"p"} AND sk BETWEEN {"b"} AND {"b"}`, "b"}, {`pk = {"p"} AND sk BETWEEN {"d"} AND {"e"}`, ""},
		{`pk = {"p"} AND begins_with(sk, {"ab"})`, "ab abc"},
		{`pk = {"p"} AND begins_with(sk, {"z"})`, ""}, {`begins_with(sk, {"b"}) AND pk = {"q"}`, "b bc"},
	} {
		t.Run(c.condition, func(t *testing.T) {
			got := tb.call(t, "Query", queryRequest(t, c.condition))
			got.check(t, fmt.Sprintf(`{"Count":%d,"LastEvaluatedKey":null}`, len(strings.Fields(c.want))))
			if keys := sortKeys(got); keys != c.want {
				t.Errorf("got %q, want %q", keys, c.want)
			}
			back := tb.call(t, "Query", queryRequest(t, c.condition, `"ScanIndexForward":false`))
			if keys := sortKeys(back); keys != reversed(c.want) {
				t.Errorf("backwards: got %q, want %q", keys, reversed(c.want))
			}
		})
	}
	const v, inv = "ValidationException: ", "ValidationException: Invalid KeyConditionExpression: "
	const many = v + "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"
	for _, c := range []struct{ condition, want string }{
		{`sk = {"a"}`, v + "Query condition missed key schema element: pk"},
		{`pk > {"a"}`, v + "Query key condition not supported"},
		{`begins_with(pk, {"a"})`, v + "Query key condition not supported"},
		{`pk BETWEEN {"a"} AND {"b"}`, v + "Query key condition not supported"},
		{`pk = {"p"} AND other2 = {"a"}`, v + "Query condition missed key schema element: sk"},
		{`pk = {"p"} OR sk = {"a"}`, v + "Invalid operator used in KeyConditionExpression: OR"},
		{`pk = {"p"} AND NOT sk = {"a"}`, v + "Invalid operator used in KeyConditionExpression: NOT"},
		{`pk = {"p"} AND sk <> {"a"}`, v + "Invalid operator used in KeyConditionExpression: <>"},
		{`pk IN ({"p"})`, v + "Invalid operator used in KeyConditionExpression: IN"},
		{`pk = {"p"} AND contains(sk, {"a"})`,
			v + "Invalid operator used in KeyConditionExpression: contains"},
		{`pk = {"p"} AND attribute_exists(sk)`,
			v + "Invalid operator used in KeyConditionExpression: attribute_exists"},
		{`pk = {"p"} AND size(sk) = {1}`, v + "KeyConditionExpressions cannot contain nested operations"},
		{`pk = {"p"} AND pk = {"q"}`, v + "…KeyConditionExpressions must only contain one condition per key"},
		{`pk = {"p"} AND sk > {"a"} AND sk < {"b"}`,
			v + "…KeyConditionExpressions must only contain one condition per key"},
		{`pk.x = {"p"}`, v + "KeyConditionExpressions cannot have conditions on nested attributes"},
		{`pk = sk`, v + "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"}, {`{"p"} = {"p"}`, v + "Invalid condition in KeyConditionExpression: No key attribute specified"},
		{`pk = {1}`, v + "One or more parameter values were invalid: Condition parameter type does not match schema type"}, {`pk = {"p"} AND sk = {1}`, v + "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{`pk = {""}`, v + "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		{`pk = {"p"} AND sk BETWEEN {"b"} AND {"a"}`,
			inv + "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"},
		{`pk = {"p"} AND sk > {[1]}`, inv +
			"Incorrect operand type for operator or function; operator or function: >, operand type: L"},
		{`pk = {"p"} AND x = {1} AND y = {2}`, many},
		{`pk = {"p"} AND sk < {"z"} AND x < {"z"}`, many},
		{`x < {"z"} AND sk < {"z"} AND pk = {"p"}`, many},
	} {
		t.Run(c.condition, func(t *testing.T) { tb.call(t, "Query", queryRequest(t, c.condition)).check(t, c.want) })
	}
	tb.steps(t, []step{
		{"none", "Query", `{}`, v + "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"filter on the key", "Query", `{` +
			expressions(t, "KeyConditionExpression", `pk = {"p"}`, "FilterExpression", `sk > {"a"}`) + `}`,
			v + "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		{"no index", "Query", queryRequest(t, `pk = {"p"}`, `"IndexName":"none"`),
			v + "The table does not have the specified index: none"},
		{"limit of none", "Query", queryRequest(t, `pk = {"p"}`, `"Limit":0`),
			v + "1 validation error detected: Value …"},
	})
}

// sortKeys returns the sort keys of the items, in order.
func sortKeys(a answer) string {
	var keys []string
	for _, item := range a.items() {
		keys = append(keys, fmt.Sprint((answer{Body: item.(map[string]any)}).at("sk", "S")))
	}
	return strings.Join(keys, " ")
}

func reversed(words string) string {
	var out []string
	for _, w := range strings.Fields(words) {
		out = append([]string{w}, out...)
	}
	return strings.Join(out, " ")
}

// TestSortOrder checks that strings are sorted by their UTF-8 bytes and
// binaries by unsigned bytes.
func TestSortOrder(t *testing.T) {
	strs := newTable(t, "pk S, sk S")
	for i := range 8 {
		words := []string{"", "A", "Z", "a", "aa", "b", "é", "日", "🐎"}[1:]
		strs.put(t, fmt.Sprintf(`{"pk":"p","sk":%q}`, words[(i*3)%8]))
	}
	if got, want := sortKeys(strs.must(t, "Query", queryRequest(t, `pk = {"p"}`))), "A Z a aa b é 日 🐎"; got != want {
		t.Errorf("got the strings %s, want %s", got, want)
	}
	bins := newTable(t, "pk S, sk B")
	for _, b := range []string{"gA==", "AAA=", "/w==", "AA==", "fw==", "f/8="} {
		bins.put(t, fmt.Sprintf(`{"pk":"p","sk":{"B":%q}}`, b))
	}
	bins.call(t, "Query", queryRequest(t, `pk = {"p"}`)).check(t,
		`{"Items":[{"pk":"p","sk":{"B":"AA=="}},{"pk":"p","sk":{"B":"AAA="}},
		{"pk":"p","sk":{"B":"fw=="}},{"pk":"p","sk":{"B":"f/8="}},{"pk":"p","sk":{"B":"gA=="}},{"pk":"p","sk":{"B":"/w=="}}]}`)
	bins.call(t, "Query", queryRequest(t, `pk = {"p"} AND begins_with(sk, {{"B":"fw=="}})`)).check(t,
		`{"Items":[{"pk":"p","sk":{"B":"fw=="}},{"pk":"p","sk":{"B":"f/8="}}]}`)
	nums := newTable(t, "pk S, sk N")
	nums.call(t, "Query", queryRequest(t, `pk = {"p"} AND begins_with(sk, {1})`)).check(t,
		"ValidationException: Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
}

// API reference, Query: Select.
func TestSelect(t *testing.T) {
	tb := newTable(t, "pk S, sk S", "GSI gsi-keys: sk S: KEYS_ONLY", "GSI gsi-all: sk S: ALL",
		"GSI gsi-some: sk S, n N: x", "LSI lsi: pk S, n N: KEYS_ONLY")
	tb.put(t, `{"pk":"p","sk":"s","n":1,"x":2,"y":3}`)
	const v = "ValidationException: "
	all := `{"pk":"p","sk":"s","n":1,"x":2,"y":3}`
	tb.steps(t, []step{
		{"all", "Query", queryRequest(t, `pk = {"p"}`, `"Select":"ALL_ATTRIBUTES"`), `{"Items":[` + all + `]}`},
		{"count", "Query", queryRequest(t, `pk = {"p"}`, `"Select":"COUNT"`),
			`{"Items":null,"Count":1,"ScannedCount":1}`},
		{"specific", "Query", queryRequest(t, `pk = {"p"}`,
			`"Select":"SPECIFIC_ATTRIBUTES","ProjectionExpression":"y"`), `{"Items":[{"y":3}]}`},
		{"projection alone", "Query", queryRequest(t, `pk = {"p"}`, `"ProjectionExpression":"sk, n"`),
			`{"Items":[{"sk":"s","n":1}]}`},
		{"projected of the table", "Query", queryRequest(t, `pk = {"p"}`, `"Select":"ALL_PROJECTED_ATTRIBUTES"`),
			v + "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
		{"projection with ALL", "Query", queryRequest(t, `pk = {"p"}`,
			`"Select":"ALL_ATTRIBUTES","ProjectionExpression":"y"`),
			v + "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"},
		{"projection with COUNT", "Query", queryRequest(t, `pk = {"p"}`,
			`"Select":"COUNT","ProjectionExpression":"y"`),
			v + "Cannot specify the ProjectionExpression when choosing to get COUNT"},
		{"unknown", "Query", queryRequest(t, `pk = {"p"}`, `"Select":"SOME"`),
			v + "1 validation error detected: Value 'SOME' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"},
		{"specific without projection", "Query", queryRequest(t, `pk = {"p"}`, `"Select":"SPECIFIC_ATTRIBUTES"`),
			v + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{"ALL of a narrow global index", "Query",
			queryRequest(t, `sk = {"s"}`, `"IndexName":"gsi-keys","Select":"ALL_ATTRIBUTES"`),
			v + "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index gsi-keys because its projection type is not ALL"},
		{"ALL of a full global index", "Query",
			queryRequest(t, `sk = {"s"}`, `"IndexName":"gsi-all","Select":"ALL_ATTRIBUTES"`),
			`{"Items":[` + all + `]}`},
		{"ALL of a narrow local index", "Query",
			queryRequest(t, `pk = {"p"}`, `"IndexName":"lsi","Select":"ALL_ATTRIBUTES"`), `{"Items":[` + all + `]}`},
		{"keys of a global index", "Query", queryRequest(t, `sk = {"s"}`, `"IndexName":"gsi-keys"`),
			`{"Items":[{"pk":"p","sk":"s"}]}`},
		{"include of a global index", "Query",
			queryRequest(t, `sk = {"s"}`, `"IndexName":"gsi-some","Select":"ALL_PROJECTED_ATTRIBUTES"`),
			`{"Items":[{"pk":"p","sk":"s","n":1,"x":2}]}`},
		{"keys of a local index", "Query", queryRequest(t, `pk = {"p"}`, `"IndexName":"lsi"`),
			`{"Items":[{"pk":"p","sk":"s","n":1}]}`},
		{"an attribute that a local index lacks", "Query",
			queryRequest(t, `pk = {"p"}`, `"IndexName":"lsi","ProjectionExpression":"y"`), `{"Items":[{"y":3}]}`},
		{"an attribute that a global index lacks", "Query",
			queryRequest(t, `sk = {"s"}`, `"IndexName":"gsi-keys","ProjectionExpression":"y"`),
			v + "One or more parameter values were invalid: Global secondary index gsi-keys does not project [y]"},
		{"count of an index", "Scan", `{"IndexName":"gsi-some","Select":"COUNT"}`, `{"Count":1,"Items":null}`},
	})
}
