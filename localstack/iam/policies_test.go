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
			t.Errorf("%s, %s: got allowed %t (%v), want %t", c.policy, c.action, got, err, c.want)
		}
	}
}

// A policy whose statements are unknown does not lead to refusals. There is one
// line in the log for each function and policy.
func TestUnknownPolicies(t *testing.T) {
	for _, c := range []struct {
		name, mentions string
		change         func(*iam.Role)
	}{
		{"role from outside", roleARN, func(r *iam.Role) { r.External = true }},
		{"managed policy of AWS", "policy/AmazonPollyFullAccess",
			func(r *iam.Role) { r.Managed = []string{"arn:aws:iam::aws:policy/AmazonPollyFullAccess"} }},
		{"managed policy of a customer", "1:policy/AdministratorAccess",
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
					t.Errorf("got %v, want no refusal", err)
				}
			}
			if err := g.Check(fromFunction(t.Context()), "dynamodb:DeleteTable", table, nil); err == nil {
				t.Error("DeleteTable was allowed, want the known Deny to refuse it")
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 ||
				!strings.Contains(log.String(), c.mentions) || !strings.Contains(log.String(), function) {
				t.Errorf("got the log\n%s\nwant one line with %s and %s", &log, function, c.mentions)
			}
		})
	}
}

const keyARN = "arn:aws:kms:eu-central-1:" + account + ":key/k"

// Principals of resource-based policies.
var (
	toAccount = map[string][]string{"AWS": {"arn:aws:iam::" + account + ":root"}}
	toRole    = map[string][]string{"AWS": {roleARN}}
)

// allowAll is a role that may do everything.
var allowAll = role(statement("Allow", "*", "*", nil))

// resourceStatement returns a statement of a resource-based policy.
func resourceStatement(effect, action string, principal map[string][]string) iam.Statement {
	return iam.Statement{
		Version:   version,
		Effect:    effect,
		Action:    []string{action},
		Resource:  []string{"*"},
		Principal: principal,
	}
}

// within returns a role with an AWS managed policy as its permissions boundary.
func within(r iam.Role, policy string) iam.Role {
	r.Boundary = "arn:aws:iam::aws:policy/" + policy
	return r
}

var resourcePolicies = []struct {
	name             string
	role             iam.Role
	policy           []iam.Statement
	action, resource string
	want             string
}{
	{"a key's default leaves it to the role", allowAll, nil, "kms:Decrypt", keyARN, ""},
	{"a key that names the account", allowAll,
		[]iam.Statement{resourceStatement("Allow", "kms:*", toAccount)}, "kms:Decrypt", keyARN, ""},
	{"the account by its number", allowAll,
		[]iam.Statement{resourceStatement("Allow", "kms:*", map[string][]string{"AWS": {account}})},
		"kms:Decrypt", keyARN, ""},
	{"the account does not stand for the role", role(), []iam.Statement{resourceStatement("Allow", "kms:*", toAccount)},
		"kms:Decrypt", keyARN, "because no identity-based policy"},
	{"a key that does not name the account", allowAll,
		[]iam.Statement{resourceStatement("Allow", "kms:*", map[string][]string{"AWS": {"arn:aws:iam::1:root"}})},
		"kms:Decrypt", keyARN, "because no resource-based policy"},
	{"a key that leaves other actions to IAM", allowAll,
		[]iam.Statement{resourceStatement("Allow", "kms:Describe*", toAccount)}, "kms:Decrypt", keyARN,
		"because no resource-based policy"},
	{"a key that names the role", role(), []iam.Statement{resourceStatement("Allow", "kms:Decrypt", toRole)},
		"kms:Decrypt", keyARN, ""},
	{"a key that names the session", role(),
		[]iam.Statement{resourceStatement("Allow", "kms:Decrypt", map[string][]string{"AWS": {session}})},
		"kms:Decrypt", keyARN, ""},
	{"a key that denies", allowAll, []iam.Statement{resourceStatement("Allow", "kms:*", toAccount),
		resourceStatement("Deny", "kms:Decrypt", toRole)}, "kms:Decrypt", keyARN,
		"with an explicit deny in a resource-based policy"},
	{"NotPrincipal", allowAll, []iam.Statement{resourceStatement("Allow", "kms:*", toAccount), {
		Effect:       "Deny",
		Action:       []string{"*"},
		Resource:     []string{"*"},
		NotPrincipal: toRole,
	}}, "kms:Decrypt", keyARN, ""},
	{"a service is not a role", role(),
		[]iam.Statement{resourceStatement("Allow", "kms:*",
			map[string][]string{"Service": {"lambda.amazonaws.com"}})}, "kms:Decrypt", keyARN,
		"because no resource-based policy"},
	{"a table that names the role", role(), []iam.Statement{resourceStatement("Allow", "dynamodb:GetItem", toRole)},
		"dynamodb:GetItem", table, ""},
	{"a table for its index", role(), []iam.Statement{resourceStatement("Allow", "dynamodb:Query", toRole)},
		"dynamodb:Query", table + "/index/i", ""},
	{"a table that says nothing", allowAll, []iam.Statement{resourceStatement("Allow", "dynamodb:Query", toRole)},
		"dynamodb:GetItem", table, ""},
	{"a table for everybody but", role(),
		[]iam.Statement{resourceStatement("Allow", "*", map[string][]string{"AWS": {"*"}}),
			resourceStatement("Deny", "dynamodb:Put*", toAccount)}, "dynamodb:PutItem", table,
		"with an explicit deny in a resource-based policy"},
	{"boundary", within(allowAll, "AmazonDynamoDBReadOnlyAccess"), nil, "dynamodb:PutItem", table,
		"because no permissions boundary allows"},
	{"within the boundary", within(allowAll, "AmazonDynamoDBReadOnlyAccess"), nil, "dynamodb:GetItem", table, ""},
	{"a table that names the role, beyond its boundary", within(role(), "AmazonDynamoDBReadOnlyAccess"),
		[]iam.Statement{resourceStatement("Allow", "dynamodb:*", toRole)}, "dynamodb:PutItem", table,
		"because no permissions boundary allows"},
	{"a table that names the role, within its boundary", within(role(), "AmazonDynamoDBReadOnlyAccess"),
		[]iam.Statement{resourceStatement("Allow", "dynamodb:*", toRole)}, "dynamodb:GetItem", table, ""},
	{"a table that names the session, beyond its boundary", within(role(), "AmazonDynamoDBReadOnlyAccess"),
		[]iam.Statement{resourceStatement("Allow", "dynamodb:*", toRole),
			resourceStatement("Allow", "dynamodb:*", map[string][]string{"AWS": {session}})},
		"dynamodb:PutItem", table, ""},
	{"a boundary allows nothing by itself", within(role(), "AdministratorAccess"), nil, "dynamodb:GetItem",
		table, "because no identity-based policy"},
}

func TestResourceBasedPolicies(t *testing.T) {
	for _, c := range resourcePolicies {
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
		t.Fatal("allowed without a policy, want a refusal")
	}
	if err := g.Update(map[string]iam.Role{function: role(statement("Allow", "dynamodb:*", "*", nil))},
		nil); err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil {
		t.Errorf("after the update: got %v, want no refusal", err)
	}
	if err := g.Update(map[string]iam.Role{function: role(statement("Perhaps", "dynamodb:*", "*", nil))},
		nil); err == nil {
		t.Error("Update accepted a malformed policy, want an error")
	}
	if err := check(); err != nil {
		t.Errorf("after an update that failed: got %v, want no refusal", err)
	}
}
