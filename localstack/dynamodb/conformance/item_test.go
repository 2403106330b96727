package conformance

import "testing"

// API reference: PutItem, GetItem, UpdateItem, DeleteItem.

func TestReturnValues(t *testing.T) {
	tb := newTable(t, "pk S")
	const onlyOld = "ValidationException: ReturnValues can only be ALL_OLD or NONE"
	tb.steps(t, []step{
		{"put, new", "PutItem", `{"Item":{"pk":"a","n":1},"ReturnValues":"ALL_OLD"}`, `{"Attributes":null}`},
		{"put, old", "PutItem", `{"Item":{"pk":"a","n":2},"ReturnValues":"ALL_OLD"}`,
			`{"Attributes":{"pk":"a","n":1}}`},
		{"put, none", "PutItem", `{"Item":{"pk":"a","n":3,"m":{"x":1,"y":2},"l":[1,2,3]},"ReturnValues":"NONE"}`, `{"Attributes":null}`},
		{"put, by default", "PutItem", `{"Item":{"pk":"b"}}`, `{"Attributes":null}`},
		{"put, ALL_NEW", "PutItem", `{"Item":{"pk":"a"},"ReturnValues":"ALL_NEW"}`, onlyOld},
		{"put, UPDATED_NEW", "PutItem", `{"Item":{"pk":"a"},"ReturnValues":"UPDATED_NEW"}`, onlyOld},
		{"put, unknown", "PutItem", `{"Item":{"pk":"a"},"ReturnValues":"SOME"}`,
			"ValidationException: 1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"},
		{"update, none", "UpdateItem", `{"Key":{"pk":"a"},` +
			expressions(t, "UpdateExpression", "SET n = {4}") + `}`, `{"Attributes":null}`},
		{"update, ALL_OLD", "UpdateItem", `{"Key":{"pk":"b"},` +
			expressions(t, "UpdateExpression", "SET n = {5}") + `,"ReturnValues":"ALL_OLD"}`,
			`{"Attributes":{"pk":"b"}}`},
		{"update, ALL_NEW", "UpdateItem", `{"Key":{"pk":"b"},` +
			expressions(t, "UpdateExpression", "SET n = {6}") + `,"ReturnValues":"ALL_NEW"}`,
			`{"Attributes":{"pk":"b","n":6}}`},
		{"update, UPDATED_OLD", "UpdateItem",
			`{"Key":{"pk":"b"},` + expressions(t, "UpdateExpression", "SET n = {7}, k = {1}") +
				`,"ReturnValues":"UPDATED_OLD"}`, `{"Attributes":{"n":6}}`},
		{"update, UPDATED_NEW", "UpdateItem",
			`{"Key":{"pk":"b"},` + expressions(t, "UpdateExpression", "SET n = {8} REMOVE k") +
				`,"ReturnValues":"UPDATED_NEW"}`, `{"Attributes":{"n":8}}`},
		{"update, UPDATED_NEW of what did not change", "UpdateItem",
			`{"Key":{"pk":"b"},` + expressions(t, "UpdateExpression", "SET n = {8}") +
				`,"ReturnValues":"UPDATED_NEW"}`, `{"Attributes":{"n":8}}`},
		{"update, UPDATED_NEW of a removal", "UpdateItem",
			`{"Key":{"pk":"b"},"UpdateExpression":"REMOVE n","ReturnValues":"UPDATED_NEW"}`, `{}`},
		{"update, UPDATED_OLD of nothing", "UpdateItem",
			`{"Key":{"pk":"b"},"UpdateExpression":"REMOVE n","ReturnValues":"UPDATED_OLD"}`, `{}`},
		{"update, nested UPDATED_NEW", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", "SET m.x = {9}, l[1] = {8}") +
				`,"ReturnValues":"UPDATED_NEW"}`, `{"Attributes":{"m":{"x":9},"l":[8]}}`},
		{"update, nested UPDATED_OLD", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", "SET m.x = {7}, l[2] = {8}") +
				`,"ReturnValues":"UPDATED_OLD"}`, `{"Attributes":{"m":{"x":9},"l":[3]}}`},
		{"update of a new item, ALL_OLD", "UpdateItem",
			`{"Key":{"pk":"c"},` + expressions(t, "UpdateExpression", "SET n = {5}") +
				`,"ReturnValues":"ALL_OLD"}`, `{"Attributes":null}`},
		{"update of a new item, ALL_NEW", "UpdateItem",
			`{"Key":{"pk":"d"},` + expressions(t, "UpdateExpression", "ADD n {5}") +
				`,"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":"d","n":5}}`},
		{"delete, none", "DeleteItem", `{"Key":{"pk":"d"}}`, `{"Attributes":null}`},
		{"delete, ALL_OLD", "DeleteItem", `{"Key":{"pk":"c"},"ReturnValues":"ALL_OLD"}`,
			`{"Attributes":{"pk":"c","n":5}}`},
		{"delete of nothing", "DeleteItem", `{"Key":{"pk":"c"},"ReturnValues":"ALL_OLD"}`, `{"Attributes":null}`},
		{"delete, ALL_NEW", "DeleteItem", `{"Key":{"pk":"c"},"ReturnValues":"ALL_NEW"}`, onlyOld},
		{"delete, UPDATED_OLD", "DeleteItem", `{"Key":{"pk":"c"},"ReturnValues":"UPDATED_OLD"}`, onlyOld},
	})
}

