package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// statement is a compiled [Statement].
type statement struct {
	deny                    bool
	actions                 []string // in lower case
	notActions              bool     // actions are those of NotAction
	resources               []text
	notResources            bool // resources are those of NotResource
	conditions              []condition
	principal, notPrincipal map[string][]string
	source                  Statement
}

// request is what statements are matched against.
type request struct {
	action   string // in lower case
	resource string
	keys     lookup // the condition keys of the service
	global   global // the condition keys of all requests
}

// lookup finds condition keys. A service parses a request only when a policy
// has a condition on it.
type lookup interface {
	// lookup returns the values of a condition key. name is in lower case.
	lookup(name string) (values []string, present bool)
}

func (q *request) lookup(name string) ([]string, bool) {
	if q.keys != nil {
		if values, ok := q.keys.lookup(name); ok {
			return values, true
		}
	}
	return q.global.lookup(name)
}

// applies reports whether the statement covers the request.
func (s *statement) applies(q *request) bool {
	return s.coversAction(q) && s.coversResource(q) && s.conditionsHold(q)
}

func (s *statement) coversAction(q *request) bool {
	return slices.ContainsFunc(s.actions, func(p string) bool { return awsname.Match(p, q.action) }) != s.notActions
}

func (s *statement) coversResource(q *request) bool {
	if len(s.resources) == 0 {
		return true // a resource-based policy may leave it out and means its own resource
	}
	return slices.ContainsFunc(s.resources, func(t text) bool {
		pattern, ok := t.pattern(q)
		return ok && awsname.MatchEscaped(pattern, q.resource)
	}) != s.notResources
}

func (s *statement) conditionsHold(q *request) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(q) {
			return false
		}
	}
	return true
}

// named is the way in which a resource-based policy names the function's
// session.
type named int

const (
	notNamed  named = iota
	byAccount       // delegates to IAM
	byRole
	bySession // or *
)

// names returns how the statement names the caller.
func (s *statement) names(q *request) named {
	if s.notPrincipal == nil {
		return q.global.namedIn(s.principal)
	}
	if q.global.namedIn(s.notPrincipal) == notNamed {
		return bySession
	}
	return notNamed
}

// namedIn returns how a Principal or NotPrincipal names the caller.
func (g *global) namedIn(names map[string][]string) (n named) {
	for _, name := range names["AWS"] {
		switch name {
		case "*", g.role.session:
			n = bySession
		case g.role.arn:
			n = max(n, byRole)
		case g.guard.opts.Account, g.guard.globalARN("iam", "root"):
			n = max(n, byAccount)
		}
	}
	return n
}

// version2012 is the version of the policy language that has variables.
const version2012 = "2012-10-17"

// CheckRole returns an error if IAM would refuse a statement of a role's
// policies. The error names the statement.
func CheckRole(statements []Statement) error {
	_, err := compileAll(statements, true)
	return err
}

// CheckResource is [CheckRole] for a resource-based policy.
func CheckResource(statements []Statement) error {
	_, err := compileAll(statements, false)
	return err
}

// compileAll compiles the statements of a role (ofRole) or of a resource-based
// policy.
func compileAll(list []Statement, ofRole bool) ([]*statement, error) {
	var out []*statement
	for i, s := range list {
		c, err := compile(s)
		switch {
		case err != nil || !ofRole:
		case len(s.Resource)+len(s.NotResource) == 0:
			err = errors.New("has neither Resource nor NotResource")
		case s.Principal != nil || s.NotPrincipal != nil:
			err = errors.New("has a Principal, which only resource-based policies may have")
		}
		if err != nil {
			name := fmt.Sprintf("statement %d", i+1)
			if s.Sid != "" {
				name += " (" + s.Sid + ")"
			}
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func compile(s Statement) (*statement, error) {
	c := &statement{principal: s.Principal, notPrincipal: s.NotPrincipal, source: s}
	switch s.Effect {
	case "Allow":
	case "Deny":
		c.deny = true
	default:
		return nil, fmt.Errorf("effect %q: want Allow or Deny", s.Effect)
	}
	switch {
	case len(s.Action) > 0 && len(s.NotAction) > 0:
		return nil, errors.New("has both Action and NotAction")
	case len(s.Action)+len(s.NotAction) == 0:
		return nil, errors.New("has neither Action nor NotAction")
	case len(s.Resource) > 0 && len(s.NotResource) > 0:
		return nil, errors.New("has both Resource and NotResource")
	}
	c.notActions, c.notResources = len(s.NotAction) > 0, len(s.NotResource) > 0
	for _, a := range append(slices.Clone(s.Action), s.NotAction...) {
		if a != "*" && !strings.Contains(a, ":") {
			return nil, fmt.Errorf("action %q: want service:action", a)
		}
		c.actions = append(c.actions, strings.ToLower(a))
	}
	variables := s.Version == version2012
	for _, r := range append(slices.Clone(s.Resource), s.NotResource...) {
		c.resources = append(c.resources, newText(r, variables))
	}
	var err error
	c.conditions, err = compileConditions(s.Condition, variables)
	return c, err
}

func (g *Guard) compileRole(function string, in Role) (*role, error) {
	r := &role{
		arn:     in.ARN,
		name:    in.Name,
		session: g.globalARN("sts", "assumed-role/"+in.Name+"/"+function),
		userID:  roleID(in.ARN) + ":" + function,
		unknown: slices.Clone(in.Unresolved),
	}
	var err error
	if r.statements, err = compileAll(in.Statements, true); err != nil {
		return nil, err
	}
	r.own = len(r.statements)
	if in.External {
		r.unknown = append(r.unknown, in.ARN)
	}
	for _, arn := range in.Managed {
		statements, ok := managedPolicy(arn)
		if !ok {
			r.unknown = append(r.unknown, arn)
		}
		r.statements = append(r.statements, statements...)
	}
	if in.Boundary != "" {
		r.boundary, r.bounded = managedPolicy(in.Boundary)
	}
	return r, nil
}

// roleID returns the unique id of a role: AROA and 17 letters and digits. It is
// derived from the ARN, so it is the same after every start.
func roleID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// arn returns an ARN in the guard's account and region.
func (g *Guard) arn(service, resource string) string {
	return awsname.ARN(service, g.opts.Region, g.opts.Account, resource)
}

// globalARN is arn for services whose ARNs have no region.
func (g *Guard) globalARN(service, resource string) string {
	return awsname.PartitionARN(awsname.Partition(g.opts.Region), service, "", g.opts.Account, resource)
}
