package conformance

import "testing"

// Developer Guide, "Using update expressions in DynamoDB"
// (Expressions.UpdateExpressions).

func TestUpdateSet(t *testing.T) {
	tb := newTable(t, "pk S")
	checkUpdates(t, tb, []updateTest{
		{`{"a":1}`, "SET a = {2}, b = {3}", `{"a":2,"b":3}`},
		{"", "SET a = {2}", `{"a":2}`},
		{`{"a":1}`, "set a = {2}", `{"a":2}`},
		{`{"a":1,"b":2}`, "SET a = b", `{"a":2,"b":2}`},
		{`{"a":1,"b":2}`, "SET a = b, b = a", `{"a":2,"b":1}`}, // operands are those of the old item
		{`{"a":1}`, "SET a = a + {2}", `{"a":3}`},
		{`{"a":1}`, "SET a = {2} - a", `{"a":1}`},
		{`{"a":0.1}`, "SET a = a + {0.2}", `{"a":0.3}`},
		{`{"a":5,"b":3}`, "SET c = a - b", `{"a":5,"b":3,"c":2}`},
		{`{"a":1}`, "SET b = if_not_exists(b, {9}), a = if_not_exists(a, {9})", `{"a":1,"b":9}`},
		{"", "SET n = if_not_exists(n, {0}) + {1}", `{"n":1}`},
		{`{"a":1}`, "SET b = if_not_exists(gone, a)", `{"a":1,"b":1}`},
		{`{"l":[1]}`, "SET l = list_append(l, {[2,3]})", `{"l":[1,2,3]}`},
		{`{"l":[1]}`, "SET l = list_append({[0]}, l)", `{"l":[0,1]}`},
		{`{"l":[1]}`, "SET l = list_append(l, l)", `{"l":[1,1]}`},
		{"", "SET l = list_append(if_not_exists(l, {[]}), {[1]})", `{"l":[1]}`},
		{`{"m":{"x":1}}`, "SET m.x = {2}, m.y = {3}", `{"m":{"x":2,"y":3}}`},
		{`{"l":[1,2,3]}`, "SET l[1] = {9}", `{"l":[1,9,3]}`},
		{`{"l":[1]}`, "SET l[7] = {9}, l[5] = {8}",
			`{"l":[1,8,9]}`}, // past the end: appended in the order of the indexes
		{`{"m":{"l":[{"x":1}]}}`, "SET m.l[0].x = m.l[0].x + {1}", `{"m":{"l":[{"x":2}]}}`},
		{`{"a":1}`, "SET a = {null}", `{"a":null}`},
		{`{"a":1}`, `SET a = {""}`, `{"a":""}`},
		{`{"a":1}`, "SET a = {{\"SS\":[\"x\"]}}", `{"a":{"SS":["x"]}}`},
		{`{"a":1}`, "SET a = {1} + {2}", `{"a":3}`},
		{`{"a":1}`, "SET a = (a + {2})", `{"a":3}`},
	})
}

func TestUpdateRemove(t *testing.T) {
	tb := newTable(t, "pk S")
	checkUpdates(t, tb, []updateTest{
		{`{"a":1,"b":2}`, "REMOVE a", `{"b":2}`},
		{`{"b":2}`, "REMOVE a", `{"b":2}`},
		{"", "REMOVE a", "no item"},
		{"", "REMOVE m.x, l[0]", "no item"},
		{"", `REMOVE a DELETE s {{"SS":["a"]}}`, "no item"},
		{"", "REMOVE a SET b = {1}", `{"b":1}`},
		{"", "REMOVE a ADD n {1}", `{"n":1}`},
		{`{"l":[0,1,2,3]}`, "REMOVE l[0], l[2]", `{"l":[1,3]}`}, // indexes are those of the old list
		{`{"l":[0,1]}`, "REMOVE l[9]", `{"l":[0,1]}`},
		{`{"m":{"x":1,"y":2}}`, "REMOVE m.x", `{"m":{"y":2}}`},
		{`{"m":{"x":1}}`, "REMOVE m.gone", `{"m":{"x":1}}`},
		{`{"m":{"x":1}}`, "REMOVE m.gone.deeper",
			"The document path provided in the update expression is invalid for update"},
		{`{"l":[0,1]}`, "REMOVE l[0] SET l[1] = {9}", `{"l":[9]}`},
		{`{"a":1}`, "REMOVE a SET b = a", `{"b":1}`},
	})
}

