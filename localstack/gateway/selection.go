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

// selector is a parsed selection expression (A5.1). The key is the
// concatenation of its parts' values.
type selector []selectorPart

// selectorPart is a path in the message's body if path is not nil, otherwise
// literal text.
type selectorPart struct {
	text string
	path []step
}

// step is one step of a path: a member, or an index if it is not -1.
type step struct {
	name  string
	index int // -1 for a member
}

const bodyVariable = "request.body"

// parseSelection parses "$request.body.x", or a mix of "${request.body.x}",
// static text and "\$" for a dollar sign.
func parseSelection(expression string) (selector, error) {
	if expression == "" {
		return nil, errors.New("empty")
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
				return nil, fmt.Errorf("${%s} is not implemented; want ${%s.…}", variable, bodyVariable)
			}
			steps, err := parsePath(path)
			if err != nil {
				return nil, err
			}
			flush()
			parts = append(parts, selectorPart{path: steps})
			rest = after
		case rest[0] == '$':
			return nil, errors.New(`"$" in text; write a dollar sign as "\$" and a variable as "${…}"`)
		default:
			text.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	flush()
	return parts, nil
}

// parsePath parses ".a.b", "['a']" and "[0]". The empty path is the whole body.
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
				return nil, fmt.Errorf("%q is not a path in the body", path)
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
			return nil, fmt.Errorf("%q is not a path in the body", path)
		}
	}
	return steps, nil
}

// errNotEvaluated means that the message selects no route, so $default handles
// it (A5.3).
var errNotEvaluated = errors.New("route selection expression cannot be evaluated")

// messageBody is the JSON value of a message, or the error of parsing it. A
// message is parsed once for the selection of its route, its model and the
// validation.
type messageBody struct {
	value any
	err   error
}

// parseBody returns the body of a message.
func parseBody(text []byte) messageBody {
	value, err := decodeJSON(text)
	return messageBody{value, err}
}

// selectKey evaluates the expression on a message. A path to a missing value
// gives the empty string (A5.2). A body that is not JSON, and a value without a
// text form, give errNotEvaluated (A5.3).
func (s selector) selectKey(body messageBody) (string, error) {
	if body.err != nil {
		return "", errNotEvaluated
	}
	var key strings.Builder
	for _, part := range s {
		if part.path == nil {
			key.WriteString(part.text)
			continue
		}
		text, err := stringify(follow(body.value, part.path))
		if err != nil {
			return "", err
		}
		key.WriteString(text)
	}
	return key.String(), nil
}

// decodeJSON parses one JSON value. Numbers keep their form, so 1.0 does not
// select the route "1".
func decodeJSON(body []byte) (any, error) {
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

// follow returns the value at the path, or nil if there is none.
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

// stringify returns the text of a value. API Gateway documents "[item1, item2]"
// for arrays (A5.2) and nothing for objects, which are errNotEvaluated.
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

// CheckSelection returns an error if a route or model selection expression is
// not valid.
func CheckSelection(expression string) error {
	_, err := parseSelection(expression)
	return err
}
