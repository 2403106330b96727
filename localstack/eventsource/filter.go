package eventsource

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// filter is a mapping's FilterCriteria: a record needs to match one pattern.
type filter []*pattern

// pattern is an event pattern: in an object, what each of its fields must be;
// in a leaf, what a value may be. ("Filter rule syntax" in the Lambda Developer
// Guide, which is a part of EventBridge's.)
type pattern struct {
	fields map[string]*pattern
	either [][]*pattern // of each group under $or one pattern has to match
	leaf   []condition  // nil in an object
}

// condition is what one element of a leaf's list asks of a value.
type condition interface {
	// matches judges a scalar: a string, float64, bool or nil.
	matches(v any) bool
}

func parseFilter(texts []string) (filter, error) {
	var f filter
	for _, text := range texts {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("filter pattern: %w", err)
		}
		object, ok := v.(map[string]any)
		if !ok {
			return nil, errors.New("filter pattern: it is no JSON object")
		}
		p, err := parsePattern(object)
		if err != nil {
			return nil, fmt.Errorf("filter pattern: %w", err)
		}
		f = append(f, p)
	}
	return f, nil
}

func parsePattern(object map[string]any) (*pattern, error) {
	p := &pattern{fields: make(map[string]*pattern)}
	for name, v := range object {
		var err error
		switch v := v.(type) {
		case map[string]any:
			p.fields[name], err = parsePattern(v)
		case []any:
			if alternatives, ok := alternativesOf(name, v); ok {
				err = p.addEither(alternatives)
				break
			}
			var leaf []condition
			leaf, err = parseLeaf(v)
			p.fields[name] = &pattern{leaf: leaf}
		default:
			err = errors.New("a value is not in a list")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return p, nil
}

// alternativesOf says whether a field is the operator $or: a list of patterns.
func alternativesOf(name string, list []any) ([]map[string]any, bool) {
	if name != "$or" {
		return nil, false
	}
	var out []map[string]any
	for _, v := range list {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		out = append(out, object)
	}
	return out, len(out) > 0
}

func (p *pattern) addEither(alternatives []map[string]any) error {
	var group []*pattern
	for _, a := range alternatives {
		q, err := parsePattern(a)
		if err != nil {
			return err
		}
		group = append(group, q)
	}
	p.either = append(p.either, group)
	return nil
}

// admits says whether a record matches.
func (f filter) admits(event []byte) bool {
	if len(f) == 0 {
		return true
	}
	var v any
	if json.Unmarshal(event, &v) != nil {
		return false
	}
	for _, p := range f {
		if p.matches(v, true) {
			return true
		}
	}
	return false
}

// matches judges a value, or the absence of one. Of a list one element has to
// match.
func (p *pattern) matches(v any, present bool) bool {
	if list, ok := v.([]any); ok {
		for _, element := range list {
			if p.matches(element, true) {
				return true
			}
		}
		return len(list) == 0 && p.matches(nil, false)
	}
	object, isObject := v.(map[string]any)
	if p.leaf != nil {
		return p.matchesLeaf(v, present && !isObject)
	}
	for name, q := range p.fields {
		field, ok := object[name]
		if !q.matches(field, ok) {
			return false
		}
	}
	for _, group := range p.either {
		if !slices.ContainsFunc(group, func(q *pattern) bool { return q.matches(v, present) }) {
			return false
		}
	}
	return true
}

// matchesLeaf judges a scalar. An object is none: exists looks at leaves only.
func (p *pattern) matchesLeaf(v any, present bool) bool {
	for _, c := range p.leaf {
		if e, ok := c.(exists); ok {
			if bool(e) == present {
				return true
			}
		} else if present && c.matches(v) {
			return true
		}
	}
	return false
}
