package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// policyDocument is the policy in an authorizer's result: an IAM policy for
// execute-api:Invoke, without principals.
type policyDocument struct {
	Statement oneOrMore[policyStatement]
}

type policyStatement struct {
	Effect                                   string
	Action, NotAction, Resource, NotResource oneOrMore[string]
	Condition                                map[string]json.RawMessage
}

// oneOrMore is a JSON list; a single element may omit the brackets (IAM
// policy grammar).
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]T)(o))
	}
	*o = make([]T, 1)
	return json.Unmarshal(data, &(*o)[0])
}

// decision is the result of a policy for one request.
type decision int

const (
	notAllowed decision = iota // no statement allows it
	allowed
	denied // a statement denies it
)

// evaluate decides as IAM does: by a Deny that matches, otherwise by an Allow
// that matches. A statement that is not valid is an error.
func (p policyDocument) evaluate(action, resource string) (decision, error) {
	if len(p.Statement) == 0 {
		return notAllowed, errors.New("policy without statements")
	}
	result := notAllowed
	for i, s := range p.Statement {
		applies, err := s.applies(action, resource)
		if err != nil {
			return notAllowed, fmt.Errorf("statement %d: %w", i+1, err)
		}
		switch {
		case !applies:
		case s.Effect == "Deny":
			result = denied
		case result == notAllowed:
			result = allowed
		}
	}
	return result, nil
}

// applies reports whether the statement is for this action on this resource.
func (s policyStatement) applies(action, resource string) (bool, error) {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return false, errors.New("want Effect Allow or Deny")
	case len(s.Action) == 0 == (len(s.NotAction) == 0):
		return false, errors.New("want either Action or NotAction")
	case len(s.Resource) == 0 == (len(s.NotResource) == 0):
		return false, errors.New("want either Resource or NotResource")
	case len(s.Condition) > 0:
		return false, errors.New("conditions are not implemented locally")
	}
	lower := strings.ToLower(action) // actions are case-insensitive, unlike ARNs (IAM policy elements)
	onAction := s.NotAction != nil && !matchesAny(s.NotAction, lower, strings.ToLower) ||
		matchesAny(s.Action, lower, strings.ToLower)
	same := func(text string) string { return text }
	onResource := s.NotResource != nil && !matchesAny(s.NotResource, resource, same) ||
		matchesAny(s.Resource, resource, same)
	return onAction && onResource, nil
}

// matchesAny reports whether a pattern, changed by fold, matches the text.
func matchesAny(patterns []string, text string, fold func(string) string) bool {
	for _, p := range patterns {
		if awsname.Match(fold(p), text) {
			return true
		}
	}
	return false
}
