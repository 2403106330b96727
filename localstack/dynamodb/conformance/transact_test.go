package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// Developer Guide, "Amazon DynamoDB Transactions: How it works"; API reference,
// TransactWriteItems and TransactGetItems.

// writes returns a request of TransactWriteItems or TransactGetItems with these
// actions.
func writes(actions ...string) string {
	return `{"TransactItems":[` + strings.Join(actions, ",") + `]}`
}

// action returns one action on the test's table.
func action(kind, members string) string {
	return `{"` + kind + `":{"TableName":"$T",` + members + `}}`
}

// check returns a ConditionCheck of one item.
func check(t testing.TB, pk, condition string) string {
	return action("ConditionCheck",
		fmt.Sprintf(`"Key":{"pk":%q},`, pk)+expressions(t, "ConditionExpression", condition))
}

// put returns a Put of an item with only a key.
func put(pk string) string { return action("Put", fmt.Sprintf(`"Item":{"pk":%q}`, pk)) }

func TestE2_TransactionLimits(t *testing.T) {
	tb := newTable(t, "pk S")
	puts := func(n int) (actions []string) {
		for i := range n {
			actions = append(actions, put(fmt.Sprint("item ", i)))
		}
		return actions
	}
	gets := func(n int) (actions []string) {
		for i := range n {
			actions = append(actions, action("Get", fmt.Sprintf(`"Key":{"pk":"item %d"}`, i)))
		}
		return actions
	}
	large := func(n int) (actions []string) { // 350 KB each: twelve exceed 4 MB
		for i := range n {
			actions = append(actions, action("Put",
				fmt.Sprintf(`"Item":{"pk":"large %d","x":%s}`, i, quoted("x", 350<<10))))
		}
		return actions
	}
	const twice = "ValidationException: Transaction request cannot include multiple operations on one item"
	tb.steps(t, []step{
		{"100 actions", "TransactWriteItems", writes(puts(100)...), "{}"},
		{"101", "TransactWriteItems", writes(puts(101)...), "ValidationException: 1 validation error detected: …"},
		{"none", "TransactWriteItems", writes(), "ValidationException: 1 validation error detected: …"},
		{"100 reads", "TransactGetItems", writes(gets(100)...), "{}"},
		{"101 reads", "TransactGetItems", writes(gets(101)...), "ValidationException: 1 validation error detected: …"},
		{"under 4 MB", "TransactWriteItems", writes(large(11)...), "{}"},
		{"two actions on one item", "TransactWriteItems",
			writes(put("a"), action("Delete", `"Key":{"pk":"a"}`)), twice},
		{"a check and a write of one item", "TransactWriteItems",
			writes(check(t, "a", "attribute_not_exists(pk)"), put("a")), twice},
		{"one item read twice", "TransactGetItems", writes(gets(1)[0], gets(1)[0]), twice},
		{"two kinds in one action", "TransactWriteItems",
			`{"TransactItems":[{"Put":{"TableName":"$T","Item":{"pk":"a"}},"Delete":{"TableName":"$T","Key":{"pk":"a"}}}]}`, "ValidationException: TransactItems can only contain one of Check, Put, Update or Delete"},
		{"no table", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"conformance-nothing","Item":{"pk":"a"}}}]}`, "ResourceNotFoundException: Requested resource not found"},
	})
	tb.get(t, `{"pk":"a"}`).check(t, `{"Item":null}`)
	if got := tb.call(t, "TransactWriteItems", writes(large(12)...)); got.Status != 400 {
		t.Errorf("over 4 MB: got %s, want status 400", got)
	}
}

func TestTransactionsWrite(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"old","n":1}`, `{"pk":"gone"}`)
	tb.must(t, "TransactWriteItems", writes(put("new"), check(t, "none", "attribute_not_exists(pk)"),
		action("Delete", `"Key":{"pk":"gone"}`),
		action("Update",
			`"Key":{"pk":"old"},`+expressions(t, "UpdateExpression", "SET n = n + {1}",
				"ConditionExpression", "n = {1}"))))
	tb.call(t, "TransactGetItems", writes(action("Get", `"Key":{"pk":"old"}`),
		action("Get", `"Key":{"pk":"gone"}`), action("Get", `"Key":{"pk":"new"},"ProjectionExpression":"n"`))).
		check(t, `{"Responses":[{"Item":{"pk":"old","n":2}},{"Item":null},{"Item":null}]}`)
	t.Run("all or nothing", func(t *testing.T) {
		tb.call(t, "TransactWriteItems", writes(put("never"),
			check(t, "none", "attribute_exists(pk)"))).check(t, "TransactionCanceledException")
		tb.get(t, `{"pk":"never"}`).check(t, `{"Item":null}`)
	})
}

