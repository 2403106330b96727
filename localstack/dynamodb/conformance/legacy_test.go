package conformance

import (
	"fmt"
	"testing"
)

// Developer Guide, "Legacy conditional parameters": the parameters that
// expressions replaced.

func TestLegacyComparisons(t *testing.T) {
	tb := newTable(t, "pk S")
	item := `{"pk":"a","n":5,"s":"bee","ss":{"SS":["x","y"]},"l":[1],"b":{"B":"AQI="}}`
	tb.put(t, item)
	for _, c := range []struct {
		attribute, operator, values string
		holds                       bool
	}{
		{"n", "EQ", `[5]`, true}, {"n", "EQ", `[6]`, false}, {"n", "EQ", `["5"]`, false},
		{"gone", "EQ", `[5]`, false}, {"ss", "EQ", `[{"SS":["y","x"]}]`, true},
		{"n", "NE", `[6]`, true}, {"n", "NE", `[5]`, false}, {"n", "LT", `[6]`, true},
		{"n", "LE", `[5]`, true}, {"n", "GT", `[4]`, true}, {"n", "GE", `[6]`, false}, {"n", "LT", `["6"]`, false},
		{"n", "NOT_NULL", ``, true}, {"gone", "NOT_NULL", ``, false}, {"gone", "NULL", ``, true},
		{"n", "NULL", ``, false},
		{"s", "CONTAINS", `["ee"]`, true}, {"ss", "CONTAINS", `["x"]`, true},
		{"l", "CONTAINS", `[1]`, true}, {"s", "CONTAINS", `["z"]`, false},
		{"s", "NOT_CONTAINS", `["z"]`, true}, {"ss", "NOT_CONTAINS", `["x"]`, false},
		{"s", "BEGINS_WITH", `["be"]`, true}, {"s", "BEGINS_WITH", `["e"]`, false},
		{"b", "BEGINS_WITH", `[{"B":"AQ=="}]`, true},
		{"n", "IN", `[4,5]`, true}, {"n", "IN", `[4]`, false}, {"n", "BETWEEN", `[5,6]`, true},
		{"n", "BETWEEN", `[6,7]`, false},
	} {
		t.Run(c.attribute+" "+c.operator+" "+c.values, func(t *testing.T) {
			condition := fmt.Sprintf(`{%q:{"ComparisonOperator":%q`, c.attribute, c.operator)
			if c.values != "" {
				condition += `,"AttributeValueList":` + c.values
			}
			condition += `}}`
			count, put := `{"Count":0,"ScannedCount":1}`, "ConditionalCheckFailedException: The conditional request failed"
			if c.holds {
				count, put = `{"Count":1,"ScannedCount":1}`, "{}"
			}
			tb.call(t, "Scan", `{"ScanFilter":`+condition+`}`).check(t, count)
			tb.call(t, "Query", `{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]}},"QueryFilter":`+condition+`}`).check(t, count)
			tb.call(t, "PutItem", `{"Item":`+item+`,"Expected":`+condition+`}`).check(t, put)
		})
	}
}

