package iam_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// TestUsesAreCounted wants each action, resource and condition value of a
// statement to be counted apart, and refused requests not at all.
func TestUsesAreCounted(t *testing.T) {
	roles := map[string]iam.Role{function: role(
		statement("Allow", "dynamodb:GetItem dynamodb:PutItem", table, nil),
		statement("Allow", "kms:Decrypt", "*", conditions{
			"StringEquals": {"kms:EncryptionContext:purpose": {"a", "b"}},
		}),
		statement("Deny", "dynamodb:Scan", "*", nil),
	)}
	key := "arn:aws:kms:" + region + ":" + account + ":key/k"
	policy := statement("Allow", "kms:Encrypt", "*", nil)
	policy.Principal = map[string][]string{"AWS": {roles[function].ARN}}
	resources := map[string][]iam.Statement{key: {policy}}
	g, err := iam.New(iam.Options{Account: account, Region: region, Roles: roles, Resources: resources})
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.WithCaller(t.Context(), trace.Caller{Function: function})
	purpose := iam.Context{"kms:EncryptionContext:purpose": {"b"}}
	for _, r := range []struct {
		action, resource string
		keys             iam.Context
		allowed          bool
	}{
		{"dynamodb:GetItem", table, nil, true},
		{"dynamodb:GetItem", table, nil, true},
		{"dynamodb:Scan", table, nil, false},
		{"dynamodb:DeleteItem", table, nil, false},
		{"kms:Encrypt", key, nil, true},
		{"kms:Decrypt", "*", purpose, true},
	} {
		if err := g.Check(ctx, r.action, r.resource, r.keys); (err == nil) != r.allowed {
			t.Errorf("%s: got error %v, want allowed: %v", r.action, err, r.allowed)
		}
	}
	want := []string{
		"kms:Decrypt * [kms:encryptioncontext:purpose=a]  0",
		"kms:Decrypt * [kms:encryptioncontext:purpose=b]  1",
		"dynamodb:GetItem " + table + " []  2",
		"dynamodb:PutItem " + table + " []  0",
		"kms:Encrypt * [] " + key + " 1",
	}
	if got := described(g.Uses()); !slices.Equal(got, want) {
		t.Errorf("got the uses %q\nwant %q", got, want)
	}
	if err := g.Update(roles, resources); err != nil {
		t.Fatal(err)
	}
	for _, u := range g.Uses() {
		if u.Requests != 0 {
			t.Errorf("after an update: got %d requests of %s, want 0", u.Requests, u.Action)
		}
	}
}

func described(uses []iam.Use) (lines []string) {
	for _, u := range uses {
		lines = append(lines, fmt.Sprint(u.Action, " ", u.Resource, " ", u.Conditions, " ", u.Policy, " ", u.Requests))
	}
	return lines
}