// The reasons of a single action. Conflicts are in conflict_test.go.
func TestE3_CancellationReasons(t *testing.T) {
	tb := newTable(t, "pk S", "GSI by-n: n N: ALL")
	tb.put(t, `{"pk":"a","n":1}`, fmt.Sprintf(`{"pk":"full","x":%s}`, quoted("x", itemLimit-10)))
	for _, c := range []struct {
		name, failing, code, message string
	}{
		{"a check", check(t, "a", "n = {2}"), "ConditionalCheckFailed", "The conditional request failed"},
		{"a put", action("Put", `"Item":{"pk":"a"},"ConditionExpression":"attribute_not_exists(pk)"`),
			"ConditionalCheckFailed", "The conditional request failed"},
		{"a delete", action("Delete", `"Key":{"pk":"none"},"ConditionExpression":"attribute_exists(pk)"`),
			"ConditionalCheckFailed", "The conditional request failed"},
		{"an update", action("Update",
			`"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", "SET n = {2}", "ConditionExpression",
				"n = {2}")), "ConditionalCheckFailed", "The conditional request failed"},
		{"a wrong operand", action("Update",
			`"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", `ADD n {{"SS":["x"]}}`)),
			"ValidationError", "An operand in the update expression has an incorrect data type"},
		{"an invalid path", action("Update",
			`"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", `SET m.x = {1}`)), "ValidationError",
			"The document path provided in the update expression is invalid for update"},
		{"a missing attribute", action("Update",
			`"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", `SET k = gone`)), "ValidationError",
			"The provided expression refers to an attribute that does not exist in the item"},
		{"an item that grows too large", action("Update",
			`"Key":{"pk":"full"},`+expressions(t, "UpdateExpression", `SET y = {"0123456789"}`)),
			"ValidationError", "Item size to update has exceeded the maximum allowed size"},
		{"an index's key of the wrong type",
			action("Update", `"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", `SET n = {"x"}`)),
			"ValidationError", "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tb.call(t, "TransactWriteItems",
				writes(put("new"), c.failing, check(t, "b", "attribute_not_exists(n)")))
			got.check(t, "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, "+c.code+", None]")
			if problem := differs(got.at("CancellationReasons"),
				toWire(t, fmt.Sprintf(`[{"Code":"None","Message":null},{"Code":%q},{"Code":"None","Message":null}]`,
					c.code)), ""); problem != "" {
				t.Errorf("%s in %s", problem, got.Text)
			}
			if message, _ := got.at("CancellationReasons", 1, "Message").(string); !textMatches(message, c.message) {
				t.Errorf("got the message %q, want %q", message, c.message)
			}
			if got.Body["Message"] == nil {
				t.Errorf("got no Message in %s, want one", got.Text)
			}
		})
	}
	t.Run("all of them", func(t *testing.T) {
		got := tb.call(t, "TransactWriteItems",
			writes(check(t, "a", "n = {2}"), check(t, "b", "attribute_not_exists(pk)"),
				check(t, "c", "attribute_exists(pk)")))
		got.check(t, "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None, ConditionalCheckFailed]")
	})
	tb.get(t, `{"pk":"new"}`).check(t, `{"Item":null}`)
	tb.get(t, `{"pk":"a"}`).check(t, `{"Item":{"pk":"a","n":1}}`)
}

func TestE5_ClientRequestToken(t *testing.T) {
	tb := newTable(t, "pk S")
	with := func(token, n string, more ...string) string {
		return `{"ClientRequestToken":"` + token + `",` + strings.Join(append(more, ""), ",") +
			strings.TrimPrefix(writes(action("Update",
				`"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", "ADD n {"+n+"}"))), "{")
	}
	first, second := "first-"+newName()[12:], "second-"+newName()[12:]
	const total = `"ReturnConsumedCapacity":"TOTAL"`
	tb.steps(t, []step{
		{"once", "TransactWriteItems", with(first, "1", total),
			`{"ConsumedCapacity":[{"TableName":"$T","CapacityUnits":2,"WriteCapacityUnits":2}]}`},
		{"again does nothing and costs reads", "TransactWriteItems", with(first, "1", total),
			`{"ConsumedCapacity":[{"TableName":"$T","CapacityUnits":2,"ReadCapacityUnits":2,"WriteCapacityUnits":null}]}`},
		{"another request", "TransactWriteItems", with(first, "2"), "IdempotentParameterMismatchException"},
		{"another token", "TransactWriteItems", with(second, "1"), "{}"},
		{"36 characters", "TransactWriteItems", with(strings.Repeat("t", 36-8)+newName()[12:20], "1"), "{}"},
		{"37 characters", "TransactWriteItems", with(strings.Repeat("t", 37), "1"),
			"ValidationException: 1 validation error detected: …"},
		{"the item", "GetItem", `{"Key":{"pk":"a"},"ConsistentRead":true}`, `{"Item":{"pk":"a","n":3}}`},
	})
	t.Run("a failed transaction can be retried", func(t *testing.T) {
		token := "failed-" + newName()[12:]
		request := `{"ClientRequestToken":"` + token + `",` +
			strings.TrimPrefix(writes(check(t, "late", "attribute_exists(pk)"), put("then")), "{")
		tb.call(t, "TransactWriteItems", request).check(t, "TransactionCanceledException")
		tb.put(t, `{"pk":"late"}`)
		tb.call(t, "TransactWriteItems", request).check(t, "{}")
	})
}

