package expr

import (
	"strings"
	"unicode/utf16"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Condition is a parsed ConditionExpression or FilterExpression.
type Condition struct {
	root  cond
	paths []Path
}

// Eval reports whether the item meets the condition. A missing item is nil and
// has no attributes. Parsing finds all type errors that do not depend on the
// item; an attribute of an unexpected type only makes a comparison false.
func (c *Condition) Eval(item attr.Item) (bool, error) { return c.root.holds(item), nil }

// Paths returns the document paths that the condition reads, in the order of
// the expression and with repetitions.
func (c *Condition) Paths() []Path { return c.paths }

// cond is a node of a condition that evaluates to true or false.
type cond interface {
	holds(attr.Item) bool
	// operator returns the name of the operator or function, for messages.
	operator() string
}

// operand is a node of a condition that evaluates to a value.
type operand interface {
	// eval returns the value; ok is false if the item does not have it.
	eval(attr.Item) (v attr.Value, ok bool)
	// kind returns the type of the value, or zero if it depends on the item.
	kind() attr.Kind
}

type (
	pathOperand  struct{ path Path }
	valueOperand struct{ value attr.Value }
	sizeOperand  struct{ of operand }
)

func (o pathOperand) kind() attr.Kind  { return 0 }
func (o valueOperand) kind() attr.Kind { return o.value.Kind() }
func (o sizeOperand) kind() attr.Kind  { return attr.N }

func (o pathOperand) eval(item attr.Item) (attr.Value, bool) { return o.path.Lookup(item) }

func (o valueOperand) eval(attr.Item) (attr.Value, bool) { return o.value, true }

// eval returns the number of UTF-16 code units of a string, of bytes of a
// binary, and of elements of a set, list or map. Numbers, booleans and null
// have no size.
func (o sizeOperand) eval(item attr.Item) (attr.Value, bool) {
	v, ok := o.of.eval(item)
	if !ok {
		return attr.Value{}, false
	}
	n := 0
	switch v.Kind() {
	case attr.S:
		for _, r := range v.Text() {
			n += utf16.RuneLen(r)
		}
	case attr.B:
		n = len(v.Text())
	case attr.N, attr.BOOL, attr.NULL:
		return attr.Value{}, false
	default:
		n = v.Len()
	}
	return attr.Int(int64(n)), true
}

type (
	andCond struct{ left, right cond }
	orCond  struct{ left, right cond }
	notCond struct{ of cond }

	compareCond struct {
		op          string // = <> < <= > >=
		left, right operand
	}
	betweenCond struct{ of, low, high operand }
	inCond      struct {
		of   operand
		list []operand
	}

	existsCond struct {
		path Path
		want bool // true for attribute_exists, false for attribute_not_exists
	}
	typeCond struct {
		of   operand
		want attr.Kind
	}
	beginsCond   struct{ of, prefix operand }
	containsCond struct{ of, part operand }
)

func (andCond) operator() string       { return "AND" }
func (orCond) operator() string        { return "OR" }
func (notCond) operator() string       { return "NOT" }
func (c compareCond) operator() string { return c.op }
func (betweenCond) operator() string   { return "BETWEEN" }
func (inCond) operator() string        { return "IN" }
func (typeCond) operator() string      { return "attribute_type" }
func (beginsCond) operator() string    { return "begins_with" }
func (containsCond) operator() string  { return "contains" }
func (c existsCond) operator() string {
	if c.want {
		return "attribute_exists"
	}
	return "attribute_not_exists"
}

func (c andCond) holds(item attr.Item) bool { return c.left.holds(item) && c.right.holds(item) }
func (c orCond) holds(item attr.Item) bool  { return c.left.holds(item) || c.right.holds(item) }
func (c notCond) holds(item attr.Item) bool { return !c.of.holds(item) }

func (c compareCond) holds(item attr.Item) bool {
	left, hasLeft := c.left.eval(item)
	right, hasRight := c.right.eval(item)
	both := hasLeft && hasRight
	switch c.op {
	case "=":
		return both && left.Equal(right)
	case "<>":
		return !both || !left.Equal(right)
	}
	order, ok := attr.Compare(left, right)
	if !both || !ok {
		return false
	}
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func (c betweenCond) holds(item attr.Item) bool {
	return compareCond{">=", c.of, c.low}.holds(item) && compareCond{"<=", c.of, c.high}.holds(item)
}

func (c inCond) holds(item attr.Item) bool {
	for _, o := range c.list {
		if (compareCond{"=", c.of, o}).holds(item) {
			return true
		}
	}
	return false
}

func (c existsCond) holds(item attr.Item) bool {
	_, ok := c.path.Lookup(item)
	return ok == c.want
}

func (c typeCond) holds(item attr.Item) bool {
	v, ok := c.of.eval(item)
	return ok && v.Kind() == c.want
}

func (c beginsCond) holds(item attr.Item) bool {
	v, hasV := c.of.eval(item)
	prefix, hasPrefix := c.prefix.eval(item)
	return hasV && hasPrefix && sameText(v, prefix) && strings.HasPrefix(v.Text(), prefix.Text())
}

// holds reports whether a string or binary contains the part as a substring, or
// a list or set contains it as an element.
func (c containsCond) holds(item attr.Item) bool {
	v, hasV := c.of.eval(item)
	part, hasPart := c.part.eval(item)
	if !hasV || !hasPart {
		return false
	}
	if v.Kind() == attr.L {
		for e := range v.Elements() {
			if e.Equal(part) {
				return true
			}
		}
		return false
	}
	return v.Contains(part) || sameText(v, part) && strings.Contains(v.Text(), part.Text())
}

// sameText reports whether both values are strings or both binaries.
func sameText(a, b attr.Value) bool {
	return a.Kind() == b.Kind() && (a.Kind() == attr.S || a.Kind() == attr.B)
}
