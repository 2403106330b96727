package eventsource

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The conditions of a leaf.
type (
	equals           struct{ value any }
	equalsIgnoreCase string
	prefix           struct {
		text       string
		ignoreCase bool
	}
	suffix struct {
		text       string
		ignoreCase bool
	}
	exists      bool        // evaluated by matchesLeaf
	anythingBut []condition // none of them matches
	numeric     []bound     // all of them hold
)

type bound struct {
	operator string
	limit    float64
}

func (c equals) matches(v any) bool { return v == c.value }

func (c equalsIgnoreCase) matches(v any) bool {
	s, ok := v.(string)
	return ok && strings.EqualFold(s, string(c))
}

func (c prefix) matches(v any) bool {
	s, ok := v.(string)
	return ok && len(s) >= len(c.text) && c.same(s[:len(c.text)])
}

func (c prefix) same(s string) bool {
	return s == c.text || c.ignoreCase && strings.EqualFold(s, c.text)
}

func (c suffix) matches(v any) bool {
	s, ok := v.(string)
	return ok && len(s) >= len(c.text) && prefix(c).same(s[len(s)-len(c.text):])
}

func (exists) matches(any) bool { return false }

func (c anythingBut) matches(v any) bool {
	for _, not := range c {
		if not.matches(v) {
			return false
		}
	}
	return true
}

func (c numeric) matches(v any) bool {
	n, ok := v.(float64)
	for _, b := range c {
		switch b.operator {
		case "=":
			ok = ok && n == b.limit
		case "<":
			ok = ok && n < b.limit
		case "<=":
			ok = ok && n <= b.limit
		case ">":
			ok = ok && n > b.limit
		case ">=":
			ok = ok && n >= b.limit
		}
	}
	return ok
}

func parseLeaf(list []any) ([]condition, error) {
	if len(list) == 0 {
		return nil, errors.New("a list is empty")
	}
	leaf := make([]condition, len(list))
	for i, v := range list {
		var err error
		switch v := v.(type) {
		case map[string]any:
			leaf[i], err = parseRule(v)
		case []any:
			err = errors.New("a list is inside a list")
		default:
			leaf[i] = equals{v}
		}
		if err != nil {
			return nil, err
		}
	}
	return leaf, nil
}

// parseRule reads an object with one operator.
func parseRule(rule map[string]any) (condition, error) {
	if len(rule) != 1 {
		return nil, fmt.Errorf("a rule has %d operators, want one", len(rule))
	}
	name := slices.Collect(maps.Keys(rule))[0]
	c, err := parseOperator(name, rule[name])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func parseOperator(name string, v any) (condition, error) {
	text, isText := v.(string)
	switch name {
	case "prefix", "suffix":
		ignoreCase := false
		if object, ok := v.(map[string]any); ok && len(object) == 1 {
			text, isText = object["equals-ignore-case"].(string)
			ignoreCase = isText
		}
		if !isText {
			return nil, errors.New("needs a string")
		}
		if name == "prefix" {
			return prefix{text, ignoreCase}, nil
		}
		return suffix{text, ignoreCase}, nil
	case "equals-ignore-case":
		if !isText {
			return nil, errors.New("needs a string")
		}
		return equalsIgnoreCase(text), nil
	case "exists":
		b, ok := v.(bool)
		if !ok {
			return nil, errors.New("needs true or false")
		}
		return exists(b), nil
	case "anything-but":
		return parseAnythingBut(v)
	case "numeric":
		return parseNumeric(v)
	}
	return nil, errors.New("not an operator of Lambda's filters")
}

// parseAnythingBut reads a value, a list of values, or an operator on strings.
func parseAnythingBut(v any) (condition, error) {
	switch v := v.(type) {
	case string, float64:
		return anythingBut{equals{v}}, nil
	case []any:
		if len(v) == 0 {
			return nil, errors.New("the list is empty")
		}
		var c anythingBut
		for _, element := range v {
			switch element.(type) {
			case string, float64:
				c = append(c, equals{element})
			default:
				return nil, errors.New("the list needs strings or numbers")
			}
		}
		return c, nil
	case map[string]any:
		c, err := parseRule(v)
		if err != nil {
			return nil, err
		}
		switch c.(type) {
		case prefix, suffix, equalsIgnoreCase:
			return anythingBut{c}, nil
		}
	}
	return nil, errors.New("needs a string, a number, a list of them, or an operator on strings")
}

func parseNumeric(v any) (condition, error) {
	list, ok := v.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New("needs one or two operators, each with a number")
	}
	var c numeric
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		limit, isNumber := list[i+1].(float64)
		switch operator {
		case "=", "<", "<=", ">", ">=":
		default:
			return nil, fmt.Errorf("operator %q is not one of = < <= > >=", operator)
		}
		if !isNumber {
			return nil, errors.New("a limit is not a number")
		}
		c = append(c, bound{operator, limit})
	}
	return c, nil
}
