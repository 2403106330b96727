package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Expressions in the tests contain their values: "a = {1}" stands for "a = :v0"
// with the value 1 for :v0, in the notation of requests. {{"B":"eA=="}} is a
// binary.

// literals replaces the values in an expression by placeholders. It returns the
// expression and the members of ExpressionAttributeValues. first is the number
// of the first placeholder.
func literals(t testing.TB, expression string, first int) (placeholders string, values []string) {
	t.Helper()
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(expression, "{")
		out.WriteString(before)
		if !found {
			return out.String(), values
		}
		decoder := json.NewDecoder(strings.NewReader(rest))
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%v in the literal at %.40q", err, rest)
		}
		name := fmt.Sprintf(":v%d", first+len(values))
		values = append(values, fmt.Sprintf("%q:%s", name, value))
		out.WriteString(name)
		expression = strings.TrimPrefix(rest[decoder.InputOffset():], "}")
	}
}

// expressions returns the members of a request for expressions with literals.
// pairs are a member's name and its expression; empty expressions are left out.
func expressions(t testing.TB, pairs ...string) string {
	t.Helper()
	var members, values []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		text, more := literals(t, pairs[i+1], len(values))
		values = append(values, more...)
		quotedText, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, fmt.Sprintf("%q:%s", pairs[i], quotedText))
	}
	if values != nil {
		members = append(members, `"ExpressionAttributeValues":{`+strings.Join(values, ",")+"}")
	}
	return strings.Join(members, ",")
}

// conditionTest is a condition and the expected result: yes if it holds, no if
// not, or the text after "Invalid ConditionExpression: " of the error.
type conditionTest struct{ condition, want string }

const yes, no = "yes", "no"

// checkConditions evaluates conditions on an item with the key pk "item", each
// as a condition of a write and as a filter of a query. Both must have the same
// result.
func checkConditions(t *testing.T, tb *table, item string, tests []conditionTest) {
	t.Helper()
	tb.put(t, item)
	for _, c := range tests {
		t.Run(shorten(c.condition), func(t *testing.T) {
			asCondition := tb.call(t, "PutItem",
				`{"Item":`+item+`,`+expressions(t, "ConditionExpression", c.condition)+`}`)
			asFilter := tb.call(t, "Query",
				`{`+expressions(t, "KeyConditionExpression", `pk = {"item"}`, "FilterExpression", c.condition)+`}`)
			switch c.want {
			case yes:
				asCondition.check(t, "{}")
				asFilter.check(t, `{"Count":1,"ScannedCount":1}`)
			case no:
				asCondition.check(t, "ConditionalCheckFailedException: The conditional request failed")
				asFilter.check(t, `{"Count":0,"ScannedCount":1}`)
			default:
				asCondition.check(t, inEnvelope("PutItem", "ValidationException: Invalid ConditionExpression: "+c.want))
				asFilter.check(t, "ValidationException: Invalid FilterExpression: "+c.want)
			}
		})
	}
}

func shorten(name string) string {
	if len(name) > 60 {
		return name[:60]
	}
	return name
}

// updateTest is an item without its key, an update, and the expected item or
// the message of the expected ValidationException; "refused" is any message.
type updateTest struct{ item, update, want string }

// checkUpdates applies updates, each to a new item.
func checkUpdates(t *testing.T, tb *table, tests []updateTest) {
	t.Helper()
	for i, c := range tests {
		t.Run(shorten(c.update), func(t *testing.T) {
			key := fmt.Sprintf(`"pk":"item %d"`, i)
			if c.item != "" {
				tb.put(t, withKey(key, c.item))
			}
			got := tb.call(t, "UpdateItem",
				`{"Key":{`+key+`},"ReturnValues":"ALL_NEW",`+expressions(t, "UpdateExpression", c.update)+`}`)
			switch {
			case strings.HasPrefix(c.want, "{"):
				got.check(t, `{"Attributes":`+withKey(key, c.want)+`}`)
				tb.get(t, `{`+key+`}`).check(t, `{"Item":`+withKey(key, c.want)+`}`)
			case c.want == "no item":
				got.check(t, `{"Attributes":null}`)
				tb.get(t, `{`+key+`}`).check(t, `{"Item":null}`)
			case c.want == "refused":
				got.check(t, "ValidationException")
			case strings.HasPrefix(c.want, "Invalid "):
				got.check(t, inEnvelope("UpdateItem", "ValidationException: "+c.want))
			default: // found while the update is evaluated
				got.check(t, "ValidationException: "+c.want)
			}
		})
	}
}

// withKey adds the key to an item.
func withKey(key, item string) string {
	if strings.TrimSpace(item) == "{}" {
		return "{" + key + "}"
	}
	return "{" + key + "," + strings.TrimPrefix(item, "{")
}
