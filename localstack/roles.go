package main

import (
	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// What the template says about permissions, in the words of the guard.

// roles are the execution roles by function name.
func roles(plan *sam.Plan) map[string]iam.Role {
	roles := make(map[string]iam.Role, len(plan.Functions))
	for _, f := range plan.Functions {
		role := iam.Role{
			ARN: f.Role.ARN, Name: f.Role.Name, External: f.Role.LogicalID == "",
			Managed: f.Role.ManagedPolicies, Boundary: f.Role.PermissionsBoundary,
		}
		for _, p := range f.Role.Policies {
			role.Statements = append(role.Statements, statements(p)...)
		}
		roles[f.Name] = role
	}
	return roles
}

// resourcePolicies are the policies of keys and tables by ARN.
func resourcePolicies(plan *sam.Plan) map[string][]iam.Statement {
	policies := make(map[string][]iam.Statement)
	for _, k := range plan.Keys {
		if k.Policy != nil {
			policies[k.ARN] = statements(*k.Policy)
		}
	}
	for _, t := range plan.Tables {
		if t.ResourcePolicy != nil {
			policies[t.ARN] = statements(*t.ResourcePolicy)
		}
	}
	return policies
}

func statements(p sam.Policy) []iam.Statement {
	var list []iam.Statement
	for _, s := range p.Statements {
		list = append(list, iam.Statement{
			Version: policyVersion, Sid: s.Sid, Effect: s.Effect,
			Action: s.Action, NotAction: s.NotAction, Resource: s.Resource, NotResource: s.NotResource,
			Principal: s.Principal, NotPrincipal: s.NotPrincipal, Condition: s.Condition,
		})
	}
	return list
}

// policyVersion is that of every policy that SAM writes, and that AWS asks
// policies to have (IAM user guide, "Version").
const policyVersion = "2012-10-17"
