package expr

import (
	"errors"
	"maps"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// LegacyCondition is a condition from before expressions: an element of
// Expected, KeyConditions, QueryFilter or ScanFilter (API reference, "Legacy
// conditional parameters"). Value and Exists are for Expected only.
type LegacyCondition struct {
	ComparisonOperator string
	AttributeValueList []attr.Value
	Value              attr.Value
	Exists             *bool
}

// LegacyConditions are conditions by the attribute that each is about. Names
// are top-level attributes, whatever characters they have.
type LegacyConditions map[string]LegacyCondition

// comparison is what one ComparisonOperator takes.
type comparison struct {
	least, most int         // arguments; most 0 is no limit
	kinds       []attr.Kind // of the arguments; nil for any
	op          string      // the operator of an expression that does the same
}

var (
	scalars  = []attr.Kind{attr.S, attr.N, attr.B}
	wildcard = []attr.Kind(nil)
)

// The values of ComparisonOperator (API reference, "Condition").
var comparisons = map[string]comparison{
	"EQ":           {1, 1, wildcard, "="},
	"NE":           {1, 1, wildcard, "<>"},
	"LE":           {1, 1, scalars, "<="},
	"LT":           {1, 1, scalars, "<"},
	"GE":           {1, 1, scalars, ">="},
	"GT":           {1, 1, scalars, ">"},
	"IN":           {1, 0, scalars, "IN"},
	"BETWEEN":      {2, 2, scalars, "BETWEEN"},
	"BEGINS_WITH":  {1, 1, []attr.Kind{attr.S, attr.B}, "begins_with"},
	"CONTAINS":     {1, 1, []attr.Kind{attr.S, attr.N, attr.B, attr.BOOL, attr.NULL}, "contains"},
	"NOT_CONTAINS": {1, 1, []attr.Kind{attr.S, attr.N, attr.B, attr.BOOL, attr.NULL}, ""},
	"NULL":         {0, 0, nil, ""},
	"NOT_NULL":     {0, 0, nil, ""},
}

// LegacyOperators are the values of ComparisonOperator, in the order of
// DynamoDB's messages.
var LegacyOperators = []string{"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE",
	"LE", "BEGINS_WITH", "GE", "CONTAINS"}

func invalidParameter(format string, args ...any) error {
	return attr.Invalidf("One or more parameter values were invalid: "+format, args...)
}

// normal judges the condition of an attribute and returns it with an operator
// and arguments, whatever way Expected says it.
func (c LegacyCondition) normal(name string) (LegacyCondition, error) {
	if c.ComparisonOperator == "" {
		return c.bare(name)
	}
	rule, known := comparisons[c.ComparisonOperator]
	switch {
	case !known:
		return c, invalidParameter("Unsupported ComparisonOperator: %s", c.ComparisonOperator)
	case c.Exists != nil:
		return c, invalidParameter("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
	case !c.Value.IsZero() && c.AttributeValueList != nil:
		return c, invalidParameter("Value and AttributeValueList cannot be used together for Attribute: %s", name)
	case !c.Value.IsZero():
		c.AttributeValueList = []attr.Value{c.Value}
	case c.AttributeValueList == nil && rule.least > 0:
		return c, invalidParameter("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", c.ComparisonOperator, name)
	}
	return c, rule.check(c.ComparisonOperator, c.AttributeValueList)
}

// bare is a condition without an operator: Exists and Value say all.
func (c LegacyCondition) bare(name string) (LegacyCondition, error) {
	exists := c.Exists == nil || *c.Exists
	switch {
	case c.AttributeValueList != nil:
		return c, invalidParameter("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s",
			name)
	case exists && c.Value.IsZero() && c.Exists == nil:
		return c, invalidParameter("Value must be provided when Exists is null for Attribute: %s", name)
	case exists && c.Value.IsZero():
		return c, invalidParameter("Value must be provided when Exists is true for Attribute: %s", name)
	case !exists && !c.Value.IsZero():
		return c, invalidParameter("Value cannot be used when Exists is false for Attribute: %s", name)
	case !exists:
		return LegacyCondition{ComparisonOperator: "NULL"}, nil
	}
	return LegacyCondition{ComparisonOperator: "EQ", AttributeValueList: []attr.Value{c.Value}}, nil
}

func (r comparison) check(operator string, args []attr.Value) error {
	if len(args) < r.least || len(args) > r.most && (r.most > 0 || r.least == 0) {
		return invalidParameter("Invalid number of argument(s) for the %s ComparisonOperator", operator)
	}
	for _, v := range args {
		if r.kinds != nil && !slices.Contains(r.kinds, v.Kind()) {
			return invalidParameter("ComparisonOperator %s is not valid for %s AttributeValue type", operator, v.Kind())
		}
		if v.Kind() != args[0].Kind() {
			return invalidParameter("AttributeValues inside AttributeValueList must be of same type")
		}
	}
	if operator != "BETWEEN" {
		return nil
	}
	if order, _ := attr.Compare(args[0], args[1]); order > 0 {
		return attr.Invalidf("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	return nil
}

// sorted judges the conditions and returns their attributes in order of name.
func (l LegacyConditions) sorted() ([]string, LegacyConditions, error) {
	names := slices.Sorted(maps.Keys(l))
	out := make(LegacyConditions, len(l))
	for _, name := range names {
		c, err := l[name].normal(name)
		if err != nil {
			return nil, nil, err
		}
		out[name] = c
	}
	return names, out, nil
}

// Condition returns the condition that all, or with any true at least one, of
// the conditions make: Expected, QueryFilter or ScanFilter with its
// ConditionalOperator. It is nil if there are none.
func (l LegacyConditions) Condition(any bool) (*Condition, error) {
	names, conditions, err := l.sorted()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	out := new(Condition)
	for _, name := range names {
		path := Path{{Name: name}}
		out.paths = append(out.paths, path)
		c := conditions[name].cond(path)
		switch {
		case out.root == nil:
			out.root = c
		case any:
			out.root = orCond{out.root, c}
		default:
			out.root = andCond{out.root, c}
		}
	}
	return out, nil
}

// cond is a condition in normal form about a path.
func (c LegacyCondition) cond(path Path) cond {
	of := pathOperand{path}
	args := make([]operand, len(c.AttributeValueList))
	for i, v := range c.AttributeValueList {
		args[i] = valueOperand{v}
	}
	switch c.ComparisonOperator {
	case "NULL":
		return existsCond{path: path}
	case "NOT_NULL":
		return existsCond{path: path, want: true}
	case "CONTAINS":
		return containsCond{of, args[0]}
	case "NOT_CONTAINS":
		return notCond{containsCond{of, args[0]}}
	case "BEGINS_WITH":
		return beginsCond{of, args[0]}
	case "BETWEEN":
		return betweenCond{of, args[0], args[1]}
	case "IN":
		return inCond{of, args}
	}
	return compareCond{comparisons[c.ComparisonOperator].op, of, args[0]}
}

// KeyCondition returns what KeyConditions asks for.
func (l LegacyConditions) KeyCondition() (KeyCondition, error) {
	names, conditions, err := l.sorted()
	if err != nil {
		return nil, err
	}
	if len(names) < 1 || len(names) > 2 {
		return nil, attr.Invalidf("Conditions can be of length 1 or 2 only")
	}
	var out KeyCondition
	for _, name := range names {
		c := conditions[name]
		op := slices.Index(keyOpNames[:], comparisons[c.ComparisonOperator].op)
		if op <= 0 {
			return nil, attr.Invalidf("Attempted conditional constraint is not an indexable operation")
		}
		out = append(out, KeyTerm{Attribute: name, Op: KeyOp(op), Args: c.AttributeValueList})
	}
	return out, nil
}

// LegacyProjection returns what AttributesToGet asks for: top-level attributes.
func LegacyProjection(names []string) (*Projection, error) {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, invalidParameter("Duplicate value in attribute name: %s", name)
		}
	}
	return ProjectionOf(names...), nil
}

// LegacyUpdate is an element of AttributeUpdates. Action is PUT (default), ADD
// or DELETE.
type LegacyUpdate struct {
	Value  attr.Value
	Action string
}

// LegacyUpdates are updates by the top-level attribute that each is about.
type LegacyUpdates map[string]LegacyUpdate

var errLegacyType = attr.Invalidf("Type mismatch for attribute to update")

// Update returns the update that AttributeUpdates asks for.
func (l LegacyUpdates) Update() (*Update, error) {
	out := new(Update)
	var paths []Path
	for _, name := range slices.Sorted(maps.Keys(l)) {
		u := l[name]
		a, err := u.action()
		if err != nil {
			return nil, err
		}
		out.actions = append(out.actions, a)
		paths = append(paths, Path{{Name: name}})
	}
	out.touched = newProjection(paths)
	return out, nil
}

// Creates says whether the update makes an item that is not there: DELETE
// alone finds nothing to do.
func (l LegacyUpdates) Creates() bool {
	for _, u := range l {
		if u.Action != "DELETE" {
			return true
		}
	}
	return len(l) == 0
}

func (u LegacyUpdate) action() (action, error) {
	if u.Value.IsZero() {
		if u.Action != "DELETE" {
			return nil, invalidParameter("Only DELETE action is allowed when no attribute value is specified")
		}
		return removeAction{}, nil
	}
	allowed := []attr.Kind{attr.SS, attr.NS, attr.BS}
	switch u.Action {
	case "ADD":
		if !slices.Contains(append(allowed, attr.N), u.Value.Kind()) {
			return nil, invalidParameter("ADD action is not supported for the type %s", u.Value.Kind())
		}
		return legacyAction{addAction{u.Value}}, nil
	case "DELETE":
		if !slices.Contains(allowed, u.Value.Kind()) {
			return nil, invalidParameter("DELETE action with value is not supported for the type %s", u.Value.Kind())
		}
		return legacyAction{deleteAction{u.Value}}, nil
	}
	return setAction{value: valueOperand{u.Value}}, nil
}

// legacyAction has its own text for a value of the wrong type.
type legacyAction struct{ action }

func (a legacyAction) apply(v attr.Value, item attr.Item) (attr.Value, error) {
	out, err := a.action.apply(v, item)
	if errors.Is(err, errOperand) {
		err = errLegacyType
	}
	return out, err
}
