package plan

// Role is an IAM role. A role outside the template has only an ARN and a name.
type Role struct {
	// LogicalID is empty for a role that is not in the template.
	LogicalID, Name, ARN string
	// ManagedPolicies are ARNs of policies that are not in the template. Their
	// statements are unknown here.
	ManagedPolicies []string
	// Policies are the inline policies and the managed ones of the template.
	Policies []Policy
	// PermissionsBoundary is the ARN of the policy that bounds the role, or
	// empty.
	PermissionsBoundary string
}

// Policy is an IAM policy document.
type Policy struct {
	Name string
	// Version is 2012-10-17 or 2008-10-17. A document without a version has the
	// older one, which has no policy variables (IAM User Guide, "Version").
	Version    string
	Statements []Statement
}

// Statement is one IAM statement. A single string of the template is a list of
// one here.
type Statement struct {
	Sid string
	// Effect is Allow or Deny.
	Effect                                   string
	Action, NotAction, Resource, NotResource []string
	// Principal and NotPrincipal map AWS, Service, Federated or CanonicalUser
	// to names; a lone * is AWS: *. Only resource policies have them.
	Principal, NotPrincipal map[string][]string
	// Condition maps an operator, then a condition key, to the accepted values.
	Condition map[string]map[string][]string
}
