package iam

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// role is a compiled [Role].
type role struct {
	arn, name  string
	session    string // the STS ARN of the function's session
	userID     string
	statements []*statement
	own        int          // how many of the statements stand in the template
	boundary   []*statement // nil without a boundary or with an unknown one
	bounded    bool         // has a boundary whose statements are known
	unknown    []string     // attached policies whose statements are unknown
}

// reason is the kind of policy that a refusal comes from (IAM user guide,
// "Troubleshoot access denied error messages").
type reason int

const (
	allowed reason = iota
	noIdentityPolicy
	noResourcePolicy
	noBoundary
	identityDeny
	resourceDeny
	boundaryDeny
)

// explicit reports whether a statement with Effect: Deny refused the action.
func (r reason) explicit() bool { return r >= identityDeny }

// text returns the end of AWS's message.
func (r reason) text(action string) string {
	switch r {
	case identityDeny:
		return "with an explicit deny in an identity-based policy"
	case resourceDeny:
		return "with an explicit deny in a resource-based policy"
	case boundaryDeny:
		return "with an explicit deny in a permissions boundary"
	case noIdentityPolicy:
		return "because no identity-based policy allows the " + action + " action"
	case noResourcePolicy:
		return "because no resource-based policy allows the " + action + " action"
	case noBoundary:
		return "because no permissions boundary allows the " + action + " action"
	}
	return ""
}

// decide evaluates all policies that apply. It returns nil if they allow the
// action. keys find condition keys by their name in lower case.
func (g *Guard) decide(caller trace.Caller, action, resource string, keys lookup) *Denied {
	known := g.known.Load()
	r := known.roles[caller.Function]
	if r == nil {
		// The function was deployed after the last Update.
		g.warnUnchecked(caller.Function, "the function's role")
		return nil
	}
	q := &request{
		action:   strings.ToLower(action),
		resource: resource,
		keys:     keys,
		global:   global{guard: g, role: r, function: caller.Function},
	}
	ofResource := known.resources[policyOwner(resource)]
	onKey, isKey := keys.(*kmsKeys)
	if isKey && onKey.key != nil && onKey.key.Policy != "" {
		ofResource = g.document(onKey.key.Policy)
	}
	result := r.evaluate(q, ofResource, strings.HasPrefix(q.action, "kms:"))
	if result == allowed {
		g.uses.count(caller.Function, r, ofResource, q)
	}
	if result == allowed || isKey && !result.explicit() && onKey.granted(r, action) {
		return nil
	}
	if !result.explicit() && result != noResourcePolicy && len(r.unknown) > 0 {
		for _, name := range r.unknown {
			g.warnUnchecked(caller.Function, name)
		}
		return nil
	}
	return &Denied{Principal: r.session, Action: action, Resource: resource, reason: result}
}

// document returns the compiled statements of a key policy that KMS has
// accepted.
func (g *Guard) document(text string) []*statement {
	if known, ok := g.documents.Load(text); ok {
		return known.([]*statement)
	}
	statements, err := ParseDocument(text)
	var compiled []*statement
	if err == nil {
		compiled, err = compileAll(statements, false)
	}
	if err != nil { // KMS checks a policy with CheckResource before it accepts it
		g.opts.Log.Error("failed to read a key policy", "err", err)
	}
	g.documents.Store(text, compiled)
	return compiled
}

// policyOwner returns the ARN of the resource whose policy covers resource. The
// policy of a table covers its indexes.
func policyOwner(resource string) string {
	table, _, _ := strings.Cut(resource, "/index/")
	return table
}

// evaluate follows IAM's flow chart for one account:
//
//   - A Deny in any policy refuses.
//   - A resource-based policy that names the role allows, whatever the role's own
//     policies say, but only within the permissions boundary. The boundary does
//     not limit what such a policy gives to the session by name (IAM user guide,
//     "Permissions boundaries").
//   - Otherwise the role's policies and the boundary must both allow.
//   - A KMS key's policy must also delegate to IAM by naming the account (KMS
//     developer guide, "Default key policy").
func (r *role) evaluate(q *request, resource []*statement, key bool) reason {
	identity := verdictOf(r.statements, q)
	boundary := verdictOf(r.boundary, q)
	fromResource, unbounded := verdict{}, false
	delegated := len(resource) == 0 || !key
	for _, s := range resource {
		as := s.names(q)
		switch {
		case as == notNamed || !s.applies(q):
		case s.deny:
			fromResource.denied = true
		case as == byAccount:
			delegated = true
		default:
			fromResource.allowed = true
			unbounded = unbounded || as == bySession
		}
	}
	switch {
	case identity.denied:
		return identityDeny
	case fromResource.denied:
		return resourceDeny
	case boundary.denied:
		return boundaryDeny
	case unbounded:
		return allowed
	case !fromResource.allowed && !delegated:
		return noResourcePolicy
	case !fromResource.allowed && !identity.allowed:
		return noIdentityPolicy
	case r.bounded && !boundary.allowed:
		return noBoundary
	}
	return allowed
}

// verdict is what a set of statements says about a request.
type verdict struct{ allowed, denied bool }

func verdictOf(statements []*statement, q *request) (v verdict) {
	for _, s := range statements {
		if s.deny && v.denied || !s.deny && v.allowed || !s.applies(q) {
			continue
		}
		if s.deny {
			v.denied = true
		} else {
			v.allowed = true
		}
	}
	return v
}

// warnUnchecked logs, once for each function and policy, that requests are
// permitted although no known statement allows them.
func (g *Guard) warnUnchecked(function, policy string) {
	if _, logged := g.warned.LoadOrStore(function+"\x00"+policy, true); logged {
		return
	}
	g.opts.Log.Warn("permissions are not fully checked: the statements of a policy are unknown, "+
		"so requests that no other statement allows are permitted",
		"function", function, "policy", policy)
}
