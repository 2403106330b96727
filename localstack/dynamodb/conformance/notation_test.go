package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The tests' notation of requests and responses is JSON with plain attribute
// values: "x" for {"S":"x"}, 1 for {"N":"1"}, true, null, ["x"] for a list, and
// {"a":1} for a map. Binaries, sets and values that must be exact are in the
// wire format: {"B":"eA=="}, {"SS":["x"]}.

// kinds are the types of DynamoDB JSON.
var kinds = []string{"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}

// toWire converts a request or an expected response from the notation to the
// wire format.
func toWire(t testing.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("the test has invalid JSON: %v in %.2000s", err, text)
	}
	return expand(v)
}

// expand converts the attribute values in v to the wire format.
func expand(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			switch {
			case holdsItems(name):
				v[name] = each(member, func(item any) any { return each(item, attribute) })
			case name == "Responses" && isMap(member): // of BatchGetItem, by table
				v[name] = each(member, func(items any) any {
					return each(items, func(item any) any { return each(item, attribute) })
				})
			case holdsValues(name):
				v[name] = each(member, attribute)
			default:
				v[name] = expand(member)
			}
		}
	case []any:
		return each(v, expand)
	}
	return v
}

func isMap(v any) bool { _, ok := v.(map[string]any); return ok }

// holdsItems reports whether a member is a list of items.
func holdsItems(name string) bool { return name == "Items" || name == "Keys" }

// holdsValues reports whether a member is an item, or a map or list of values.
func holdsValues(name string) bool {
	switch name {
	case "Item", "Key", "Attributes", "ExclusiveStartKey", "LastEvaluatedKey", "ExpressionAttributeValues",
		"ItemCollectionKey", "AttributeValueList", "Parameters":
		return true
	}
	return false
}

// each returns a list or a map with f applied to its elements.
func each(v any, f func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = f(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = f(element)
		}
		return out
	}
	return v
}

// attribute converts one attribute value to the wire format.
func attribute(v any) any {
	switch v := v.(type) {
	case string:
		return map[string]any{"S": v}
	case json.Number:
		return map[string]any{"N": v.String()}
	case bool:
		return map[string]any{"BOOL": v}
	case nil:
		return map[string]any{"NULL": true}
	case []any:
		return map[string]any{"L": each(v, attribute)}
	case map[string]any:
		if wire, ok := v["WIRE"]; ok {
			return wire
		}
		if typed(v) {
			return v
		}
		return map[string]any{"M": each(v, attribute)}
	}
	return v
}

// typed reports whether v is an attribute value in the wire format.
func typed(v map[string]any) bool {
	for name := range v {
		if !slices.Contains(kinds, name) {
			return false
		}
	}
	return len(v) > 0
}

func fromBase64(v any) ([]byte, bool) {
	text, ok := v.(string)
	bytes, err := base64.StdEncoding.DecodeString(text)
	return bytes, ok && err == nil
}

// check checks a response. want is a JSON object with the members that the
// response must have, null for an absent one. For an error, want is "Code",
// "Code: message", "Code: beginning…" or "Code: …part…".
func (a answer) check(t testing.TB, want string) {
	t.Helper()
	if !strings.HasPrefix(want, "{") {
		code, message, more := strings.Cut(want, ": ")
		if a.Code != code || more && !textMatches(a.Message, message) {
			t.Errorf("got  %.1000s\nwant %s", a, want)
		}
		return
	}
	if a.Status != 200 {
		t.Errorf("got  %s\nwant %.1000s", a, want)
		return
	}
	if problem := differs(a.Body, toWire(t, want), ""); problem != "" {
		t.Errorf("%s\ngot  %.2000s\nwant %.1000s", problem, a, want)
	}
}

func textMatches(got, want string) bool {
	beginning, open := strings.CutSuffix(want, "…")
	part, middle := strings.CutPrefix(beginning, "…")
	switch {
	case middle && open:
		return strings.Contains(got, part)
	case middle:
		return strings.HasSuffix(got, part)
	case open:
		return strings.HasPrefix(got, beginning)
	}
	return got == want
}

