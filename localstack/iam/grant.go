package iam

import (
	"maps"
	"slices"
	"strings"
)

// Grant is a grant on a KMS key (KMS developer guide, "Grants in AWS KMS").
type Grant struct {
	ID string
	// Grantee and Retiring are ARNs of roles or of their sessions. A grant to
	// an account has no effect here.
	Grantee, Retiring string
	// Operations are names of the KMS API, such as Decrypt.
	Operations []string
	// Subset and Equals constrain the encryption context of a request; nil
	// allows any.
	Subset, Equals map[string]string
}

// granted reports whether a grant on the key of the request lets the role do
// action.
func (k *kmsKeys) granted(r *role, action string) bool {
	if k.key == nil {
		return false
	}
	operation := strings.TrimPrefix(action, "kms:")
	return slices.ContainsFunc(k.key.Grants, func(g Grant) bool {
		// Retiring needs no operation of the grant for its retiring principal.
		if operation == "RetireGrant" && g.ID == k.in.GrantId && r.is(g.Retiring) {
			return true
		}
		if !r.is(g.Grantee) || !slices.Contains(g.Operations, operation) {
			return false
		}
		if operation == "RetireGrant" {
			return g.ID == k.in.GrantId
		}
		return g.admits(operation, k.in.EncryptionContext)
	})
}

// is reports whether arn names the role or its session.
func (r *role) is(arn string) bool { return arn != "" && (arn == r.arn || arn == r.session) }

// admits reports whether the encryption context of a request meets the
// constraints, which bind only the operations that have one.
func (g Grant) admits(operation string, context map[string]string) bool {
	switch operation {
	case "CreateGrant", "DescribeKey":
		return true
	}
	for name, value := range g.Subset {
		if got, ok := context[name]; !ok || got != value {
			return false
		}
	}
	return g.Equals == nil || maps.Equal(g.Equals, context)
}
