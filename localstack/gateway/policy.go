package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// policyDocument is what an authorizer returns: an IAM policy without
// principals, for execute-api:Invoke.
type policyDocument struct {
	Statement oneOrMore[policyStatement]
}

type policyStatement struct {
	Effect                                   string
	Action, NotAction, Resource, NotResource oneOrMore[string]
	Condition                                map[string]json.RawMessage
}

// oneOrMore is a list of which the only element may stand without brackets (IAM
// policy grammar).
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]T)(o))
	}
	*o = make([]T, 1)
	return json.Unmarshal(data, &(*o)[0])
}

// decision is what a policy says of one request.
type decision int

const (
	notAllowed decision = iota // nothing allows it
	allowed
	denied // something denies it, whatever else allows it
)

// evaluate decides by IAM's rules: a Deny that matches wins, then an Allow. A
// statement that does not hold together is an error.
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

func (s policyStatement) applies(action, resource string) (bool, error) {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return false, errors.New("effect is neither Allow nor Deny")
	case len(s.Action) == 0 == (len(s.NotAction) == 0):
		return false, errors.New("it needs either Action or NotAction")
	case len(s.Resource) == 0 == (len(s.NotResource) == 0):
		return false, errors.New("it needs either Resource or NotResource")
	case len(s.Condition) > 0:
		return false, errors.New("conditions are not evaluated locally")
	}
	lower := strings.ToLower(action) // actions are case-insensitive, ARNs are not (IAM policy elements)
	onAction := s.NotAction != nil && !matchesAny(s.NotAction, lower, strings.ToLower) ||
		matchesAny(s.Action, lower, strings.ToLower)
	same := func(text string) string { return text }
	onResource := s.NotResource != nil && !matchesAny(s.NotResource, resource, same) ||
		matchesAny(s.Resource, resource, same)
	return onAction && onResource, nil
}

func matchesAny(patterns []string, text string, fold func(string) string) bool {
	for _, p := range patterns {
		if awsname.Match(fold(p), text) {
			return true
		}
	}
	return false
}