func TestUpdateAdd(t *testing.T) {
	tb := newTable(t, "pk S")
	const wrongType = "An operand in the update expression has an incorrect data type"
	checkUpdates(t, tb, []updateTest{
		{`{"n":1}`, "ADD n {2}", `{"n":3}`}, {`{"n":1}`, "ADD n {-2}", `{"n":-1}`},
		{"", "ADD n {2}", `{"n":2}`}, {`{"a":1}`, "ADD n {2.5}", `{"a":1,"n":2.5}`},
		{`{"s":{"SS":["a"]}}`, `ADD s {{"SS":["b","a"]}}`, `{"s":{"SS":["a","b"]}}`},
		{"", `ADD s {{"NS":["1"]}}`, `{"s":{"NS":["1"]}}`},
		{`{"s":{"NS":["1"]}}`, `ADD s {{"NS":["1.0","2"]}}`, `{"s":{"NS":["1","2"]}}`},
		{`{"s":{"BS":["AQ=="]}}`, `ADD s {{"BS":["Ag=="]}}`, `{"s":{"BS":["AQ==","Ag=="]}}`},
		{`{"m":{"n":1}}`, "ADD m.n {1}, m.k {5}", `{"m":{"n":2,"k":5}}`},
		{`{"n":"x"}`, "ADD n {2}", wrongType}, {`{"n":1}`, `ADD n {{"NS":["1"]}}`, wrongType},
		{`{"s":{"SS":["a"]}}`, `ADD s {{"NS":["1"]}}`, wrongType}, {`{"s":{"SS":["a"]}}`, `ADD s {1}`, wrongType},
		{"", `ADD n {"x"}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"", `ADD n {[1]}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"", `ADD n n`, "Invalid UpdateExpression: Syntax error; token: \"n\", near: \"n n\"…"},
	})
}

