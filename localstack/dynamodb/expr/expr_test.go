package expr

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

func parseItem(t testing.TB, text string) attr.Item {
	t.Helper()
	var item attr.Item
	if err := json.Unmarshal([]byte(text), &item); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return item
}

// newContext returns a context with parameters from JSON; "" means absent.
func newContext(t testing.TB, names, values string) *Context {
	t.Helper()
	var n Names
	var v Values
	if names != "" {
		if err := json.Unmarshal([]byte(names), &n); err != nil {
			t.Fatalf("%s: %v", names, err)
		}
	}
	if values != "" {
		if err := json.Unmarshal([]byte(values), &v); err != nil {
			t.Fatalf("%s: %v", values, err)
		}
	}
	c, err := NewContext(n, v)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantInvalid fails the test unless err is a ValidationError with the text
// want.
func wantInvalid(t *testing.T, what string, err error, want string) {
	t.Helper()
	if refused, ok := errors.AsType[*attr.ValidationError](err); !ok {
		t.Errorf("%s: got %v, want %s", what, err, want)
	} else if refused.Message != want {
		t.Errorf("%s:\n got %s\nwant %s", what, refused.Message, want)
	}
}

func TestPlaceholders(t *testing.T) {
	value := attr.String("x")
	for _, test := range []struct {
		names  Names
		values Values
		want   string
	}{
		{Names{}, nil, "ExpressionAttributeNames must not be empty"},
		{nil, Values{}, "ExpressionAttributeValues must not be empty"},
		{Names{"a": "a"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		{Names{"#": "a"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{Names{"#a-b": "a"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		{Names{"#a": ""}, nil, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"},
		{nil, Values{"a": value}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "a"`},
		{nil, Values{"#a": value}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "#a"`},
		{nil, Values{":é": value}, `ExpressionAttributeValues contains invalid key: Syntax error; key: ":é"`},
	} {
		_, err := NewContext(test.names, test.values)
		wantInvalid(t, test.want, err, test.want)
	}
	if _, err := NewContext(Names{"#1": "a.b", "#_": "x"}, Values{":0": value, ":_a": value}); err != nil {
		t.Error(err)
	}
}

func TestUnusedPlaceholders(t *testing.T) {
	const names, values = `{"#a":"a","#b":"b"}`, `{":v":{"N":"1"},":w":{"N":"2"},":x":{"N":"3"}}`
	for _, test := range []struct{ condition, update, want string }{
		{"", "", "ExpressionAttributeNames can only be specified when using expressions"},
		{"#a = :v", "", "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"},
		{"#a = :v", "SET x = #b", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w, :x}"},
		{"#a IN (:v, :x)", "SET #b = :w", ""},
	} {
		c := newContext(t, names, values)
		if test.condition != "" {
			if _, err := c.ParseCondition("ConditionExpression", test.condition); err != nil {
				t.Fatal(err)
			}
		}
		if test.update != "" {
			if _, err := c.ParseUpdate(test.update); err != nil {
				t.Fatal(err)
			}
		}
		err := c.CheckUnused()
		if test.want == "" && err != nil {
			t.Errorf("CheckUnused after %q and %q: %v", test.condition, test.update, err)
		} else if test.want != "" {
			wantInvalid(t, test.condition+", "+test.update, err, test.want)
		}
	}
	if err := newContext(t, "", "").CheckUnused(); err != nil {
		t.Errorf("CheckUnused without placeholders: %v", err)
	}
	err := newContext(t, "", values).CheckUnused()
	wantInvalid(t, "values only", err, "ExpressionAttributeValues can only be specified when using expressions")
}

func TestReservedWords(t *testing.T) {
	if len(reserved) != 573 {
		t.Errorf("got %d reserved words, want the 573 of the published list", len(reserved))
	}
	c := newContext(t, `{"#n":"name"}`, "")
	for word := range reserved {
		_, err := c.ParseProjection("ok, a." + word)
		wantInvalid(t, word, err, "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: "+word)
	}
	_, err := c.ParseProjection("abOrT")
	wantInvalid(t, "abOrT", err, "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: abOrT")
	if _, err := c.ParseProjection("#n, aborted"); err != nil {
		t.Error(err)
	}
}
