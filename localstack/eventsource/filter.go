package eventsource

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// filter is a mapping's FilterCriteria: a record must match one pattern.
type filter []*pattern

// pattern is an event pattern: a pattern for each field of an object, or the
// conditions of a leaf (Lambda Developer Guide, "Filter rule syntax", a part of
// EventBridge's).
type pattern struct {
	fields map[string]*pattern
	either [][]*pattern // one pattern of each group under $or must match
	leaf   []condition  // nil in an object
}

// condition is one element of the list of a leaf. One of them must match.
type condition interface {
	// matches reports whether a scalar matches: a string, float64, bool or nil.
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
			return nil, errors.New("filter pattern: not a JSON object")
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

// alternativesOf returns the patterns of the operator $or. It returns false if
// the field is not $or with a list of patterns.
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

// matches reports whether a record matches.
func (f filter) matches(event []byte) bool {
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

// matches reports whether a value, or its absence, matches. One element of a
// list must match.
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

// matchesLeaf reports whether a scalar matches. An object counts as absent,
// since exists applies to leaves only.
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
