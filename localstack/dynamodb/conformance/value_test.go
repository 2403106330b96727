package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// Developer Guide, "Supported data types and naming rules in Amazon DynamoDB",
// "Data types": Number.

func TestNumbers(t *testing.T) {
	tb := newTable(t, "pk S")
	const (
		overflow  = "ValidationException: Number overflow. Attempting to store a number with magnitude larger than supported range"
		underflow = "ValidationException: Number underflow. Attempting to store a number with magnitude smaller than supported range"
		precision = "ValidationException: Attempting to store more than 38 significant digits in a Number"
		nan       = "ValidationException: The parameter cannot be converted to a numeric value: "
		nines     = "99999999999999999999999999999999999999" // 38
	)
	for _, n := range []struct{ in, want string }{
		{"1", "1"}, {"1.0", "1"}, {"01", "1"}, {"+1", "1"}, {"-1", "-1"}, {"1e2", "100"}, {"1E+2", "100"},
		{"100e-2", "1"}, {"0.10", "0.1"}, {".5", "0.5"}, {"5.", "5"},
		{"0", "0"}, {"-0", "0"}, {"0.000", "0"}, {"0e10", "0"}, {"00.00", "0"},
		{nines, nines}, {"-" + nines, "-" + nines}, {"0." + nines, "0." + nines},
		{"1" + strings.Repeat("0", 60), "1" + strings.Repeat("0", 60)},
		{"1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{"9.9999999999999999999999999999999999999E125", nines + strings.Repeat("0", 88)},
		{"-1e125", "-1" + strings.Repeat("0", 125)},
		{nines + "9", precision}, {"1." + strings.Repeat("0", 60) + "1", precision},
		{"1." + strings.Repeat("0", 60), "1"},
		{"1e126", overflow}, {"-1e126", overflow}, {"1e99999", overflow}, {"1e-131", underflow},
		{"-1e-131", underflow}, {"1e-99999", underflow},
		{"", "ValidationException: The parameter cannot be converted to a numeric value: "},
		{"x", nan + "x"}, {"1x", nan + "1x"}, {"1e", nan + "1e"}, {"--1", nan + "--1"}, {"0x10", nan + "0x10"},
		{"NaN", nan + "NaN"}, {"Infinity", nan + "Infinity"}, {"1,5", nan + "1,5"}, {"1_000", nan + "1_000"},
	} {
		t.Run(shorten(n.in), func(t *testing.T) {
			got := tb.call(t, "PutItem", fmt.Sprintf(`{"Item":{"pk":"n","n":{"N":%q}}}`, n.in))
			if strings.HasPrefix(n.want, "ValidationException") {
				got.check(t, inEnvelope("PutItem", n.want))
				return
			}
			got.check(t, "{}")
			tb.get(t, `{"pk":"n"}`).check(t, fmt.Sprintf(`{"Item":{"pk":"n","n":{"N":%q}}}`, n.want))
		})
	}
}

// TestNumberOrder checks the order of numbers in a sort key.
func TestNumberOrder(t *testing.T) {
	tb := newTable(t, "pk S, sk N")
	ascending := []string{"-1E125", "-1000", "-10.5", "-10", "-9.9", "-1", "-0.1", "-1E-130", "0",
		"1E-130", "0.001", "0.1", "0.11", "1", "1.5", "2", "9.9", "10", "11", "100", "1E125"}
	for i := range ascending {
		tb.put(t, fmt.Sprintf(`{"pk":"a","sk":{"N":%q},"i":%d}`, ascending[(i*8)%len(ascending)], (i*8)%len(ascending)))
	}
	for _, forward := range []bool{true, false} {
		got := tb.must(t, "Query", fmt.Sprintf(`{%s,"ScanIndexForward":%t}`,
			expressions(t, "KeyConditionExpression", `pk = {"a"}`), forward)).items()
		if len(got) != len(ascending) {
			t.Fatalf("got %d items, want %d", len(got), len(ascending))
		}
		for i, item := range got {
			want := i
			if !forward {
				want = len(got) - 1 - i
			}
			if at := (answer{Body: item.(map[string]any)}).at("i", "N"); at != fmt.Sprint(want) {
				t.Errorf("forward %t: got item %v at position %d, want %d", forward, at, i, want)
			}
		}
	}
	tb.steps(t, []step{
		{"a number in another form", "GetItem",
			`{"Key":{"pk":"a","sk":{"N":"1.50E0"}},"ProjectionExpression":"sk"}`, `{"Item":{"sk":1.5}}`},
		{"a number in another form is the same key", "UpdateItem",
			`{"Key":{"pk":"a","sk":{"N":"0.015e2"}},` + expressions(t, "UpdateExpression", "SET x = {1}") +
				`,"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":"a","sk":1.5,"i":14,"x":1}}`},
	})
}

func TestValues(t *testing.T) {
	tb := newTable(t, "pk S")
	const invalid = "ValidationException: One or more parameter values were invalid: "
	for _, v := range []struct{ name, in, want string }{
		{"string", `"x"`, ""}, {"empty string", `""`, ""}, {"unicode", `"žluťoučký 🐎 \u0000"`, ""},
		{"binary", `{"B":"AAECAw=="}`, ""}, {"empty binary", `{"B":""}`, ""},
		{"true", `true`, ""}, {"false", `false`, ""}, {"null", `null`, ""},
		{"list", `[1,"a",[],{},null,true]`, ""}, {"empty list", `[]`, ""}, {"empty map", `{"M":{}}`, ""},
		{"map", `{"a":{"b":[{"c":1}]}}`, ""}, {"string set", `{"SS":["b","a","é"]}`, ""},
		{"number set", `{"NS":["3","1","2.5"]}`, ""}, {"binary set", `{"BS":["AQ==","AA=="]}`, ""},
		{"empty string in a set", `{"SS":[""]}`, ""}, {"empty string in a list", `["",{"B":""}]`, ""},
		{"a set in a list", `[{"SS":["a"]}]`, ""}, {"empty name in a map", `{"M":{"":{"S":"x"}}}`, ""},
		{"null that is false", `{"NULL":false}`, invalid + "Null attribute value types must have the value of true"},
		{"no type", `{"WIRE":{}}`, "ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"no type in a list", `{"L":[{}]}`,
			"ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"two types", `{"S":"a","N":"1"}`, "ValidationException: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"unknown type", `{"WIRE":{"X":"a"}}`,
			"ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"empty string set", `{"SS":[]}`, invalid + "An string set  may not be empty"},
		{"empty number set", `{"NS":[]}`, invalid + "An number set  may not be empty"},
		{"empty binary set", `{"BS":[]}`, invalid + "Binary sets should not be empty"},
		{"string twice", `{"SS":["a","b","a"]}`,
			invalid + "Input collection [\"a\", \"b\", \"a\"] contains duplicates."},
		{"number twice", `{"NS":["1","2","1"]}`, invalid + "Input collection contains duplicates."},
		{"number in two forms", `{"NS":["1","1.0"]}`, invalid + "Input collection contains duplicates."},
		{"binary twice", `{"BS":["AQ==","AQ=="]}`,
			invalid + "Input collection [\"AQ==\",\"AQ==\"]of type BS contains duplicates."},
		{"mixed set", `{"NS":["1","x"]}`, "ValidationException: The parameter cannot be converted to a numeric value: x"},
		{"number as number", `{"WIRE":{"N":1}}`, "SerializationException: NUMBER_VALUE cannot be converted to String"},
		{"text as number", `{"WIRE":{"S":true}}`, "SerializationException: TRUE_VALUE cannot be converted to String"},
		{"text as truth", `{"WIRE":{"BOOL":"maybe"}}`, "SerializationException"},
		{"no base64", `{"WIRE":{"B":"a?=="}}`, "SerializationException"},
		{"a text as value", `{"WIRE":"x"}`, "SerializationException: Unexpected value type in payload"},
		{"a list as set", `{"WIRE":{"SS":"a"}}`, "SerializationException: Unexpected field type"},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := tb.call(t, "PutItem", `{"Item":{"pk":"v","v":`+v.in+`}}`)
			if v.want != "" {
				got.check(t, inEnvelope("PutItem", v.want))
				return
			}
			got.check(t, "{}")
			tb.get(t, `{"pk":"v"}`).check(t, `{"Item":{"pk":"v","v":`+v.in+`}}`)
		})
	}
}

