package expr

import (
	"errors"
	"maps"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// LegacyCondition is an element of Expected, KeyConditions, QueryFilter or
// ScanFilter, which expressions have replaced (API reference, "Legacy
// conditional parameters"). Only Expected uses Value and Exists.
type LegacyCondition struct {
	ComparisonOperator string
	AttributeValueList []attr.Value
	Value              attr.Value
	Exists             *bool
}

// LegacyConditions holds conditions by attribute name. A name with any
// characters is a top-level attribute, never a path.
type LegacyConditions map[string]LegacyCondition

// comparison describes a value of ComparisonOperator.
type comparison struct {
	minArgs, maxArgs int         // the number of arguments; maxArgs 0 means no limit
	kinds            []attr.Kind // the types of the arguments; nil means all
	op               string      // the equivalent operator of expressions, "" if there is none
}

var (
	scalars = []attr.Kind{attr.S, attr.N, attr.B}
	anyKind = []attr.Kind(nil)
)

// The values of ComparisonOperator (API reference, "Condition").
var comparisons = map[string]comparison{
	"EQ":           {1, 1, anyKind, "="},
	"NE":           {1, 1, anyKind, "<>"},
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

// LegacyOperators are the values of ComparisonOperator in the order of
// DynamoDB's messages.
var LegacyOperators = []string{"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE",
	"LE", "BEGINS_WITH", "GE", "CONTAINS"}

func invalidParameter(format string, args ...any) error {
	return attr.Invalidf("One or more parameter values were invalid: "+format, args...)
}

// normalize checks the condition of the attribute name and returns it in the
// form with an operator and arguments. Expected has several forms.
func (c LegacyCondition) normalize(name string) (LegacyCondition, error) {
	if c.ComparisonOperator == "" {
		return c.withoutOperator(name)
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
	case c.AttributeValueList == nil && rule.minArgs > 0:
		return c, invalidParameter("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", c.ComparisonOperator, name)
	}
	return c, rule.check(c.ComparisonOperator, c.AttributeValueList)
}

// withoutOperator is normalize for a condition without ComparisonOperator,
// which consists of Exists and Value.
func (c LegacyCondition) withoutOperator(name string) (LegacyCondition, error) {
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
	if len(args) < r.minArgs || len(args) > r.maxArgs && (r.maxArgs > 0 || r.minArgs == 0) {
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

// sorted returns the sorted names of the attributes and the normalized
// conditions.
func (l LegacyConditions) sorted() ([]string, LegacyConditions, error) {
	names := slices.Sorted(maps.Keys(l))
	out := make(LegacyConditions, len(l))
	for _, name := range names {
		c, err := l[name].normalize(name)
		if err != nil {
			return nil, nil, err
		}
		out[name] = c
	}
	return names, out, nil
}

// Condition combines Expected, QueryFilter or ScanFilter into one condition:
// with OR if or is true, else with AND (ConditionalOperator). It returns nil if
// there are no conditions.
func (l LegacyConditions) Condition(or bool) (*Condition, error) {
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
		case or:
			out.root = orCond{out.root, c}
		default:
			out.root = andCond{out.root, c}
		}
	}
	return out, nil
}

// cond returns the parsed form of a normalized condition for the path.
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

// KeyCondition returns the key condition for KeyConditions.
func (l LegacyConditions) KeyCondition() (KeyCondition, error) {
	names, conditions, err := l.sorted()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
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

// LegacyProjection returns the projection for AttributesToGet, which names
// top-level attributes.
func LegacyProjection(names []string) (*Projection, error) {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, invalidParameter("Duplicate value in attribute name: %s", name)
		}
	}
	return ProjectionOf(names...), nil
}

// LegacyUpdate is an element of AttributeUpdates.
type LegacyUpdate struct {
	Value  attr.Value
	Action string // PUT (the default), ADD or DELETE
}

// LegacyUpdates holds updates by the name of a top-level attribute.
type LegacyUpdates map[string]LegacyUpdate

var errLegacyType = attr.Invalidf("Type mismatch for attribute to update")

// Update returns the update for AttributeUpdates.
func (l LegacyUpdates) Update() (*Update, error) {
	out := &Update{legacy: true}
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
		if !slices.Contains(append(allowed, attr.N, attr.L), u.Value.Kind()) {
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

// legacyAction is an action with another message for a value of the wrong type.
type legacyAction struct{ action }

// apply also appends a list to a list, which ADD in an expression does not.
func (a legacyAction) apply(v attr.Value, item attr.Item) (attr.Value, error) {
	if add, ok := a.action.(addAction); ok && v.Kind() == attr.L && add.value.Kind() == attr.L {
		return appended(v, add.value), nil
	}
	out, err := a.action.apply(v, item)
	if errors.Is(err, errOperand) {
		err = errLegacyType
	}
	return out, err
}
