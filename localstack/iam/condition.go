package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// condition is one condition key under one operator. All conditions of a
// statement must hold (IAM user guide, "Condition").
type condition struct {
	key      string // in lower case
	set      set
	ifExists bool
	isNull   bool // the operator Null
	wantNull []bool
	// negated operators hold if no value matches.
	negated bool
	values  []matcher
}

// set is a qualifier of an operator for keys with several values (IAM user
// guide, "Set operators for multivalued context keys").
type set int

const (
	single set = iota
	forAll
	forAny
)

// matcher compares one value of a request with one of the policy.
type matcher func(q *request, value string) bool

// holds decides the condition. A key that the request does not have: a
// negated operator holds, as do IfExists and ForAllValues; ForAnyValue and
// all others do not.
func (c *condition) holds(q *request) bool {
	values, present := q.lookup(c.key)
	if c.isNull {
		return slices.Contains(c.wantNull, !present || len(values) == 0)
	}
	if len(values) == 0 {
		return !present && c.ifExists || c.set == forAll || c.set == single && c.negated
	}
	one := func(value string) bool {
		return slices.ContainsFunc(c.values, func(m matcher) bool { return m(q, value) }) != c.negated
	}
	if c.set == forAny {
		return slices.ContainsFunc(values, one)
	}
	if c.set == single && !c.negated {
		return slices.ContainsFunc(values, one)
	}
	return !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
}

// compileConditions sorts by operator and key, so that errors are the same on
// every start.
func compileConditions(in map[string]map[string][]string, variables bool) ([]condition, error) {
	var out []condition
	for _, operator := range slices.Sorted(maps.Keys(in)) {
		for _, key := range slices.Sorted(maps.Keys(in[operator])) {
			c, err := compileCondition(operator, key, in[operator][key], variables)
			if err != nil {
				return nil, fmt.Errorf("condition %s of %s: %w", operator, key, err)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func compileCondition(operator, key string, values []string, variables bool) (condition, error) {
	c := condition{key: strings.ToLower(key)}
	name := operator
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.set, name = forAll, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.set, name = forAny, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if name == "Null" {
		if c.ifExists {
			return c, fmt.Errorf("operator Null does not go with IfExists")
		}
		c.isNull = true
		for _, v := range values {
			want, err := parseBool(v)
			if err != nil {
				return c, err
			}
			c.wantNull = append(c.wantNull, want)
		}
		return c, nil
	}
	o, ok := operators[name]
	if !ok {
		return c, fmt.Errorf("there is no such operator")
	}
	c.negated = o.negated
	for _, v := range values {
		m, err := o.compile(v, variables)
		if err != nil {
			return c, err
		}
		c.values = append(c.values, m)
	}
	return c, nil
}
