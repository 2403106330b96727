package dynamodb

import (
	"context"
	"encoding/json"
	"strconv"
)

// noPolicy is the ExpectedRevisionId of who wants there to be none.
const noPolicy = "NO_POLICY"

// maxPolicy is the largest policy of a table, in bytes.
const maxPolicy = 20 << 10

// policySetting is what is kept of a table's policy; nobody evaluates it here.
type policySetting struct {
	Policy   string // empty for none
	Revision int64  // counts the changes
}

func (p policySetting) id() string {
	if p.Policy == "" {
		return noPolicy
	}
	return strconv.FormatInt(p.Revision, 10)
}

// expect refuses a change of another revision than the caller knows.
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
	c.present("policy", in.Policy != nil)
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
	err = record(e, t, recordPolicy, func(p *policySetting) error {
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
	p, err := recorded[policySetting](t.Definition(), recordPolicy)
	if err != nil {
		return nil, err
	}
	if p.Policy == "" {
		return nil, clientError("PolicyNotFoundException",
			"Resource-based policy not found for the provided ResourceArn: %s", *in.ResourceArn)
	}
	return &policyOutput{p.Policy, p.id()}, nil
}

// deleteResourcePolicy succeeds without a policy, too, and has no revision
// then.
func (e *Engine) deleteResourcePolicy(ctx context.Context, in *policyInput) (*policyOutput, error) {
	t, err := e.resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := new(policyOutput)
	err = record(e, t, recordPolicy, func(p *policySetting) error {
		if err := p.expect(in.ExpectedRevisionID); err != nil || p.Policy == "" {
			return err
		}
		out.RevisionID = p.id()
		p.Policy = ""
		return nil
	})
	return out, err
}