// Developer Guide, "Quotas", "Attributes": nesting of up to 32 levels.
func TestNesting(t *testing.T) {
	tb := newTable(t, "pk S")
	nested := func(levels int) string {
		return `{"Item":{"pk":"n","v":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}}`
	}
	tb.steps(t, []step{
		{"31 lists in a list", "PutItem", nested(32), "{}"},
		{"33", "PutItem", nested(33), "ValidationException: Nesting Levels have exceeded supported limits…"},
	})
}

// TestE13_TextsForValues sends a set with a member twice. Which text an
// operation has was captured in October 2026 by the conformance suite of
// github.com/paritysuite: PutItem, UpdateItem and DeleteItem have renewed texts
// in an envelope, GetItem, BatchGetItem and Query without it; BatchWriteItem,
// Scan and, in most regions, transactions have the older ones.
func TestE13_TextsForValues(t *testing.T) {
	tb := newTable(t, "pk S")
	const invalid = "ValidationException: One or more parameter values were invalid: "
	const set = `{"SS":["b","a","b"]}`
	const older = invalid + "Input collection [b, a, b] contains duplicates."
	const current = invalid + `Input collection ["a", "b", "b"] contains duplicates.`
	const enveloped = "ValidationException: 1 validation error detected: One or more parameter values were invalid: " +
		`Input collection ["a", "b", "b"] contains duplicates.`
	const olderValue = "ValidationException: ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: Input collection [b, a, b] contains duplicates. for key :t"
	const values = `"ExpressionAttributeValues":{":t":` + set + `}`
	for _, s := range []step{
		{"item", "PutItem", `{"Item":{"pk":"a","s":` + set + `}}`, enveloped},
		{"condition value", "PutItem", `{"Item":{"pk":"a"},"ConditionExpression":"s = :t",` + values + `}`, enveloped},
		{"update value", "UpdateItem", `{"Key":{"pk":"a"},"UpdateExpression":"SET s = :t",` + values + `}`, enveloped},
		{"legacy update", "UpdateItem", `{"Key":{"pk":"a"},"AttributeUpdates":{"s":{"Value":` + set + `}}}`, enveloped},
		{"key", "DeleteItem", `{"Key":{"pk":` + set + `}}`, enveloped},
		{"key of a read", "GetItem", `{"Key":{"pk":` + set + `}}`, current},
		{"keys", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":` + set + `}]}}}`, current},
		{"key condition", "Query", `{"KeyConditionExpression":"pk = :t",` + values + `}`, current},
		{"scan's filter", "Scan", `{"FilterExpression":"s = :t",` + values + `}`, olderValue},
		{"batch", "BatchWriteItem", `{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a","s":` + set +
			`}}}]}}`, older},
		{"transaction", "TransactWriteItems", writes(action("Put", `"Item":{"pk":"a","s":`+set+`}`)), older},
		{"transaction's value", "TransactWriteItems",
			writes(action("Update", `"Key":{"pk":"a"},"UpdateExpression":"SET s = :t",`+values)), olderValue},
		{"transactional read", "TransactGetItems", writes(action("Get", `"Key":{"pk":`+set+`}`)), older},
		{"numbers", "PutItem", `{"Item":{"pk":"a","s":{"NS":["1","1.0"]}}}`,
			"ValidationException: 1 validation error detected: One or more parameter values were invalid: Input collection contains duplicates."},
		{"numbers in a batch", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a","s":{"NS":["1","1.0"]}}}}]}}`,
			"ValidationException: Input collection contains duplicates"},
		{"names without an expression", "PutItem", `{"Item":{"pk":"a"},"ExpressionAttributeNames":{"#a":"a"}}`,
			"ValidationException: ExpressionAttributeNames can only be specified when using expressions"},
		{"key that is empty", "PutItem", `{"Item":{"pk":""}}`,
			"ValidationException: One or more parameter values are not valid. …"},
	} {
		t.Run(s.name, func(t *testing.T) { tb.call(t, s.operation, s.request).check(t, s.want) })
	}
}