// differs compares a response with the one that a test expects. It returns the
// first difference, or "". Members that want does not name are ignored, except
// in items.
func differs(got, want any, path string) string {
	switch want := want.(type) {
	case map[string]any:
		return differsInMembers(got, want, path)
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return fmt.Sprintf("%s is %v, want %d elements", path, got, len(want))
		}
		for i := range want {
			if problem := differs(have[i], want[i], fmt.Sprintf("%s[%d]", path, i)); problem != "" {
				return problem
			}
		}
		return ""
	case json.Number:
		if gotNumber, ok := got.(json.Number); ok {
			a, _ := gotNumber.Float64()
			b, _ := want.Float64()
			if a == b {
				return ""
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("%s is %v, want %v", path, got, want)
	}
	return ""
}

// differsInMembers is differs for a JSON object. A nil member of want stands
// for an absent one.
func differsInMembers(got any, want map[string]any, path string) string {
	have, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s is %v, want an object", path, got)
	}
	for name, member := range want {
		at := path + "." + name
		value, present := have[name]
		switch {
		case member == nil && present:
			return fmt.Sprintf("%s is %v, want none", at, value)
		case member == nil:
		case !present:
			return fmt.Sprintf("%s is missing, want %v", at, member)
		case holdsValues(name) || holdsItems(name):
			if !reflect.DeepEqual(sorted(value), sorted(member)) {
				return fmt.Sprintf("%s is %v, want %v", at, value, member)
			}
		default:
			if problem := differs(value, member, at); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// sorted sorts the elements of sets, which have no order.
func sorted(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return each(v, sorted)
	}
	out := make(map[string]any, len(m))
	for name, member := range m {
		out[name] = sorted(member)
		if name == "SS" || name == "NS" || name == "BS" {
			set, _ := member.([]any)
			set = slices.Clone(set)
			slices.SortFunc(set, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			out[name] = set
		}
	}
	return out
}

// TestPathsIntoKeys uses a path into a key attribute in every kind of
// expression. Keys are scalars, so DynamoDB refuses it.
func TestPathsIntoKeys(t *testing.T) {
	tb := newTable(t, "p S, c N", "GSI by-x: x S: ALL", "LSI by-y: p S, y N: ALL")
	tb.put(t, `{"p":"a","c":1,"x":"x","y":1,"m":{"p":1}}`)
	const key = `"Key":{"p":"a","c":1},`
	const scalars = "ValidationException: Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for path, want := range map[string]string{"p.a": "Key: p", "c[0]": "Key: c", "x.a.b": "IndexKey: x",
		"y[1]": "IndexKey: y"} {
		condition := `"ConditionExpression":"attribute_not_exists(` + path + `)"`
		for _, s := range []step{
			{"", "PutItem", `{"Item":{"p":"a","c":1},` + condition + `}`, want},
			{"", "DeleteItem", `{` + key + condition + `}`, want},
			{"", "UpdateItem", `{` + key + condition + `}`, want},
			{"", "UpdateItem", `{` + key + `"UpdateExpression":"SET k = ` + path + `"}`, want},
			{"", "UpdateItem", `{` + key + `"UpdateExpression":"SET k = if_not_exists(` + path + `, m)"}`, want},
			{"", "GetItem", `{` + key + `"ProjectionExpression":"m, ` + path + `"}`, want},
			{"", "BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"p":"a","c":1}],"ProjectionExpression":"` + path + `"}}}`, want},
			{"", "TransactGetItems", writes(action("Get", key+`"ProjectionExpression":"`+path+`"`)), want},
			{"", "Scan", `{"ProjectionExpression":"` + path + `"}`, want},
			{"", "Scan", `{"FilterExpression":"attribute_exists(` + path + `)"}`, want},
			{"", "Query", queryRequest(t, `p = {"a"}`, `"ProjectionExpression":"`+path+`"`), want},
			{"", "Query", queryRequest(t, `p = {"a"}`, `"FilterExpression":"attribute_exists(`+path+`)"`), want},
			{"", "Query", queryRequest(t, `x = {"x"}`,
				`"IndexName":"by-x","FilterExpression":"attribute_exists(`+path+`)"`), want},
		} {
			t.Run(s.operation+" "+path, func(t *testing.T) {
				tb.call(t, s.operation, s.request).check(t, scalars+s.want)
			})
		}
	}
	tb.steps(t, []step{
		{"write of an index key", "UpdateItem",
			`{` + key + expressions(t, "UpdateExpression", "SET x.a = {1}") + `}`, scalars + "IndexKey: x"},
		{"write of a table key", "UpdateItem", `{` + key + expressions(t, "UpdateExpression", "SET p.a = {1}") + `}`,
			"ValidationException: One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"},
		{"a field of the same name", "GetItem", `{` + key + `"ProjectionExpression":"m.p, x"}`,
			`{"Item":{"m":{"p":1},"x":"x"}}`},
		{"in a transaction", "TransactWriteItems",
			writes(action("Put", `"Item":{"p":"a","c":2},"ConditionExpression":"attribute_exists(x.a)"`)),
			"TransactionCanceledException"},
	})
}
