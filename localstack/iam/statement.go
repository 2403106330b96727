package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// statement is a compiled Statement.
type statement struct {
	sid                     string
	deny                    bool
	actions                 []string // in lower case
	notActions              bool     // actions are those that it is not about
	resources               []text
	notResources            bool
	conditions              []condition
	principal, notPrincipal map[string][]string
}

// request is what statements are matched with.
type request struct {
	action   string // in lower case
	resource string
	keys     lookup // of the service
	global   global // of every request
}

// lookup finds a condition key by its name in lower case. A service may look
// into a request only when it is asked.
type lookup interface {
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

func (s *statement) applies(q *request) bool {
	return s.coversAction(q) && s.coversResource(q) && s.conditionsHold(q)
}

func (s *statement) coversAction(q *request) bool {
	return slices.ContainsFunc(s.actions, func(p string) bool { return glob(p, q.action) }) != s.notActions
}

func (s *statement) coversResource(q *request) bool {
	if len(s.resources) == 0 {
		return true // only the policy of a resource may leave it out, and means its own
	}
	return slices.ContainsFunc(s.resources, func(t text) bool {
		pattern, ok := t.pattern(q)
		return ok && glob(pattern, q.resource)
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

// named says by which name the statement of a resource's policy means the
// function's session.
type named int

const (
	notNamed  named = iota
	byAccount       // and leaves the decision to IAM
	byRole
	bySession // or as everybody
)

func (s *statement) names(q *request) named {
	if s.notPrincipal == nil {
		return q.global.namedIn(s.principal)
	}
	if q.global.namedIn(s.notPrincipal) == notNamed {
		return bySession
	}
	return notNamed
}

func (g *global) namedIn(names map[string][]string) (n named) {
	for _, name := range names["AWS"] {
		switch name {
		case "*", g.role.session:
			n = bySession
		case g.role.arn:
			n = max(n, byRole)
		case g.guard.opts.Account, g.guard.arn("iam", "", "root"):
			n = max(n, byAccount)
		}
	}
	return n
}

// The versions of the policy language.
const version2012 = "2012-10-17"

// CheckRole says what IAM would refuse in the statements of a role's policies,
// if anything, and of which statement.
func CheckRole(statements []Statement) error {
	_, err := compileAll(statements, true)
	return err
}

// CheckResource is [CheckRole] for the policy of a resource.
func CheckResource(statements []Statement) error {
	_, err := compileAll(statements, false)
	return err
}

// compileAll compiles a policy of a role, or one of a resource.
func compileAll(list []Statement, ofRole bool) ([]*statement, error) {
	var out []*statement
	for i, s := range list {
		c, err := compile(s)
		switch {
		case err != nil || !ofRole:
		case len(s.Resource)+len(s.NotResource) == 0:
			err = errors.New("it has neither Resource nor NotResource")
		case s.Principal != nil || s.NotPrincipal != nil:
			err = errors.New("it names a principal, which only policies of resources do")
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
	c := &statement{sid: s.Sid, principal: s.Principal, notPrincipal: s.NotPrincipal}
	switch s.Effect {
	case "Allow":
	case "Deny":
		c.deny = true
	default:
		return nil, fmt.Errorf("effect %q: want Allow or Deny", s.Effect)
	}
	switch {
	case len(s.Action) > 0 && len(s.NotAction) > 0:
		return nil, errors.New("it has both Action and NotAction")
	case len(s.Action)+len(s.NotAction) == 0:
		return nil, errors.New("it has neither Action nor NotAction")
	case len(s.Resource) > 0 && len(s.NotResource) > 0:
		return nil, errors.New("it has both Resource and NotResource")
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
		session: g.arn("sts", "", "assumed-role/"+in.Name+"/"+function),
		userID:  roleID(in.ARN) + ":" + function,
		unknown: slices.Clone(in.Unresolved),
	}
	var err error
	if r.statements, err = compileAll(in.Statements, true); err != nil {
		return nil, err
	}
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

// roleID is the unique id of a role: AROA and 17 letters and digits, the same
// on every start.
func roleID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// arn makes an ARN of the account, or of its region too.
func (g *Guard) arn(service, region, rest string) string {
	return "arn:" + g.partition() + ":" + service + ":" + region + ":" + g.opts.Account + ":" + rest
}

// partition is the AWS partition of the region (AWS::Partition).
func (g *Guard) partition() string {
	switch {
	case strings.HasPrefix(g.opts.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(g.opts.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