// TestTransactionRequestErrors has errors that the request alone decides: they
// are those of the request, not reasons to cancel the transaction.
func TestTransactionRequestErrors(t *testing.T) {
	tb := newTable(t, "pk S", "GSI by-s: s S: ALL", "GSI by-b: b B: ALL")
	tb.put(t, `{"pk":"a","k":1}`)
	const v = "ValidationException: "
	const emptyKey = v + "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
	const emptyIndexKey = v + "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-s, IndexKey: s"
	const emptyUpdate = v + "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty "
	const cancelled = "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError]"
	const nowhere = `{"Put":{"TableName":"conformance-nothing","Item":{"pk":"a"}}}`
	const malformed = "Invalid ConditionExpression: Syntax error; …"
	const unused = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
	update := func(expression string) string {
		return action("Update", `"Key":{"pk":"a"},`+expressions(t, "UpdateExpression", expression))
	}
	get := func(more string) string { return action("Get", more) }
	tb.steps(t, []step{
		{"put of an empty key", "TransactWriteItems", writes(put("b"), action("Put", `"Item":{"pk":""}`)), emptyKey},
		{"delete of an empty key", "TransactWriteItems", writes(action("Delete", `"Key":{"pk":""}`)), emptyKey},
		{"update of an empty key", "TransactWriteItems",
			writes(action("Update", `"Key":{"pk":""},"UpdateExpression":"REMOVE k"`)), emptyKey},
		{"check of an empty key", "TransactWriteItems", writes(check(t, "", "attribute_exists(pk)")), emptyKey},
		{"put of an empty index key", "TransactWriteItems",
			writes(action("Put", `"Item":{"pk":"b","s":""}`)), emptyIndexKey},
		{"update to an empty index key", "TransactWriteItems", writes(put("b"), update(`SET s = {""}`)),
			emptyUpdate + "string value."},
		{"update to an empty binary", "TransactWriteItems", writes(update(`SET b = {{"B":""}}`)),
			emptyUpdate + "binary value."},
		{"update alone to an empty index key", "UpdateItem", `{"Key":{"pk":"a"},` +
			expressions(t, "UpdateExpression", `SET s = {""}`) + `}`, emptyUpdate + "string value."},
		{"put of a large item", "TransactWriteItems",
			writes(put("b"), action("Put", `"Item":{"pk":"b2","x":`+quoted("x", itemLimit)+`}`)),
			v + "Item size has exceeded the maximum allowed size"},
		{"key of another type", "TransactWriteItems", writes(action("Delete", `"Key":{"pk":1}`)), cancelled},
		{"item's key of another type", "TransactWriteItems", writes(action("Put", `"Item":{"pk":1}`)), cancelled},
		{"item without its key", "TransactWriteItems", writes(action("Put", `"Item":{"k":1}`)), cancelled},
		{"index key of another type", "TransactWriteItems",
			writes(action("Put", `"Item":{"pk":"b","s":1}`)), cancelled},
		{"read of an empty key", "TransactGetItems", writes(get(`"Key":{"pk":""}`)), cancelled},
		{"malformed and no table", "TransactWriteItems", writes(nowhere, check(t, "a", "pk = = pk")), v + malformed},
		{"unused value and no table", "TransactWriteItems",
			writes(nowhere, action("Put",
				`"Item":{"pk":"c"},"ConditionExpression":"attribute_not_exists(pk)","ExpressionAttributeValues":{":v":1}`)),
			v + unused},
		{"malformed read and no table", "TransactGetItems",
			writes(`{"Get":{"TableName":"conformance-nothing","Key":{"pk":"a"}}}`,
				get(`"Key":{"pk":"a"},"ProjectionExpression":"a..b"`)),
			v + "Invalid ProjectionExpression: Syntax error; …"},
		{"malformed batch and no table", "BatchGetItem",
			`{"RequestItems":{"conformance-nothing":{"Keys":[{"pk":"a"}]},"zzz-nothing":{"Keys":[{"pk":"a"}],"ProjectionExpression":"a..b"}}}`,
			v + "Invalid ProjectionExpression: Syntax error; …"},
		{"malformed statement and no table", "ExecuteTransaction",
			`{"TransactStatements":[{"Statement":"DELETE FROM \"conformance-nothing\" WHERE pk='a'"},{"Statement":"DELETE DELETE"}]}`,
			"ValidationException"},
		{"no table", "TransactWriteItems", writes(nowhere, put("b")), "ResourceNotFoundException"},
		{"nothing was written", "Scan", `{}`, `{"Items":[{"pk":"a","k":1}]}`},
	})
}

// An update checks the index keys that it writes: an item may hold a value from
// before the index.
func TestUpdateBesideUnfitIndexKey(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","n":"text"}`)
	tb.must(t, "UpdateTable", `{"AttributeDefinitions":[{"AttributeName":"n","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"by-n","KeySchema":[{"AttributeName":"n","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`)
	tb.active(t)
	const mismatch = "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S IndexName: by-n"
	tb.steps(t, []step{
		{"another attribute", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", "SET k = {1}") + `}`, "{}"},
		{"the index key", "UpdateItem", `{"Key":{"pk":"a"},` +
			expressions(t, "UpdateExpression", `SET n = {"x"}`) + `}`,
			"ValidationException: The update expression attempted to update the secondary index key to unsupported type"},
		{"the index key, legacy", "UpdateItem",
			`{"Key":{"pk":"a"},"AttributeUpdates":{"n":{"Value":{"S":"x"}}}}`, mismatch},
		{"another attribute, legacy", "UpdateItem",
			`{"Key":{"pk":"a"},"AttributeUpdates":{"j":{"Value":{"S":"x"}}}}`, "{}"},
		{"put", "PutItem", `{"Item":{"pk":"a","n":"x"}}`, mismatch},
	})
}
