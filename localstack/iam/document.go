package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ParseDocument returns the statements of a policy document in JSON, with
// scalars widened to lists. It returns an error for what is no policy document;
// [CheckRole] and [CheckResource] check the statements.
func ParseDocument(text string) ([]Statement, error) {
	var document struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("the policy is not a JSON object: %w", err)
	}
	list := document.Statement
	if strings.HasPrefix(string(list), "{") {
		list = append(append(json.RawMessage("["), list...), ']')
	}
	var parsed []jsonStatement
	if len(list) == 0 {
		return nil, errors.New("the policy has no Statement")
	}
	if err := json.Unmarshal(list, &parsed); err != nil {
		return nil, fmt.Errorf("the policy's Statement: %w", err)
	}
	statements := make([]Statement, len(parsed))
	for i, p := range parsed {
		statements[i] = p.statement(document.Version)
	}
	return statements, nil
}

// jsonStatement is a statement as JSON writes it.
type jsonStatement struct {
	Sid, Effect                              string
	Action, NotAction, Resource, NotResource words
	Principal, NotPrincipal                  principals
	Condition                                map[string]map[string]words
}

func (p jsonStatement) statement(version string) Statement {
	s := Statement{
		Version:      version,
		Sid:          p.Sid,
		Effect:       p.Effect,
		Action:       p.Action,
		NotAction:    p.NotAction,
		Resource:     p.Resource,
		NotResource:  p.NotResource,
		Principal:    p.Principal.lists(),
		NotPrincipal: p.NotPrincipal.lists(),
	}
	for operator, keys := range p.Condition {
		if s.Condition == nil {
			s.Condition = make(map[string]map[string][]string)
		}
		s.Condition[operator] = make(map[string][]string, len(keys))
		for key, values := range keys {
			s.Condition[operator][key] = values
		}
	}
	return s
}

// words is a scalar or a list of scalars. Numbers and booleans become text.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	var list []any
	if err := json.Unmarshal(text, &list); err != nil {
		list = make([]any, 1)
		if err := json.Unmarshal(text, &list[0]); err != nil {
			return err
		}
	}
	*w = make(words, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case string:
			(*w)[i] = v
		case bool, float64:
			(*w)[i] = fmt.Sprint(v)
		default:
			return errors.New("want a string or a list of strings")
		}
	}
	return nil
}

// principals is * or a map such as {"AWS": "arn:…"}.
type principals map[string]words

func (p *principals) UnmarshalJSON(text []byte) error {
	if string(text) == `"*"` {
		*p = principals{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(text, (*map[string]words)(p))
}

func (p principals) lists() map[string][]string {
	if p == nil {
		return nil
	}
	lists := make(map[string][]string, len(p))
	for kind, names := range p {
		lists[kind] = names
	}
	return lists
}
