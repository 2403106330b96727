package expr

import (
	"errors"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// FuzzExpression parses arbitrary text as every kind of expression. The text is
// either refused with a ValidationError or can be evaluated, and evaluation
// never changes the item.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"a = :n", "NOT (a <> :s OR #n < b.c[2]) AND size(l) >= :n", "a BETWEEN :n AND :n", "a IN (:n, b, size(c))",
		"attribute_exists(m.a) and attribute_not_exists(#n)", "attribute_type(a, :s)",
		"begins_with(s, :s)", "contains(ss, :s)",
		"SET a = :n, m.x = if_not_exists(m.x, :n) + :n, l[1] = :s",
		"SET l = list_append(l, :l) REMOVE m.a, l[0]", "ADD n :n, ss :ss DELETE x :ss",
		"a, b.c[0], #n", "n = :n AND begins_with(s, :s)", "((", "a = b)", "a[99999999999]",
		"SET a = ((b))", ": # _ ü 4.5 <>",
	} {
		f.Add(seed)
	}
	names, values := Names{"#n": "n"}, Values{
		":n": attr.Int(1), ":s": attr.String("S"), ":l": attr.List(attr.Int(1)),
	}
	values[":ss"], _ = attr.Set(attr.SS, attr.String("a"), attr.String("S"))
	item := attr.Item{
		"n": attr.Int(5), "s": attr.String("String"), "ss": values[":ss"],
		"l": attr.List(attr.Int(0), attr.String("x")),
		"a": attr.Null(), "m": attr.Map(map[string]attr.Value{"a": attr.Int(1), "l": attr.List()}),
	}
	unchanged := item.AppendBinary(nil)

	f.Fuzz(func(t *testing.T, src string) {
		c, err := NewContext(names, values)
		if err != nil {
			t.Fatal(err)
		}
		check := func(err error) bool {
			if _, ok := errors.AsType[*attr.ValidationError](err); err != nil && !ok {
				t.Fatalf("%q: got %T %v, want a ValidationError", src, err, err)
			}
			return err == nil
		}
		if cond, err := c.ParseCondition("FilterExpression", src); check(err) {
			one, err := cond.Eval(item)
			check(err)
			again, _ := cond.Eval(item)
			if one != again {
				t.Fatalf("%q: got %t, then %t", src, one, again)
			}
			if negated, err := c.ParseCondition("FilterExpression", "NOT ("+src+")"); err == nil {
				if other, err := negated.Eval(item); err == nil && other == one {
					t.Fatalf("%q is %t, and its negation too", src, one)
				}
			}
		}
		if projection, err := c.ParseProjection(src); check(err) {
			once := projection.Apply(item)
			if once.Size() > item.Size() {
				t.Fatalf("projection %q is larger than the item: %s", src, once)
			}
		}
		if update, err := c.ParseUpdate(src); check(err) {
			updated, err := update.Apply(item)
			if check(err) {
				update.UpdatedOld(item)
				update.UpdatedNew(updated)
			}
			if len(update.Attributes()) == 0 {
				t.Fatalf("update %q has no attributes", src)
			}
		}
		if terms, err := c.ParseKeyCondition(src); check(err) {
			for _, term := range terms {
				if term.Attribute == "" || len(term.Args) == 0 {
					t.Fatalf("%q: got the term %v, want an attribute and arguments", src, term)
				}
			}
		}
		if string(item.AppendBinary(nil)) != string(unchanged) {
			t.Fatalf("%q changed the item to %s", src, item)
		}
	})
}
