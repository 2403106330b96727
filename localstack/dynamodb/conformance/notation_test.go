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

// The tests write requests and answers as JSON in which attribute values are
// written as what they mean: "x" for {"S":"x"}, 1 for {"N":"1"}, true, null,
// ["x"] for a list, and {"a":1} for a map. Binaries and sets, and whatever else
// is to be exact, stand as on the wire: {"B":"eA=="}, {"SS":["x"]}.

// kinds are the types of DynamoDB JSON.
var kinds = []string{"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}

// toWire reads a request, or an expected answer, in the notation.
func toWire(t testing.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in the test's %.2000s", err, text)
	}
	return expand(v)
}

// expand writes out the attribute values below v.
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

// holdsItems names the members that are lists of items.
func holdsItems(name string) bool { return name == "Items" || name == "Keys" }

// holdsValues names the members that are items, or map names to values.
func holdsValues(name string) bool {
	switch name {
	case "Item", "Key", "Attributes", "ExclusiveStartKey", "LastEvaluatedKey", "ExpressionAttributeValues", "ItemCollectionKey",
		"AttributeValueList", "Parameters":
		return true
	}
	return false
}

// each applies f to the elements of a list or a map.
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

// attribute writes one attribute value as it is on the wire.
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

// typed reports whether v already says its type.
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

// agrees checks an answer. want is the JSON of the members that it must have,
// of which null stands for absent, or of an error "Code", "Code: message",
// "Code: beginning…" or "Code: …part…".
func (a answer) agrees(t testing.TB, want string) {
	t.Helper()
	if !strings.HasPrefix(want, "{") {
		code, message, more := strings.Cut(want, ": ")
		if a.Code != code || more && !textAgrees(a.Message, message) {
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

func textAgrees(got, want string) bool {
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

// differs compares an answer with what a test expects of it and says where they
// part. Members that the test does not name are not looked at, except in items.
func differs(got, want any, path string) string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v", path, got)
		}
		for name, member := range want {
			at := path + "." + name
			value, present := have[name]
			switch {
			case member == nil && present:
				return at + " is there"
			case member == nil:
			case !present:
				return at + " is missing"
			case holdsValues(name) || holdsItems(name):
				if !reflect.DeepEqual(sorted(value), sorted(member)) {
					return at + " differs"
				}
			default:
				if problem := differs(value, member, at); problem != "" {
					return problem
				}
			}
		}
		return ""
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return fmt.Sprintf("%s has other elements", path)
		}
		for i := range want {
			if problem := differs(have[i], want[i], fmt.Sprintf("%s[%d]", path, i)); problem != "" {
				return problem
			}
		}
		return ""
	}
	if gotNumber, ok := got.(json.Number); ok {
		wantNumber, ok := want.(json.Number)
		a, _ := gotNumber.Float64()
		b, _ := wantNumber.Float64()
		if ok && a == b {
			return ""
		}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("%s is %v, want %v", path, got, want)
	}
	return ""
}

// sorted puts the members of sets in order, which they have none of.
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
