package stack

import (
	"encoding/json"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// key returns the options of a KMS key.
func key(k sam.Key) kms.KeyOptions {
	return kms.KeyOptions{
		ID:           k.ID,
		ARN:          k.ARN,
		Spec:         k.Spec,
		Usage:        k.Usage,
		Description:  k.Description,
		Aliases:      k.Aliases,
		Disabled:     !k.Enabled,
		Rotates:      k.EnableRotation,
		RotationDays: k.RotationPeriodInDays,
		Tags:         k.Tags,
		Policy:       policyText(k.Policy),
	}
}

// policyText returns a policy as JSON text, with every scalar as a list; "" for
// none.
func policyText(p *sam.Policy) string {
	if p == nil {
		return ""
	}
	type statement struct {
		Sid          string                         `json:",omitempty"`
		Effect       string                         `json:",omitempty"`
		Principal    map[string][]string            `json:",omitempty"`
		NotPrincipal map[string][]string            `json:",omitempty"`
		Action       []string                       `json:",omitempty"`
		NotAction    []string                       `json:",omitempty"`
		Resource     []string                       `json:",omitempty"`
		NotResource  []string                       `json:",omitempty"`
		Condition    map[string]map[string][]string `json:",omitempty"`
	}
	document := struct {
		Version   string
		Statement []statement
	}{Version: p.Version}
	for _, s := range p.Statements {
		document.Statement = append(document.Statement, statement{
			Sid:          s.Sid,
			Effect:       s.Effect,
			Principal:    s.Principal,
			NotPrincipal: s.NotPrincipal,
			Action:       s.Action,
			NotAction:    s.NotAction,
			Resource:     s.Resource,
			NotResource:  s.NotResource,
			Condition:    s.Condition,
		})
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		panic(err) // cannot happen: maps and lists of strings
	}
	return string(text)
}

// keyPolicyError returns the mistake in a key policy, nil if there is none.
func keyPolicyError(text string) error {
	statements, err := iam.ParseDocument(text)
	if err != nil {
		return err
	}
	return iam.CheckResource(statements)
}
