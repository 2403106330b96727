package sam

import "strings"

// roles resolves every role of the template with the policies attached to it,
// by ARN.
func (l *loader) roles() map[string]*Role {
	managed := map[string]Policy{}
	for _, res := range l.live("AWS::IAM::ManagedPolicy") {
		managed[res.ref] = l.policy(res.name, res.props.get("PolicyDocument"))
	}
	byARN, byName := map[string]*Role{}, map[string]*Role{}
	for _, res := range l.live("AWS::IAM::Role") {
		r := &Role{
			LogicalID:           res.id,
			Name:                res.name,
			ARN:                 res.attrs["Arn"],
			PermissionsBoundary: res.props.str("PermissionsBoundary"),
		}
		for _, arn := range res.props.strs("ManagedPolicyArns") {
			if p, ok := managed[arn]; ok {
				r.Policies = append(r.Policies, p)
			} else {
				r.ManagedPolicies = append(r.ManagedPolicies, arn)
			}
		}
		for _, p := range res.props.each("Policies") {
			r.Policies = append(r.Policies, l.policy(p.str("PolicyName"), p.get("PolicyDocument")))
		}
		byARN[r.ARN], byName[r.Name] = r, r
	}
	attach := func(res *resource, p Policy) {
		for _, name := range res.props.strs("Roles") {
			if r := byName[name]; r != nil {
				r.Policies = append(r.Policies, p)
			}
		}
	}
	for _, res := range l.live("AWS::IAM::ManagedPolicy") {
		attach(res, managed[res.ref])
	}
	for _, res := range l.live("AWS::IAM::Policy") {
		attach(res, l.policy(res.props.str("PolicyName"), res.props.get("PolicyDocument")))
	}
	for _, res := range l.live("AWS::IAM::RolePolicy") {
		if r := byName[res.props.str("RoleName")]; r != nil {
			r.Policies = append(r.Policies, l.policy(res.props.str("PolicyName"), res.props.get("PolicyDocument")))
		}
	}
	return byARN
}

// functionRole finds the role of a function, which may be outside the template.
func (l *loader) functionRole(v *value, roles map[string]*Role) Role {
	arn := v.scalar()
	if r := roles[arn]; r != nil {
		return *r
	}
	if v.known() && !strings.HasPrefix(arn, "arn:") {
		l.fail(v, quote(arn)+" is not a role's ARN", "refer to a role with !GetAtt Role.Arn")
	}
	return Role{ARN: arn, Name: arn[strings.LastIndex(arn, "/")+1:]}
}

// policyStatement is the grammar of IAM policies (IAM user guide, policy
// grammar).
var policyStatement = objectOf(props{
	"Sid": str, "Effect": must(words("Allow", "Deny")), "Action": anything, "NotAction": anything, "Resource": anything,
	"NotResource": anything, "Principal": anything, "NotPrincipal": anything, "Condition": mapOf(mapOf(anything)),
})

var policyDocument = objectOf(props{"Version": words("2012-10-17", "2008-10-17"), "Id": str,
	"Statement": must(anything)})

// policy resolves a policy document.
func (l *loader) policy(name string, doc *value) Policy {
	p := Policy{Name: name}
	if doc == nil || doc.kind == unknown {
		return p
	}
	l.check(doc, policyDocument, "a policy document")
	p.Version = doc.strOr("Version", "2008-10-17")
	statements := doc.get("Statement")
	if statements == nil {
		return p
	}
	items := []*value{statements}
	if statements.kind == list {
		items = statements.items
	}
	for _, s := range items {
		l.check(s, policyStatement, "a policy statement")
		if s.kind != object {
			continue
		}
		if !s.has("Action") && !s.has("NotAction") {
			l.fail(s, "Action is missing", "add the actions of the statement")
		}
		if !s.has("Resource") && !s.has("NotResource") && !s.has("Principal") {
			l.fail(s, "Resource is missing", "add the resources of the statement")
		}
		p.Statements = append(p.Statements, Statement{
			Sid:          s.str("Sid"),
			Effect:       s.str("Effect"),
			Action:       l.oneOrMore(s.get("Action")),
			NotAction:    l.oneOrMore(s.get("NotAction")),
			Resource:     l.oneOrMore(s.get("Resource")),
			NotResource:  l.oneOrMore(s.get("NotResource")),
			Principal:    l.principals(s.get("Principal")),
			NotPrincipal: l.principals(s.get("NotPrincipal")),
			Condition:    l.policyCondition(s.get("Condition")),
		})
	}
	return p
}

// resourcePolicy reads the policy of a table or key; nil if there is none.
func (l *loader) resourcePolicy(name string, doc *value) *Policy {
	if doc == nil || doc.kind == unknown {
		return nil
	}
	p := l.policy(name, doc)
	return &p
}

// principals reads whom a statement of a resource's policy is about.
func (l *loader) principals(v *value) map[string][]string {
	switch {
	case v == nil || v.kind == unknown:
		return nil
	case v.scalar() == "*":
		return map[string][]string{"AWS": {"*"}}
	case v.kind != object:
		l.fail(v, "is "+quote(v.scalar()), `write "*" or a map such as AWS: arn or Service: name`)
		return nil
	}
	out := map[string][]string{}
	for _, f := range v.fields {
		out[f.key] = l.oneOrMore(f.value)
	}
	return out
}

// oneOrMore reads a string or a list of strings.
func (l *loader) oneOrMore(v *value) []string {
	switch {
	case v == nil:
		return nil
	case v.isScalar():
		return []string{v.text}
	case v.kind == list:
		var out []string
		for _, item := range v.items {
			l.check(item, str, "")
			out = append(out, item.scalar())
		}
		return out
	}
	l.check(v, str, "")
	return nil
}

func (l *loader) policyCondition(c *value) map[string]map[string][]string {
	if c == nil || c.kind != object {
		return nil
	}
	out := map[string]map[string][]string{}
	for _, op := range c.fields {
		keys := map[string][]string{}
		for _, k := range op.value.fields {
			keys[k.key] = l.oneOrMore(k.value)
		}
		out[op.key] = keys
	}
	return out
}