func TestLegacyParameters(t *testing.T) {
	tb := newTable(t, "pk S, sk N")
	tb.put(t, `{"pk":"a","sk":1,"n":1,"s":{"SS":["x","y"]},"k":"v"}`, `{"pk":"a","sk":2,"n":2}`, `{"pk":"a","sk":3}`)
	const invalid = "ValidationException: One or more parameter values were invalid: "
	const unmixed = "ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
	first := `"Key":{"pk":"a","sk":1},`
	tb.steps(t, []step{
		{"keys", "Query", `{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]},"sk":{"ComparisonOperator":"GT","AttributeValueList":[1]}},"AttributesToGet":["sk"]}`, `{"Items":[{"sk":2},{"sk":3}]}`},
		{"keys and a filter expression", "Query",
			`{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]}},` +
				expressions(t, "FilterExpression", "n = {2}") + `}`, `{"Items":[{"pk":"a","sk":2,"n":2}]}`},
		{"keys and a projection expression", "Query",
			`{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]}},"ProjectionExpression":"sk"}`,
			`{"Items":[{"sk":1},{"sk":2},{"sk":3}]}`},
		{"keys twice", "Query", `{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]}},` +
			expressions(t, "KeyConditionExpression", `pk = {"a"}`) + `}`,
			unmixed + "{KeyConditions} Expression parameters: {KeyConditionExpression}"},
		{"key expression and a legacy filter", "Query",
			`{"QueryFilter":{"n":{"ComparisonOperator":"EQ","AttributeValueList":[2]}},` +
				expressions(t, "KeyConditionExpression", `pk = {"a"}`) + `}`,
			unmixed + "{QueryFilter} Expression parameters: {KeyConditionExpression}"},
		{"keys, a legacy filter and a projection expression", "Query",
			`{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]}},"QueryFilter":{"n":{"ComparisonOperator":"EQ","AttributeValueList":[2]}},"ProjectionExpression":"sk"}`,
			unmixed + "{QueryFilter} Expression parameters: {ProjectionExpression}"},
		{"three keys", "Query", `{"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":["a"]},"sk":{"ComparisonOperator":"EQ","AttributeValueList":[1]},"n":{"ComparisonOperator":"EQ","AttributeValueList":[1]}}}`,
			"ValidationException: The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"},
		{"a key without an operator", "Query", `{"KeyConditions":{"pk":{"Value":{"S":"a"}}}}`,
			"ValidationException: 1 validation error detected: Value null at 'keyConditions.pk.member.comparisonOperator' failed to satisfy constraint: Member must not be null"},
		{"a filter without an operator", "Scan", `{"ScanFilter":{"n":{"AttributeValueList":[1]}}}`,
			"ValidationException: 1 validation error detected: Value null at 'scanFilter.n.member.comparisonOperator' failed to satisfy constraint: Member must not be null"},
		{"either", "Scan", `{"ScanFilter":{"n":{"ComparisonOperator":"EQ","AttributeValueList":[2]},"k":{"ComparisonOperator":"NOT_NULL"}},"ConditionalOperator":"OR"}`, `{"Count":2}`},
		{"both", "Scan", `{"ScanFilter":{"n":{"ComparisonOperator":"EQ","AttributeValueList":[2]},"k":{"ComparisonOperator":"NOT_NULL"}}}`, `{"Count":0}`},
		{"attributes", "GetItem", `{` + first + `"AttributesToGet":["n","gone"]}`, `{"Item":{"n":1}}`},
		{"an attribute twice", "GetItem", `{` + first + `"AttributesToGet":["n","n"]}`,
			invalid + "Duplicate value in attribute name: n"},
		{"expected value", "DeleteItem", `{"Key":{"pk":"a","sk":3},"Expected":{"n":{"Value":{"N":"7"}}}}`,
			"ConditionalCheckFailedException"},
		{"expected absence", "DeleteItem", `{"Key":{"pk":"a","sk":3},"Expected":{"n":{"Exists":false}}}`, "{}"},
		{"updates", "UpdateItem", `{` + first +
			`"AttributeUpdates":{"n":{"Action":"ADD","Value":{"N":"2"}},"s":{"Action":"DELETE","Value":{"SS":["x"]}},"k":{"Action":"DELETE"},"p":{"Value":{"BOOL":true}}},"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":"a","sk":1,"n":3,"s":{"SS":["y"]},"p":true}}`},
		{"an addition to a missing item", "UpdateItem",
			`{"Key":{"pk":"b","sk":1},"AttributeUpdates":{"n":{"Action":"ADD","Value":{"N":"2"}}},"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":"b","sk":1,"n":2}}`},
		{"a deletion from a missing item", "UpdateItem",
			`{"Key":{"pk":"c","sk":1},"AttributeUpdates":{"n":{"Action":"DELETE"}}}`, `{}`},
		{"a set's deletion from a missing item", "UpdateItem",
			`{"Key":{"pk":"c","sk":1},"AttributeUpdates":{"s":{"Action":"DELETE","Value":{"SS":["x"]}}},"ReturnValues":"ALL_NEW"}`, `{"Attributes":null}`},
		{"creates no item", "GetItem", `{"Key":{"pk":"c","sk":1},"ConsistentRead":true}`, `{"Item":null}`},
		{"no update of a missing item", "UpdateItem",
			`{"Key":{"pk":"e","sk":1},"AttributeUpdates":{},"ReturnValues":"ALL_NEW"}`,
			`{"Attributes":{"pk":"e","sk":1}}`},
		{"with an expression", "PutItem", `{"Item":{"pk":"a","sk":9},"Expected":{"n":{"Exists":false}},"ConditionExpression":"attribute_not_exists(n)"}`, "ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"},
		{"a value that must not exist", "PutItem",
			`{"Item":{"pk":"a","sk":9},"Expected":{"n":{"Exists":false,"Value":{"N":"1"}}}}`,
			invalid + "Value cannot be used when Exists is false for Attribute: n"},
		{"too few values", "Scan", `{"ScanFilter":{"n":{"ComparisonOperator":"BETWEEN","AttributeValueList":[1]}}}`, invalid + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
		{"values of two types", "Scan", `{"ScanFilter":{"n":{"ComparisonOperator":"IN","AttributeValueList":[1,"a"]}}}`, invalid + "AttributeValues inside AttributeValueList must be of same type"},
		{"a list is appended", "UpdateItem",
			`{"Key":{"pk":"f","sk":1},"AttributeUpdates":{"l":{"Action":"ADD","Value":{"L":[{"N":"1"}]}}},"ReturnValues":"ALL_NEW"}`,
			`{"Attributes":{"pk":"f","sk":1,"l":[1]}}`},
		{"a list is appended to a list", "UpdateItem",
			`{"Key":{"pk":"f","sk":1},"AttributeUpdates":{"l":{"Action":"ADD","Value":{"L":[{"S":"x"},{"N":"1"}]}}},"ReturnValues":"UPDATED_NEW"}`,
			`{"Attributes":{"l":[1,"x",1]}}`},
		{"a list is added to a number", "UpdateItem",
			`{` + first + `"AttributeUpdates":{"n":{"Action":"ADD","Value":{"L":[]}}}}`,
			"ValidationException: Type mismatch for attribute to update"},
		{"a list is deleted", "UpdateItem",
			`{` + first + `"AttributeUpdates":{"l":{"Action":"DELETE","Value":{"L":[]}}}}`,
			invalid + "DELETE action with value is not supported for the type L"},
		{"an addition to a text", "UpdateItem",
			`{` + first + `"AttributeUpdates":{"k":{"Action":"ADD","Value":{"S":"2"}}}}`,
			invalid + "ADD action is not supported for the type S"},
		{"a value to put", "UpdateItem", `{` + first + `"AttributeUpdates":{"k":{"Action":"PUT"}}}`,
			invalid + "Only DELETE action is allowed when no attribute value is specified"},
	})
}
