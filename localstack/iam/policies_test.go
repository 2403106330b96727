package iam_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/iam"
)

func TestManagedPolicies(t *testing.T) {
	const aws = "arn:aws:iam::aws:policy/"
	post := "arn:aws:execute-api:" + region + ":" + account + ":a1b2c3d4e5/prod/POST/@connections/x="
	for _, c := range []struct {
		policy, action, resource string
		want                     bool
	}{
		{aws + "service-role/AWSLambdaBasicExecutionRole", "dynamodb:GetItem", table, false},
		{aws + "AmazonDynamoDBFullAccess", "dynamodb:DeleteTable", table, true},
		{aws + "AmazonDynamoDBFullAccess_v2", "dynamodb:PutItem", table, true},
		{aws + "AmazonDynamoDBReadOnlyAccess", "dynamodb:Query", table + "/index/a", true},
		{aws + "AmazonDynamoDBReadOnlyAccess", "dynamodb:PutItem", table, false},
		{aws + "AmazonAPIGatewayInvokeFullAccess", "execute-api:ManageConnections", post, true},
		{aws + "AmazonAPIGatewayAdministrator", "execute-api:ManageConnections", post, false},
		{aws + "service-role/AWSLambdaDynamoDBExecutionRole", "dynamodb:GetRecords", table + "/stream/2026", true},
		{aws + "service-role/AWSLambdaRole", "lambda:InvokeFunction", "arn:aws:lambda:eu-central-1:1:function:x", true},
		{aws + "AdministratorAccess", "kms:Decrypt", "*", true},
		{aws + "PowerUserAccess", "kms:Decrypt", "*", true},
		{aws + "PowerUserAccess", "iam:CreateUser", "*", false},
	} {
		r := role()
		r.Managed = []string{c.policy}
		err := guardOf(t, r).Check(fromFunction(t.Context()), c.action, c.resource, nil)
		if got := err == nil; got != c.want {
			t.Errorf("%s, %s: allowed: %t, want %t", c.policy, c.action, got, c.want)
		}
	}
}

func TestEveryManagedPolicyIsWellFormed(t *testing.T) {
	for _, name := range iam.Known() {
		r := role()
		r.Managed = []string{"arn:aws:iam::aws:policy/" + name}
		guardOf(t, r)
	}
}

