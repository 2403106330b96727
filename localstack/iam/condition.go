package iam

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// condition is a compiled condition: one key under one operator. A statement
// applies only if all its conditions hold (IAM user guide, "Condition").
type condition struct {
	key      string // in lower case
	set      set
	ifExists bool
	isNull   bool   // the operator is Null
	wantNull []bool // the values of Null
	negated  bool   // holds if no value matches
	values   []matcher
	texts    []string // the values as the policy has them
}

// set is the qualifier of an operator for keys with several values (IAM user
// guide, "Set operators for multivalued context keys").
type set int

const (
	single set = iota
	forAll     // ForAllValues
	forAny     // ForAnyValue
)

// matcher reports whether a value of the request matches a value of the policy.
type matcher func(q *request, value string) bool

// holds reports whether the condition holds for a request. If the request does
// not have the key, a condition with a negated operator, IfExists or
// ForAllValues holds; one with ForAnyValue or any other operator does not.
func (c *condition) holds(q *request) bool {
	values, present := q.lookup(c.key)
	if c.isNull {
		return slices.Contains(c.wantNull, !present || len(values) == 0)
	}
	if len(values) == 0 {
		return !present && c.ifExists || c.set == forAll || c.set == single && c.negated
	}
	matches := func(value string) bool {
		return slices.ContainsFunc(c.values, func(m matcher) bool { return m(q, value) }) != c.negated
	}
	if c.set == forAny || c.set == single && !c.negated {
		return slices.ContainsFunc(values, matches)
	}
	return !slices.ContainsFunc(values, func(v string) bool { return !matches(v) })
}

// compileConditions compiles the conditions of a statement, sorted by operator
// and key, so that a start always reports the same error first.
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
			return c, errors.New("operator Null cannot have IfExists")
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
		return c, errors.New("unknown operator")
	}
	c.negated = o.negated
	for _, v := range values {
		m, err := o.compile(v, variables)
		if err != nil {
			return c, err
		}
		c.values, c.texts = append(c.values, m), append(c.texts, v)
	}
	return c, nil
}
