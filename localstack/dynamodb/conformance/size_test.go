package conformance

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

const itemLimit = 400 << 10

// Developer Guide, "DynamoDB item sizes and formats" and "Quotas": an item has
// at most 400 KB. Its size is the sum of the UTF-8 lengths of the attribute
// names and the sizes of the values.
func TestE1_ItemSize(t *testing.T) {
	tb := newTable(t, "pk S")
	// The name pk, its value of one byte and the name x have 4 bytes.
	item := func(more string, used, size int) string {
		return fmt.Sprintf(`{"Item":{"pk":"a"%s,"x":%s}}`, more, quoted("x", size-4-used))
	}
	const tooLarge = "ValidationException: Item size has exceeded the maximum allowed size"
	for _, v := range []struct {
		name, more string
		size       int
	}{
		{"a string", ``, 0},
		{"letters of two bytes", `,"é":"é"`, 2 + 2},
		{"true", `,"b":true`, 1 + 1},
		{"null", `,"n":null`, 1 + 1},
		{"a binary", `,"b":{"B":"AAECAw=="}`, 1 + 4},
		{"a number of two digits", `,"n":12`, 1 + 2},
		{"a number of 38 digits", `,"n":12345678901234567890123456789012345678`, 1 + 20},
		{"a set", `,"s":{"SS":["ab","c"]}`, 1 + 3},
		// Lists and maps have 3 bytes, and 1 for each element.
		{"an empty list", `,"l":[]`, 1 + 3},
		{"a list", `,"l":["ab","c"]`, 1 + 3 + 2 + 3},
		{"a map", `,"m":{"ab":"c"}`, 1 + 3 + 1 + 2 + 1},
	} {
		t.Run(v.name, func(t *testing.T) {
			tb.call(t, "PutItem", item(v.more, v.size, itemLimit)).check(t, "{}")
			tb.call(t, "PutItem", item(v.more, v.size, itemLimit+1)).check(t, tooLarge)
		})
	}
	full := quoted("x", itemLimit-4)
	tb.steps(t, []step{
		{"full", "PutItem", `{"Item":{"pk":"a","x":` + full + `}}`, "{}"},
		{"an update that makes the item too large", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", `SET y = {1}`) + `}`,
			"ValidationException: Item size to update has exceeded the maximum allowed size"},
		{"an update that makes the item small", "UpdateItem",
			`{"Key":{"pk":"a"},` + expressions(t, "UpdateExpression", `SET y = {1} REMOVE x`) +
				`,"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":"a","y":1}}`},
		{"in a batch", "BatchWriteItem", `{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a","xx":` +
			full + `}}}]}}`, tooLarge},
	})
	// In a transaction it is the error of the request or the reason for its
	// cancellation.
	if got := tb.call(t, "TransactWriteItems",
		writes(action("Put",
			`"Item":{"pk":"a","xx":`+full+`}`))); !strings.Contains(got.Text,
		"Item size has exceeded the maximum allowed size") {
		t.Errorf("in a transaction: got %s, want the item size error", got)
	}
}

// Developer Guide, "Quotas", "Primary keys" and "Supported data types", and
// AWS's announcement of empty values for non-key attributes.
func TestE1_Keys(t *testing.T) {
	tb := newTable(t, "pk S, sk B")
	long := func(pk, sk int) string {
		return fmt.Sprintf(`{"pk":%s,"sk":{"B":%q}}`, quoted("p", pk), base64Of(sk))
	}
	const (
		longHash  = "ValidationException: One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
		longRange = "ValidationException: One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
		empty     = "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
		mismatch  = "ValidationException: The provided key element does not match the schema"
		invalid   = "ValidationException: One or more parameter values were invalid: "
	)
	tb.steps(t, []step{
		{"longest", "PutItem", `{"Item":` + long(2048, 1024) + `}`, "{}"},
		{"longest read", "GetItem", `{"Key":` + long(2048, 1024) + `}`, `{"Item":` + long(2048, 1024) + `}`},
		{"partition key too long", "PutItem", `{"Item":` + long(2049, 1) + `}`, longHash},
		{"sort key too long", "PutItem", `{"Item":` + long(1, 1025) + `}`, longRange},
		{"read with one too long", "GetItem", `{"Key":` + long(2049, 1) + `}`, longHash},
		{"delete with one too long", "DeleteItem", `{"Key":` + long(1, 1025) + `}`, longRange},
		{"update with one too long", "UpdateItem", `{"Key":` + long(1, 1025) + `}`, longRange},
		{"empty partition key", "PutItem", `{"Item":{"pk":"","sk":{"B":"AA=="}}}`, empty + "string value. Key: pk"},
		{"empty sort key", "PutItem", `{"Item":{"pk":"a","sk":{"B":""}}}`, empty + "binary value. Key: sk"},
		{"read with an empty one", "GetItem", `{"Key":{"pk":"","sk":{"B":"AA=="}}}`, empty + "string value. Key: pk"},
		{"empty elsewhere", "PutItem", `{"Item":{"pk":"a","sk":{"B":"AA=="},"s":"","b":{"B":""}}}`, "{}"},
		{"no sort key", "PutItem", `{"Item":{"pk":"a"}}`, invalid + "Missing the key sk in the item"},
		{"no partition key", "PutItem", `{"Item":{"sk":{"B":"AA=="}}}`, invalid + "Missing the key pk in the item"},
		{"wrong type", "PutItem", `{"Item":{"pk":1,"sk":{"B":"AA=="}}}`,
			invalid + "Type mismatch for key pk expected: S actual: N"},
		{"wrong type of the sort key", "PutItem", `{"Item":{"pk":"a","sk":null}}`,
			invalid + "Type mismatch for key sk expected: B actual: NULL"},
		{"read without sort key", "GetItem", `{"Key":{"pk":"a"}}`, mismatch},
		{"read with too much", "GetItem", `{"Key":{"pk":"a","sk":{"B":"AA=="},"x":1}}`, mismatch},
		{"read with another", "GetItem", `{"Key":{"pk":"a","x":{"B":"AA=="}}}`, mismatch},
		{"read with the wrong type", "GetItem", `{"Key":{"pk":1,"sk":{"B":"AA=="}}}`, mismatch},
		{"update with too little", "UpdateItem", `{"Key":{"pk":"a"}}`, mismatch},
		{"delete with too little", "DeleteItem", `{"Key":{"pk":"a"}}`, mismatch},
		{"batch with too little", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":"a"}]}}}`, mismatch},
		{"batch put without sort key", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a"}}}]}}`, mismatch},
		{"batch put of the wrong type", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":"a","sk":1}}}]}}`, mismatch},
		{"batch delete with too little", "BatchWriteItem",
			`{"RequestItems":{"$T":[{"DeleteRequest":{"Key":{"pk":"a"}}}]}}`, mismatch},
	})
}

// base64Of returns n zero bytes in base64.
func base64Of(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