func TestUpdateDelete(t *testing.T) {
	tb := newTable(t, "pk S")
	const wrongType = "An operand in the update expression has an incorrect data type"
	checkUpdates(t, tb, []updateTest{
		{`{"s":{"SS":["a","b"]}}`, `DELETE s {{"SS":["a","z"]}}`, `{"s":{"SS":["b"]}}`},
		{`{"s":{"NS":["1","2"]}}`, `DELETE s {{"NS":["1.0"]}}`, `{"s":{"NS":["2"]}}`},
		{`{"s":{"SS":["a"]},"k":1}`, `DELETE s {{"SS":["a"]}}`, `{"k":1}`}, // an empty set is removed
		{`{"k":1}`, `DELETE s {{"SS":["a"]}}`, `{"k":1}`},
		{"", `DELETE s {{"SS":["a"]}}`, "no item"},
		{"", `DELETE m.s {{"SS":["a"]}}`, "no item"},
		{`{"m":{"s":{"SS":["a","b"]}}}`, `DELETE m.s {{"SS":["a"]}}`, `{"m":{"s":{"SS":["b"]}}}`},
		{`{"s":{"SS":["a"]}}`, `DELETE s {{"NS":["1"]}}`, wrongType},
		{`{"s":"a"}`, `DELETE s {{"SS":["a"]}}`, wrongType},
		{"", `DELETE s {"a"}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: STRING, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"", `DELETE s {1}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
	})
}

func TestUpdateRefusals(t *testing.T) {
	tb := newTable(t, "pk S")
	const (
		badPath   = "The document path provided in the update expression is invalid for update"
		missing   = "The provided expression refers to an attribute that does not exist in the item"
		wrongType = "An operand in the update expression has an incorrect data type"
		invalid   = "Invalid UpdateExpression: "
	)
	checkUpdates(t, tb, []updateTest{
		{`{"a":1}`, "SET m.x = {1}", badPath}, {`{"m":1}`, "SET m.x = {1}", badPath},
		{`{"m":{}}`, "SET m[0] = {1}", badPath}, {`{"l":[]}`, "SET l.x = {1}", badPath},
		{`{"l":[]}`, "SET l[0].x = {1}", badPath},
		{`{"m":{}}`, "SET m.x.y = {1}", badPath}, {"", "ADD m.n {1}", badPath},
		{`{"a":1}`, "SET a = gone", missing}, {`{"a":1}`, "SET a = gone + {1}", missing},
		{`{"a":1}`, "SET a = list_append(gone, {[1]})", missing}, {`{"l":[1]}`, "SET a = l[4]", missing},
		{`{"a":"x"}`, "SET a = a + {1}", wrongType}, {`{"a":"x"}`, "SET a = list_append(a, {[1]})", wrongType},
		{"", `SET a = {1} + {"x"}`, invalid +
			"Incorrect operand type for operator or function; operator or function: +, operand type: S"},
		{"", `SET a = list_append({[1]}, {"x"})`,
			invalid + "Incorrect operand type for operator or function; operator or function: list_append, operand type: S"},
		{"", "SET a = list_append({[1]})", invalid +
			"Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1"},
		{"", "SET a = if_not_exists({1}, {2})",
			invalid + "Operator or function requires a document path; operator or function: if_not_exists"},
		{"", "SET a = size(b)", invalid + "The function is not allowed in an update expression; function: size"},
		{"", "SET a = foo(b)", invalid + "Invalid function name; function: foo"},
		{"", "SET a = {1} SET b = {2}", invalid + `The "SET" section can only be used once in an update expression;`},
		{"", "REMOVE a ADD n {1} REMOVE b",
			invalid + `The "REMOVE" section can only be used once in an update expression;`},
		{"", "SET a = {1}, a = {2}", invalid +
			"Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"},
		{"", "SET a = {1} REMOVE a.b", invalid +
			"Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"},
		{"", "SET a[0] = {1}, a.b = {2}", invalid +
			"Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]"},
		{"", "SET pk = {1}", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"},
		{"", "REMOVE pk", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"},
		{"", "SET a = ", invalid + `Syntax error; token: "<EOF>", near: "="`},
		{"", "SET a {1}", invalid + `Syntax error; token: ":v0", near: "a :v0"`},
		{"", "a = {1}", invalid + `Syntax error; token: "a", near: "a ="`},
		{"", "SET a = {1},", invalid + `Syntax error; token: "<EOF>", near: ","`},
		{"", "SET a = {1} + {2} + {3}", invalid + `Syntax error; token: "+", near: ":v1 + :v2"`},
		{"", "SET a = {1} * {2}", invalid + `Syntax error; token: "*", near: ":v0 * :v1"`},
		{`{"n":9.9E125}`, "SET n = n + n", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{`{"n":9.9E125}`, "ADD n {9.9E125}",
			"Number overflow. Attempting to store a number with magnitude larger than supported range"},
	})
	tb.steps(t, []step{
		{"empty", "UpdateItem", `{"Key":{"pk":"e"},"UpdateExpression":""}`,
			"ValidationException: Invalid UpdateExpression: The expression can not be empty;"},
		{"no expression creates the item", "UpdateItem", `{"Key":{"pk":"none"}}`, "{}"},
		{"the created item", "GetItem", `{"Key":{"pk":"none"},"ConsistentRead":true}`, `{"Item":{"pk":"none"}}`},
	})
}
