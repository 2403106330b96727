package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Expressions of the tests have their values in them: "a = {1}" stands for "a =
// :v0" with the value 1 for :v0, in the notation of requests. {{"B":"eA=="}} is
// a binary.

// literals moves the values of an expression to the members that a request
// needs for it, which begin with a comma; "" if there are none. first is the
// number of the first one.
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

// expressions writes the members of a request for expressions with literals:
// pairs of a member's name and the expression, of which empty ones are left
// out.
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

// truth is a condition and what it is: yes, no, or refused with a text that
// follows "Invalid ConditionExpression: ".
type truth struct{ condition, want string }

const yes, no = "yes", "no"

// truths asks about an item, which has the key pk "item", as a condition of a
// write and as a filter of a query: both have to answer the same.
func truths(t *testing.T, tb *table, item string, truths []truth) {
	t.Helper()
	tb.put(t, item)
	for _, c := range truths {
		t.Run(shorten(c.condition), func(t *testing.T) {
			asCondition := tb.call(t, "PutItem",
				`{"Item":`+item+`,`+expressions(t, "ConditionExpression", c.condition)+`}`)
			asFilter := tb.call(t, "Query",
				`{`+expressions(t, "KeyConditionExpression", `pk = {"item"}`, "FilterExpression", c.condition)+`}`)
			switch c.want {
			case yes:
				asCondition.agrees(t, "{}")
				asFilter.agrees(t, `{"Count":1,"ScannedCount":1}`)
			case no:
				asCondition.agrees(t, "ConditionalCheckFailedException: The conditional request failed")
				asFilter.agrees(t, `{"Count":0,"ScannedCount":1}`)
			default:
				asCondition.agrees(t, "ValidationException: Invalid ConditionExpression: "+c.want)
				asFilter.agrees(t, "ValidationException: Invalid FilterExpression: "+c.want)
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

// change is an item without its key, an update, and the item after it or the
// message of the ValidationException, of which "refused" is any.
type change struct{ item, update, want string }

// changes applies updates, each to an item of its own.
func changes(t *testing.T, tb *table, changes []change) {
	t.Helper()
	for i, c := range changes {
		t.Run(shorten(c.update), func(t *testing.T) {
			key := fmt.Sprintf(`"pk":"item %d"`, i)
			if c.item != "" {
				tb.put(t, withKey(key, c.item))
			}
			got := tb.call(t, "UpdateItem",
				`{"Key":{`+key+`},"ReturnValues":"ALL_NEW",`+expressions(t, "UpdateExpression", c.update)+`}`)
			switch {
			case strings.HasPrefix(c.want, "{"):
				got.agrees(t, `{"Attributes":`+withKey(key, c.want)+`}`)
				tb.get(t, `{`+key+`}`).agrees(t, `{"Item":`+withKey(key, c.want)+`}`)
			case c.want == "refused":
				got.agrees(t, "ValidationException")
			default:
				got.agrees(t, "ValidationException: "+c.want)
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
