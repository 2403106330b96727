package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// step is one request and the expected response; see [answer.check].
type step struct{ name, operation, request, want string }

// steps runs requests in order.
func (tb *table) steps(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			want := inEnvelope(s.operation, strings.ReplaceAll(s.want, "$T", tb.name))
			tb.call(t, s.operation, s.request).check(t, want)
		})
	}
}

// requestErrors begin the messages of errors that an operation finds before it
// looks for the table, other than violated constraints.
var requestErrors = []string{
	"Invalid ConditionExpression", "Invalid UpdateExpression", "Value provided in ", "Can not use both ",
	"ExpressionAttributeValues ", "ExpressionAttributeNames must ", "ExpressionAttributeNames contains ",
	"ReturnValues can only ", "The parameter cannot be converted ", "Number overflow", "Number underflow",
	"Attempting to store more than ", "One or more parameter values were invalid: Null attribute ",
	"One or more parameter values were invalid: An string set ",
	"One or more parameter values were invalid: An number set ",
	"One or more parameter values were invalid: Binary sets ",
	"One or more parameter values were invalid: Input collection ",
	"One or more parameter values were invalid: Value ", "One or more parameter values were invalid: ADD action ",
	"One or more parameter values were invalid: DELETE action ",
	"One or more parameter values were invalid: Only DELETE action ",
}

// inEnvelope returns the expected response of an operation with the envelope
// that PutItem, UpdateItem and DeleteItem have around such errors since 2026.
func inEnvelope(operation, want string) string {
	if operation != "PutItem" && operation != "UpdateItem" && operation != "DeleteItem" {
		return want
	}
	message, invalid := strings.CutPrefix(want, "ValidationException: ")
	if strings.Contains(message, "Supplied AttributeValue is empty") { // the structure of a value
		return want
	}
	begins := func(text string) bool { return strings.HasPrefix(message, text) }
	if !invalid || !slices.ContainsFunc(requestErrors, begins) {
		return want
	}
	return "ValidationException: 1 validation error detected: " + message
}

// call sends a request about the table. It adds TableName if it is missing and
// replaces $T by the table's name.
func (tb *table) call(t testing.TB, operation, request string) answer {
	t.Helper()
	return call(t.Context(), t, operation, tb.request(operation, request))
}

// must sends a request and fails the test if it does not succeed.
func (tb *table) must(t testing.TB, operation, request string) answer {
	t.Helper()
	got := tb.call(t, operation, request)
	if got.Status != 200 {
		t.Fatalf("%s: got %s, want success", operation, got)
	}
	return got
}

func (tb *table) request(operation, request string) string {
	request = strings.ReplaceAll(request, "$T", tb.name)
	switch operation {
	case "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems", "ListTables",
		"DescribeLimits", "DescribeEndpoints", "TagResource", "UntagResource", "ListTagsOfResource",
		"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction":
		return request
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(request), &members) != nil {
		return request // toWire reports the error
	}
	if _, has := members["TableName"]; !has {
		members["TableName"] = json.RawMessage(`"` + tb.name + `"`)
	}
	named, err := json.Marshal(members)
	if err != nil {
		panic(err) // cannot happen: the members were decoded from JSON
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

// get reads an item. The response has no Item if there is none.
func (tb *table) get(t testing.TB, key string) answer {
	t.Helper()
	return tb.must(t, "GetItem", `{"ConsistentRead":true,"Key":`+key+`}`)
}

// quoted returns a JSON string of n letters.
func quoted(letter string, n int) string { return `"` + strings.Repeat(letter, n) + `"` }
