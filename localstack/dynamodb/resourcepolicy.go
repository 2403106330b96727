package dynamodb

import (
	"context"
	"encoding/json"
	"strconv"
)

// noPolicy is the ExpectedRevisionId of a caller that expects no policy.
const noPolicy = "NO_POLICY"

// maxPolicy is the largest resource policy in bytes (API reference,
// PutResourcePolicy).
const maxPolicy = 20 << 10

// policySetting is a table's resource policy. It is stored and returned; the
// engine does not evaluate it.
type policySetting struct {
	Policy   string // empty for none
	Revision int64  // the number of changes so far
}

func (p policySetting) id() string {
	if p.Policy == "" {
		return noPolicy
	}
	return strconv.FormatInt(p.Revision, 10)
}

// expect returns an error if id is given and is not the current revision.
func (p policySetting) expect(id *string) error {
	if id == nil || *id == p.id() {
		return nil
	}
	return clientError("PolicyNotFoundException", "The policy has another revision than the expected one")
}

type policyInput struct {
	ResourceArn        *string
	Policy             *string
	ExpectedRevisionID *string `json:"ExpectedRevisionId"`
}

type policyOutput struct {
	Policy     string `json:",omitempty"`
	RevisionID string `json:"RevisionId,omitempty"`
}

func (e *Engine) putResourcePolicy(ctx context.Context, in *policyInput) (*policyOutput, error) {
	var c checks
	c.required("policy", in.Policy != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	switch {
	case len(*in.Policy) > maxPolicy:
		return nil, invalid("Resource-based policy size exceeds %d bytes", maxPolicy)
	case !json.Valid([]byte(*in.Policy)):
		return nil, invalid("Resource-based policy is not valid JSON")
	}
	t, err := e.resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := new(policyOutput)
	err = changeSetting(e, t, settingPolicy, func(p *policySetting) error {
		if err := p.expect(in.ExpectedRevisionID); err != nil {
			return err
		}
		if p.Policy != *in.Policy {
			p.Policy, p.Revision = *in.Policy, p.Revision+1
		}
		out.RevisionID = p.id()
		return nil
	})
	return out, err
}

func (e *Engine) getResourcePolicy(ctx context.Context, in *policyInput) (*policyOutput, error) {
	t, err := e.resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, err := readSetting[policySetting](t.Definition(), settingPolicy)
	if err != nil {
		return nil, err
	}
	if p.Policy == "" {
		return nil, clientError("PolicyNotFoundException",
			"Resource-based policy not found for the provided ResourceArn: %s", *in.ResourceArn)
	}
	return &policyOutput{p.Policy, p.id()}, nil
}

// deleteResourcePolicy also succeeds if there is no policy; its output then has
// no revision.
func (e *Engine) deleteResourcePolicy(ctx context.Context, in *policyInput) (*policyOutput, error) {
	t, err := e.resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := new(policyOutput)
	err = changeSetting(e, t, settingPolicy, func(p *policySetting) error {
		if err := p.expect(in.ExpectedRevisionID); err != nil || p.Policy == "" {
			return err
		}
		out.RevisionID = p.id()
		p.Policy = ""
		return nil
	})
	return out, err
}
