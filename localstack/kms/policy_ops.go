package kms

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

const (
	// policyName is the name of the one policy that a key has.
	policyName = "default"
	// maxPolicy is the size of a key policy in bytes (KMS developer guide,
	// "Quotas").
	maxPolicy = 32 << 10
)

// defaultPolicy returns the policy of a key that was created without one. It
// lets the policies of IAM decide (KMS developer guide, "Default key policy").
func (s *Service) defaultPolicy() string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "%s"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, awsname.PartitionARN(awsname.Partition(s.region), "iam", "", s.account, "root"))
}

// policyWords is a member of a statement that may be a string or a list of
// strings.
type policyWords []string

func (w *policyWords) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = policyWords{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(w))
}

// policyPrincipal is "*" or a map such as {"AWS": "arn:…"}.
type policyPrincipal map[string]policyWords

func (p *policyPrincipal) UnmarshalJSON(text []byte) error {
	if string(text) == `"*"` {
		*p = policyPrincipal{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(text, (*map[string]policyWords)(p))
}

type policyStatement struct {
	Effect                                   string
	Action, NotAction, Resource, NotResource policyWords
	Principal, NotPrincipal                  policyPrincipal
}

// parsePolicy returns the statements of a policy. It checks what each statement
// must have (IAM user guide, "Grammar of the IAM JSON policy language").
func parsePolicy(text string) ([]policyStatement, error) {
	var document struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	if v := document.Version; v != "" && v != "2012-10-17" && v != "2008-10-17" {
		return nil, fmt.Errorf("its Version is %q, want 2012-10-17 or 2008-10-17", v)
	}
	var list []policyStatement
	if one := []byte(document.Statement); len(one) > 0 && one[0] == '{' {
		list = make([]policyStatement, 1)
		if err := json.Unmarshal(one, &list[0]); err != nil {
			return nil, fmt.Errorf("its Statement: %w", err)
		}
	} else if len(one) == 0 || json.Unmarshal(one, &list) != nil || len(list) == 0 {
		return nil, errors.New("it has no Statement with one or more statements")
	}
	for i, st := range list {
		switch {
		case st.Effect != "Allow" && st.Effect != "Deny":
			return nil, fmt.Errorf("statement %d: Effect is %q, want Allow or Deny", i+1, st.Effect)
		case (len(st.Principal) == 0) == (len(st.NotPrincipal) == 0):
			return nil, fmt.Errorf("statement %d needs Principal or NotPrincipal", i+1)
		case (len(st.Action) == 0) == (len(st.NotAction) == 0):
			return nil, fmt.Errorf("statement %d needs Action or NotAction", i+1)
		case (len(st.Resource) == 0) == (len(st.NotResource) == 0):
			return nil, fmt.Errorf("statement %d needs Resource or NotResource", i+1)
		}
	}
	return list, nil
}

// allowsPut reports whether the statement lets somebody replace the policy.
func (st policyStatement) allowsPut() bool {
	if st.Effect != "Allow" {
		return false
	}
	covers := func(patterns policyWords) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			return awsname.Match(strings.ToLower(p), "kms:putkeypolicy")
		})
	}
	return covers(st.Action) || len(st.NotAction) > 0 && !covers(st.NotAction)
}

// checkPolicy returns the error of KMS for a policy that is malformed or,
// without bypass, does not let anybody replace it. (KMS looks for the caller
// among those who may. Here callers from outside have no name.)
func (s *Service) checkPolicy(text string, bypass bool) error {
	if len(text) > maxPolicy {
		return errLimit("The key policy has %d bytes, and at most %d are allowed", len(text), maxPolicy)
	}
	list, err := parsePolicy(text)
	if err != nil {
		return errPolicy("The policy is malformed: %v", err)
	}
	if s.policyError != nil {
		if err := s.policyError(text); err != nil {
			return errPolicy("The policy is malformed: %v", err)
		}
	}
	if !bypass && !slices.ContainsFunc(list, policyStatement.allowsPut) {
		return errPolicy("The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

type getPolicyInput struct {
	KeyId      string
	PolicyName string
}

func (in getPolicyInput) names() (string, []byte) { return in.KeyId, nil }

type getPolicyOutput struct {
	Policy     string
	PolicyName string
}

var errNoSuchPolicy = errNotFound("No such policy exists")

func (s *Service) getKeyPolicy(in getPolicyInput) (any, error) {
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	if in.PolicyName != "" && in.PolicyName != policyName {
		return nil, errNoSuchPolicy
	}
	return getPolicyOutput{cmp.Or(s.stateOf(k).Policy, s.defaultPolicy()), policyName}, nil
}

type putPolicyInput struct {
	KeyId                          string
	PolicyName                     string
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
}

func (in putPolicyInput) names() (string, []byte) { return in.KeyId, nil }

func (s *Service) putKeyPolicy(in putPolicyInput) (any, error) {
	if in.Policy == "" {
		return nil, errConstraint("policy", "must have length greater than or equal to 1")
	}
	k, e := s.resolveKey(in.KeyId)
	if e != nil {
		return nil, e
	}
	if in.PolicyName != "" && in.PolicyName != policyName {
		return nil, errNoSuchPolicy
	}
	if err := s.checkPolicy(in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	return nil, s.change(k, func(st *state) error {
		st.Policy = in.Policy
		return nil
	})
}

type listPoliciesInput struct {
	keyInput
	page
}

type listPoliciesOutput struct {
	PolicyNames []string
	NextMarker  string `json:",omitempty"`
	Truncated   bool
}

func (s *Service) listKeyPolicies(in listPoliciesInput) (any, error) {
	if _, e := s.resolveKey(in.KeyId); e != nil {
		return nil, e
	}
	names, next, err := in.cut([]string{policyName}, 100, 1000)
	if err != nil {
		return nil, err
	}
	return listPoliciesOutput{append([]string{}, names...), next, next != ""}, nil
}