func TestGetItem(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","n":1,"m":{"x":[1,{"y":2}],"z":3},"l":[10,20,30]}`)
	const key = `"Key":{"pk":"a"},"ConsistentRead":true`
	const invalid = "ValidationException: Invalid ProjectionExpression: "
	tb.steps(t, []step{
		{"whole", "GetItem", `{` + key + `}`, `{"Item":{"pk":"a","n":1,"m":{"x":[1,{"y":2}],"z":3},"l":[10,20,30]}}`},
		{"nothing", "GetItem", `{"Key":{"pk":"none"}}`, `{"Item":null}`},
		{"top level", "GetItem", `{` + key + `,"ProjectionExpression":"n, pk"}`, `{"Item":{"pk":"a","n":1}}`},
		{"nested", "GetItem", `{` + key + `,"ProjectionExpression":"m.x[1].y"}`, `{"Item":{"m":{"x":[{"y":2}]}}}`},
		{"list elements, in the list's order", "GetItem",
			`{` + key + `,"ProjectionExpression":"l[2], l[0]"}`, `{"Item":{"l":[10,30]}}`},
		{"two of a map", "GetItem", `{` + key + `,"ProjectionExpression":"m.z, m.x[0]"}`,
			`{"Item":{"m":{"z":3,"x":[1]}}}`},
		{"what is not there", "GetItem", `{` + key + `,"ProjectionExpression":"n, gone, m.gone, l[9]"}`,
			`{"Item":{"n":1}}`},
		{"only what is not there", "GetItem", `{` + key + `,"ProjectionExpression":"gone"}`, `{"Item":{}}`},
		{"a projection of nothing", "GetItem", `{"Key":{"pk":"none"},"ProjectionExpression":"n"}`, `{"Item":null}`},
		{"one path twice", "GetItem", `{` + key + `,"ProjectionExpression":"n, n"}`,
			invalid + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]"},
		{"a path in another", "GetItem", `{` + key + `,"ProjectionExpression":"m.x, m"}`,
			invalid + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, x], path two: [m]"},
		{"paths at odds", "GetItem", `{` + key + `,"ProjectionExpression":"m.x, m[0]"}`,
			invalid + "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, x], path two: [m, [0]]"},
		{"a value", "GetItem", `{` + key + `,"ProjectionExpression":":v"}`,
			invalid + `Syntax error; token: ":v", near: ":v"`},
		{"a comma", "GetItem", `{` + key + `,"ProjectionExpression":"n,"}`,
			invalid + `Syntax error; token: "<EOF>", near: ","`},
		{"a function", "GetItem", `{` + key + `,"ProjectionExpression":"size(n)"}`,
			"ValidationException: Invalid ProjectionExpression: …"},
		{"no table", "GetItem", `{"TableName":"conformance-nothing","Key":{"pk":"a"}}`,
			"ResourceNotFoundException: Requested resource not found"},
	})
}

