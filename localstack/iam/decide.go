package iam

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// role is a compiled Role.
type role struct {
	arn, name  string
	session    string // the STS ARN of the function's session
	userID     string
	statements []*statement
	boundary   []*statement // nil without a boundary or with an unknown one
	bounded    bool
	unknown    []string // what is attached but not known
}

// reason says which policies a refusal comes from (IAM user guide,
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

func (r reason) explicit() bool { return r >= identityDeny }

func (r reason) text(action string) string {
	kind := [...]string{"", "identity-based policy", "resource-based policy", "permissions boundary",
		"identity-based policy", "resource-based policy", "permissions boundary"}[r]
	switch {
	case r.explicit() && strings.HasPrefix(kind, "i"):
		return "with an explicit deny in an " + kind
	case r.explicit():
		return "with an explicit deny in a " + kind
	}
	return "because no " + kind + " allows the " + action + " action"
}

// decide evaluates all policies that apply; nil is allowed. The names in keys
// are in lower case.
func (g *Guard) decide(caller trace.Caller, action, resource string, keys lookup) *Denied {
	known := g.known.Load()
	r := known.roles[caller.Function]
	if r == nil {
		// A function that has come since the last Update.
		g.letThrough(caller.Function, "its role, which is not known")
		return nil
	}
	q := &request{
		action:   strings.ToLower(action),
		resource: resource,
		keys:     keys,
		global:   global{guard: g, role: r, function: caller.Function},
	}
	why := r.evaluate(q, known.resources[policyOwner(resource)], strings.HasPrefix(q.action, "kms:"))
	if why == allowed {
		return nil
	}
	if !why.explicit() && why != noResourcePolicy && len(r.unknown) > 0 {
		for _, name := range r.unknown {
			g.letThrough(caller.Function, name)
		}
		return nil
	}
	return &Denied{Principal: r.session, Action: action, Resource: resource, reason: why}
}

// policyOwner is the ARN of the resource whose policy covers resource: an index
// is covered by its table's.
func policyOwner(resource string) string {
	table, _, _ := strings.Cut(resource, "/index/")
	return table
}

// evaluate follows IAM's flow chart for one account: a deny anywhere decides;
// then a policy of the resource that names the role itself allows, whatever the
// role's own policies say, but within its boundary, which holds only for what
// is not given to the session by name (IAM user guide, "Permissions
// boundaries"); then the role's policies must allow, and the boundary as well.
// A KMS key's policy must besides hand its decisions to IAM, by naming the
// account (KMS developer guide, "Default key policy").
func (r *role) evaluate(q *request, resource []*statement, key bool) reason {
	identity := judge(r.statements, q)
	boundary := judge(r.boundary, q)
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

// verdict is what a set of statements says of a request.
type verdict struct{ allowed, denied bool }

func judge(statements []*statement, q *request) (v verdict) {
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

// letThrough says once that a function's request passes although no known
// statement allows it.
func (g *Guard) letThrough(function, policy string) {
	if _, said := g.warned.LoadOrStore(function+"\x00"+policy, true); said {
		return
	}
	g.opts.Log.Warn("permissions of the function are not checked in full: the statements of a policy are not known here, so what nothing else allows is let through",
		"function", function, "policy", policy)
}
