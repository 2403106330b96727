package build

import (
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Roles builds AWS::IAM::Role with the policies that are attached to it. Other
// principals of IAM cannot invoke anything locally.
func Roles(s *resource.Set) {
	managed := map[string]plan.Policy{} // by ARN
	for _, res := range s.Active("AWS::IAM::ManagedPolicy") {
		managed[res.Ref] = policy(s, res.Name, res.Properties.Get("PolicyDocument"))
	}
	s.Roles = map[string]*plan.Role{}
	byName := map[string]*plan.Role{}
	for _, res := range s.Active("AWS::IAM::Role") {
		r := role(s, res, managed)
		s.Roles[r.ARN], byName[r.Name] = r, r
	}
	attach := func(names []string, p plan.Policy) {
		for _, name := range names {
			if r := byName[name]; r != nil {
				r.Policies = append(r.Policies, p)
			}
		}
	}
	for _, res := range s.Active("AWS::IAM::ManagedPolicy") {
		attach(res.Properties.Strings("Roles"), managed[res.Ref])
	}
	for _, res := range s.Active("AWS::IAM::Policy") {
		attach(res.Properties.Strings("Roles"), inlinePolicy(s, res.Properties))
	}
	for _, res := range s.Active("AWS::IAM::RolePolicy") {
		if name := res.Properties.Str("RoleName"); byName[name] != nil {
			attach([]string{name}, inlinePolicy(s, res.Properties))
		}
	}
}

// role reads a role with its inline policies and the managed policies that it
// names. managed are those of the template.
func role(s *resource.Set, res *template.Resource, managed map[string]plan.Policy) *plan.Role {
	r := &plan.Role{
		LogicalID:           s.LogicalID(res),
		Name:                res.Name,
		ARN:                 res.Attributes["Arn"],
		PermissionsBoundary: res.Properties.Str("PermissionsBoundary"),
	}
	for _, arn := range res.Properties.Strings("ManagedPolicyArns") {
		if p, ok := managed[arn]; ok {
			r.Policies = append(r.Policies, p)
		} else {
			r.ManagedPolicies = append(r.ManagedPolicies, arn)
		}
	}
	for _, p := range res.Properties.Each("Policies") {
		r.Policies = append(r.Policies, inlinePolicy(s, p))
	}
	return r
}

// inlinePolicy reads PolicyName and PolicyDocument.
func inlinePolicy(s *resource.Set, p *template.Value) plan.Policy {
	return policy(s, p.Str("PolicyName"), p.Get("PolicyDocument"))
}
