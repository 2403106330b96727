package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// selector is a parsed route selection expression (A5.1): text and body paths
// whose values are joined.
type selector []selectorPart

// selectorPart is literal text, or a path into the message's body when path is
// not nil.
type selectorPart struct {
	text string
	path []step
}

// step is one step of a path: a member name, or an index when name is empty and
// the step came from "[0]".
type step struct {
	name  string
	index int // -1 for a member
}

const bodyVariable = "request.body"

// parseSelection reads "$request.body.x", or any mix of "${request.body.x}",
// static text and "\$" for a dollar sign.
func parseSelection(expression string) (selector, error) {
	if expression == "" {
		return nil, errors.New("is empty")
	}
	if rest, ok := strings.CutPrefix(expression, "$"+bodyVariable); ok {
		path, err := parsePath(rest)
		if err != nil {
			return nil, err
		}
		return selector{{path: path}}, nil
	}
	var parts selector
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, selectorPart{text: text.String()})
			text.Reset()
		}
	}
	for rest := expression; rest != ""; {
		switch {
		case strings.HasPrefix(rest, `\$`):
			text.WriteByte('$')
			rest = rest[2:]
		case strings.HasPrefix(rest, "${"):
			variable, after, closed := strings.Cut(rest[2:], "}")
			if !closed {
				return nil, errors.New(`"${" without "}"`)
			}
			path, isBody := strings.CutPrefix(variable, bodyVariable)
			if !isBody {
				return nil, fmt.Errorf("${%s} is not available: only ${%s.…} is", variable, bodyVariable)
			}
			steps, err := parsePath(path)
			if err != nil {
				return nil, err
			}
			flush()
			parts = append(parts, selectorPart{path: steps})
			rest = after
		case rest[0] == '$':
			return nil, errors.New(`a "$" in text is written "\$", a variable "${…}"`)
		default:
			text.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	flush()
	return parts, nil
}

// parsePath reads ".a.b", "['a']" and "[0]". The empty path is the whole body.
func parsePath(path string) ([]step, error) {
	steps := []step{}
	for rest := path; rest != ""; {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			name := rest[1:end]
			if name == "" || strings.ContainsAny(name, "${}]/ ") {
				return nil, fmt.Errorf("%q is not a path into the body", path)
			}
			steps = append(steps, step{name: name, index: -1})
			rest = rest[end:]
		case '[':
			inner, after, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, fmt.Errorf("%q: \"[\" without \"]\"", path)
			}
			if n := len(inner); n > 2 && inner[0] == inner[n-1] && (inner[0] == '\'' || inner[0] == '"') {
				steps = append(steps, step{name: inner[1 : n-1], index: -1})
			} else if index, err := strconv.Atoi(inner); err == nil && index >= 0 {
				steps = append(steps, step{index: index})
			} else {
				return nil, fmt.Errorf("%q: [%s] is neither a name nor an index", path, inner)
			}
			rest = after
		default:
			return nil, fmt.Errorf("%q is not a path into the body", path)
		}
	}
	return steps, nil
}

// errNotEvaluated says that the message selects no route of its own (A5.3).
var errNotEvaluated = errors.New("route selection expression cannot be evaluated")

// selectKey evaluates the expression on a message. A path that leads nowhere
// counts as the empty string (A5.2); a body that is not JSON, or a value
// without a text form, is errNotEvaluated (A5.3).
func (s selector) selectKey(body []byte) (string, error) {
	value, err := decodeBody(body)
	if err != nil {
		return "", errNotEvaluated
	}
	var key strings.Builder
	for _, part := range s {
		if part.path == nil {
			key.WriteString(part.text)
			continue
		}
		text, err := stringify(follow(value, part.path))
		if err != nil {
			return "", err
		}
		key.WriteString(text)
	}
	return key.String(), nil
}

// decodeBody keeps numbers as they were written, so that 1.0 does not select
// the route "1".
func decodeBody(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// follow returns nil where the path leads nowhere.
func follow(value any, path []step) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			if step.index >= 0 {
				return nil
			}
			value = v[step.name]
		case []any:
			if step.index < 0 || step.index >= len(v) {
				return nil
			}
			value = v[step.index]
		default:
			return nil
		}
	}
	return value
}

// stringify writes arrays as API Gateway documents it, "[item1, item2]" (A5.2).
// Objects have no documented text.
func stringify(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			text, err := stringify(item)
			if err != nil {
				return "", err
			}
			items[i] = text
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	default:
		return "", errNotEvaluated
	}
}

// CheckSelection says what is wrong with a route or model selection expression,
// if anything.
func CheckSelection(expression string) error {
	_, err := parseSelection(expression)
	return err
}