// API reference, ReturnValuesOnConditionCheckFailure.
func TestE4_OldItemOfAFailedCondition(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","n":1}`)
	never := expressions(t, "ConditionExpression", "n = {2}")
	for _, operation := range []struct{ name, key string }{{"PutItem", `"Item":{"pk":"a","n":3}`},
		{"UpdateItem", `"Key":{"pk":"a"}`}, {"DeleteItem", `"Key":{"pk":"a"}`}} {
		for _, c := range []struct{ name, more, item string }{
			{"ALL_OLD", `,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`, `{"Item":{"pk":"a","n":1}}`},
			{"NONE", `,"ReturnValuesOnConditionCheckFailure":"NONE"`, `{"Item":null}`},
			{"by default", ``, `{"Item":null}`},
		} {
			t.Run(operation.name+" "+c.name, func(t *testing.T) {
				got := tb.call(t, operation.name,
					`{`+operation.key+`,`+never+c.more+`,"ReturnConsumedCapacity":"TOTAL"}`)
				got.check(t, "ConditionalCheckFailedException: The conditional request failed")
				if problem := differs(got.Body, toWire(t, c.item), ""); problem != "" {
					t.Errorf("%s in %s", problem, got.Text)
				}
			})
		}
	}
	t.Run("of no item", func(t *testing.T) {
		got := tb.call(t, "DeleteItem", `{"Key":{"pk":"none"},`+never+
			`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`)
		got.check(t, "ConditionalCheckFailedException: The conditional request failed")
		if got.at("Item") != nil {
			t.Errorf("got an item in %s, want none", got.Text)
		}
	})
	t.Run("in a transaction", func(t *testing.T) {
		got := tb.call(t, "TransactWriteItems", `{"TransactItems":[
			{"Put":{"TableName":"$T","Item":{"pk":"new"}}},
			{"Delete":{"TableName":"$T","Key":{"pk":"a"},`+never+`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}},
			{"ConditionCheck":{"TableName":"$T","Key":{"pk":"none"},`+never+
			`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}]}`)
		got.check(t, "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]")
		if problem := differs(got.Body, toWire(t, `{"CancellationReasons":[{"Code":"None","Item":null,"Message":null},
			{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"pk":"a","n":1}},
			{"Code":"ConditionalCheckFailed","Item":null}]}`), ""); problem != "" {
			t.Errorf("%s in %s", problem, got.Text)
		}
	})
	tb.get(t, `{"pk":"a"}`).check(t, `{"Item":{"pk":"a","n":1}}`)
	tb.get(t, `{"pk":"new"}`).check(t, `{"Item":null}`)
}

// Developer Guide, "Working with items", conditional writes.
func TestConditionalWrites(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.steps(t, []step{
		{"create", "PutItem", `{"Item":{"pk":"a","v":1},"ConditionExpression":"attribute_not_exists(pk)"}`, "{}"},
		{"not twice", "PutItem", `{"Item":{"pk":"a","v":2},"ConditionExpression":"attribute_not_exists(pk)"}`, "ConditionalCheckFailedException: The conditional request failed"},
		{"update an existing item", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", "SET v = v + {1}",
				"ConditionExpression", "v = {1}") + `,"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":"a","v":2}}`},
		{"not a changed item", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", "SET v = v + {1}",
				"ConditionExpression", "v = {1}") + `}`, "ConditionalCheckFailedException"},
		{"not a missing item", "UpdateItem",
			`{"Key":{"pk":"b"},` + expressions(t, "UpdateExpression", "SET v = {1}", "ConditionExpression",
				"attribute_exists(pk)") + `}`, "ConditionalCheckFailedException"},
		{"a failed condition is reported before a bad path", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", "SET m.x = {1}",
				"ConditionExpression", "v = {1}") + `}`, "ConditionalCheckFailedException"},
		{"delete on a condition", "DeleteItem",
			`{"Key":{"pk":"a"},` + expressions(t, "ConditionExpression", "v > {5}") + `}`,
			"ConditionalCheckFailedException"},
		{"delete", "DeleteItem", `{"Key":{"pk":"a"},` + expressions(t, "ConditionExpression", "v < {5}") + `}`, "{}"},
		{"delete again", "DeleteItem", `{"Key":{"pk":"a"}}`, "{}"},
		{"delete nothing on a condition", "DeleteItem",
			`{"Key":{"pk":"a"},"ConditionExpression":"attribute_exists(pk)"}`, "ConditionalCheckFailedException"},
		{"delete nothing on its absence", "DeleteItem",
			`{"Key":{"pk":"a"},"ConditionExpression":"attribute_not_exists(pk)"}`, "{}"},
		{"condition on the key", "PutItem",
			`{"Item":{"pk":"k"},` + expressions(t, "ConditionExpression", `pk <> {"k"}`) + `}`, "{}"},
	})
}
