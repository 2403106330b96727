package expr

import (
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// In a condition, the first steps of a path may be in parentheses, which have
// no effect.
func TestPathsInParentheses(t *testing.T) {
	inner := attr.Map(map[string]attr.Value{"b": attr.List(attr.Int(1),
		attr.Map(map[string]attr.Value{"c": attr.Int(2)}))})
	item := attr.Item{"a": inner}
	values := Values{":1": attr.Int(1), ":2": attr.Int(2)}
	for _, src := range []string{
		"(a.b)[0] = :1",
		"((a).b[1]).c = :2",
		"attribute_exists((a.b)[1].c) AND :1 = (a.b[0])",
		"size((a).b) = :2",
	} {
		c, err := NewContext(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		condition, err := c.ParseCondition("ConditionExpression", src)
		if err != nil {
			t.Errorf("ParseCondition(%s): %v", src, err)
			continue
		}
		if ok, err := condition.Eval(item); err != nil || !ok {
			t.Errorf("%s: got %t, %v, want true", src, ok, err)
		}
		for _, p := range condition.Paths() {
			if p.Attribute() != "a" {
				t.Errorf("%s: got the path %v, want one of the attribute a", src, p)
			}
		}
	}
	for src, want := range map[string]string{
		"((a.b)).c = :1": "redundant parentheses",
		"(a.b.c = :1":    "Syntax error",
		"(a + b).c = :1": "Syntax error",
		"(size(a)).c":    "Syntax error",
	} {
		c, err := NewContext(nil, Values{":1": attr.Int(1)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ParseCondition("ConditionExpression", src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseCondition(%s): got %v, want %s", src, err, want)
		}
	}
	c, err := NewContext(nil, Values{":1": attr.Int(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ParseUpdate("SET d = (a.b).c"); err == nil ||
		!strings.Contains(err.Error(), `Syntax error; token: ".", near: ").c"`) {
		t.Errorf("ParseUpdate: got %v, want a syntax error", err)
	}
}