// What is not known is not refused, with one line for each function and policy.
func TestUnknownPolicies(t *testing.T) {
	for _, c := range []struct {
		name, mentions string
		change         func(*iam.Role)
	}{
		{"role from outside", roleARN, func(r *iam.Role) { r.External = true }},
		{"managed policy of AWS", "policy/AmazonPollyFullAccess",
			func(r *iam.Role) { r.Managed = []string{"arn:aws:iam::aws:policy/AmazonPollyFullAccess"} }},
		{"managed policy of somebody", "1:policy/AdministratorAccess",
			func(r *iam.Role) { r.Managed = []string{"arn:aws:iam::1:policy/AdministratorAccess"} }},
		{"policy template", "SESCrudPolicy", func(r *iam.Role) { r.Unresolved = []string{"SESCrudPolicy"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := role(statement("Deny", "dynamodb:DeleteTable", "*", nil))
			c.change(&r)
			var log bytes.Buffer
			g := newGuard(t, iam.Options{
				Roles: map[string]iam.Role{function: r},
				Log:   slog.New(slog.NewTextHandler(&log, nil)),
			})
			for range 3 {
				if err := g.Check(fromFunction(t.Context()), "dynamodb:GetItem", table, nil); err != nil {
					t.Error(err)
				}
			}
			if err := g.Check(fromFunction(t.Context()), "dynamodb:DeleteTable", table, nil); err == nil {
				t.Error("a known deny does not count")
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 ||
				!strings.Contains(log.String(), c.mentions) || !strings.Contains(log.String(), function) {
				t.Errorf("want one line with the function and %s:\n%s", c.mentions, &log)
			}
		})
	}
}

func TestPoliciesOfResources(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:" + account + ":key/k"
	root := map[string][]string{"AWS": {"arn:aws:iam::" + account + ":root"}}
	to := func(effect, action string, principal map[string][]string) iam.Statement {
		return iam.Statement{
			Version:   version,
			Effect:    effect,
			Action:    []string{action},
			Resource:  []string{"*"},
			Principal: principal,
		}
	}
	self := map[string][]string{"AWS": {roleARN}}
	allows := role(statement("Allow", "*", "*", nil))
	for _, c := range []struct {
		name             string
		role             iam.Role
		policy           []iam.Statement
		action, resource string
		want             string
	}{
		{"a key's default leaves it to the role", allows, nil, "kms:Decrypt", key, ""},
		{"a key that names the account", allows, []iam.Statement{to("Allow", "kms:*", root)}, "kms:Decrypt", key, ""},
		{"the account by its number", allows,
			[]iam.Statement{to("Allow", "kms:*", map[string][]string{"AWS": {account}})}, "kms:Decrypt", key, ""},
		{"the account does not stand for the role", role(), []iam.Statement{to("Allow", "kms:*", root)},
			"kms:Decrypt", key, "because no identity-based policy"},
		{"a key that does not name the account", allows,
			[]iam.Statement{to("Allow", "kms:*", map[string][]string{"AWS": {"arn:aws:iam::1:root"}})},
			"kms:Decrypt", key, "because no resource-based policy"},
		{"a key that leaves other actions to IAM", allows,
			[]iam.Statement{to("Allow", "kms:Describe*", root)}, "kms:Decrypt", key,
			"because no resource-based policy"},
		{"a key that names the role", role(), []iam.Statement{to("Allow", "kms:Decrypt", self)},
			"kms:Decrypt", key, ""},
		{"a key that names the session", role(),
			[]iam.Statement{to("Allow", "kms:Decrypt", map[string][]string{"AWS": {session}})}, "kms:Decrypt", key, ""},
		{"a key that denies", allows, []iam.Statement{to("Allow", "kms:*", root),
			to("Deny", "kms:Decrypt", self)}, "kms:Decrypt", key, "with an explicit deny in a resource-based policy"},
		{"NotPrincipal", allows, []iam.Statement{to("Allow", "kms:*", root), {
			Effect:       "Deny",
			Action:       []string{"*"},
			Resource:     []string{"*"},
			NotPrincipal: self,
		}}, "kms:Decrypt", key, ""},
		{"a service is not a role", role(),
			[]iam.Statement{to("Allow", "kms:*",
				map[string][]string{"Service": {"lambda.amazonaws.com"}})}, "kms:Decrypt", key,
			"because no resource-based policy"},
		{"a table that names the role", role(), []iam.Statement{to("Allow", "dynamodb:GetItem", self)},
			"dynamodb:GetItem", table, ""},
		{"a table for its index", role(), []iam.Statement{to("Allow", "dynamodb:Query", self)},
			"dynamodb:Query", table + "/index/i", ""},
		{"a table that says nothing", allows, []iam.Statement{to("Allow", "dynamodb:Query", self)},
			"dynamodb:GetItem", table, ""},
		{"a table for everybody but", role(),
			[]iam.Statement{to("Allow", "*", map[string][]string{"AWS": {"*"}}),
				to("Deny", "dynamodb:Put*", root)}, "dynamodb:PutItem", table,
			"with an explicit deny in a resource-based policy"},
		{"boundary", func() iam.Role {
			r := allows
			r.Boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
			return r
		}(), nil, "dynamodb:PutItem", table, "because no permissions boundary allows"},
		{"within the boundary", func() iam.Role {
			r := allows
			r.Boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
			return r
		}(), nil, "dynamodb:GetItem", table, ""},
		{"a table that names the role, beyond its boundary", func() iam.Role {
			r := role()
			r.Boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
			return r
		}(), []iam.Statement{to("Allow", "dynamodb:*", self)}, "dynamodb:PutItem", table,
			"because no permissions boundary allows"},
		{"a table that names the role, within its boundary", func() iam.Role {
			r := role()
			r.Boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
			return r
		}(), []iam.Statement{to("Allow", "dynamodb:*", self)}, "dynamodb:GetItem", table, ""},
		{"a table that names the session, beyond its boundary", func() iam.Role {
			r := role()
			r.Boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
			return r
		}(), []iam.Statement{to("Allow", "dynamodb:*", self),
			to("Allow", "dynamodb:*", map[string][]string{"AWS": {session}})}, "dynamodb:PutItem", table, ""},
		{"a boundary gives nothing", func() iam.Role {
			r := role()
			r.Boundary = "arn:aws:iam::aws:policy/AdministratorAccess"
			return r
		}(), nil, "dynamodb:GetItem", table, "because no identity-based policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(t, iam.Options{
				Roles:     map[string]iam.Role{function: c.role},
				Resources: map[string][]iam.Statement{strings.Split(c.resource, "/index/")[0]: c.policy},
			})
			checkRefusal(t, g.Check(fromFunction(t.Context()), c.action, c.resource, nil), c.action, c.resource, c.want)
		})
	}
}

func TestUpdate(t *testing.T) {
	g := guardOf(t, role())
	check := func() error { return g.Check(fromFunction(t.Context()), "dynamodb:GetItem", table, nil) }
	if check() == nil {
		t.Fatal("allowed without a policy")
	}
	if err := g.Update(map[string]iam.Role{function: role(statement("Allow", "dynamodb:*", "*", nil))},
		nil); err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	if err := g.Update(map[string]iam.Role{function: role(statement("Perhaps", "dynamodb:*", "*", nil))},
		nil); err == nil {
		t.Error("a malformed policy is taken")
	}
	if err := check(); err != nil {
		t.Errorf("after an update that failed: %v", err)
	}
}
