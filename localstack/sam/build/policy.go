package build

import (
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// The grammar of IAM policies (IAM User Guide, policy grammar).
var (
	policyDocument = shape.Object(shape.Props{
		"Version":   shape.Words("2012-10-17", "2008-10-17"),
		"Id":        shape.String,
		"Statement": shape.Required(shape.Any),
	})
	policyStatement = shape.Object(shape.Props{
		"Sid":          shape.String,
		"Effect":       shape.Required(shape.Words("Allow", "Deny")),
		"Action":       shape.Any,
		"NotAction":    shape.Any,
		"Resource":     shape.Any,
		"NotResource":  shape.Any,
		"Principal":    shape.Any,
		"NotPrincipal": shape.Any,
		"Condition":    shape.Map(shape.Map(shape.Any)),
	})
)

// policy reads a policy document.
func policy(s *resource.Set, name string, doc *template.Value) plan.Policy {
	p := plan.Policy{Name: name}
	if !doc.IsPresent() {
		return p
	}
	shape.Check(s.Report, doc, policyDocument, "a policy document")
	p.Version = doc.StrOr("Version", "2008-10-17")
	for _, st := range doc.Get("Statement").OneOrMore() {
		shape.Check(s.Report, st, policyStatement, "a policy statement")
		if st.Kind == template.Object {
			p.Statements = append(p.Statements, statement(s, st))
		}
	}
	return p
}

func statement(s *resource.Set, st *template.Value) plan.Statement {
	if !st.Has("Action") && !st.Has("NotAction") {
		s.Fail(st, "Action is missing", "add the actions of the statement")
	}
	if !st.Has("Resource") && !st.Has("NotResource") && !st.Has("Principal") {
		s.Fail(st, "Resource is missing", "add the resources of the statement")
	}
	return plan.Statement{
		Sid:          st.Str("Sid"),
		Effect:       st.Str("Effect"),
		Action:       oneOrMore(s, st.Get("Action")),
		NotAction:    oneOrMore(s, st.Get("NotAction")),
		Resource:     resources(s, st.Get("Resource")),
		NotResource:  resources(s, st.Get("NotResource")),
		Principal:    principals(s, st.Get("Principal")),
		NotPrincipal: principals(s, st.Get("NotPrincipal")),
		Condition:    policyCondition(s, st.Get("Condition")),
	}
}

// resourcePolicy reads the policy of a table or key, or returns nil if there is
// none.
func resourcePolicy(s *resource.Set, name string, doc *template.Value) *plan.Policy {
	if !doc.IsPresent() {
		return nil
	}
	p := policy(s, name, doc)
	return &p
}

// principals reads the principals of a statement.
func principals(s *resource.Set, v *template.Value) map[string][]string {
	switch {
	case !v.IsPresent():
		return nil
	case v.Scalar() == "*":
		return map[string][]string{"AWS": {"*"}}
	case v.Kind != template.Object:
		s.Fail(v, "is "+template.Quote(v.Scalar()), `write "*" or a map such as AWS: arn or Service: name`)
		return nil
	}
	out := map[string][]string{}
	for _, f := range v.Fields {
		out[f.Key] = oneOrMore(s, f.Value)
	}
	return out
}

// resources reads the resources of a statement. A placeholder becomes part of
// an ARN, since IAM accepts nothing else.
func resources(s *resource.Set, v *template.Value) []string {
	list := oneOrMore(s, v)
	for i, text := range list {
		if _, own, ok := s.Eval.Placeholders.In(text); ok && own == text {
			list[i] = s.ARN("unknown", text)
		}
	}
	return list
}

// oneOrMore reads a string or a list of strings.
func oneOrMore(s *resource.Set, v *template.Value) []string {
	var out []string
	for _, item := range v.OneOrMore() {
		shape.Check(s.Report, item, shape.String, "")
		if v.Kind == template.List || item.IsScalar() {
			out = append(out, item.Scalar())
		}
	}
	return out
}

func policyCondition(s *resource.Set, c *template.Value) map[string]map[string][]string {
	if !c.Is(template.Object) {
		return nil
	}
	out := map[string]map[string][]string{}
	for _, op := range c.Fields {
		keys := map[string][]string{}
		for _, k := range op.Value.Fields {
			keys[k.Key] = oneOrMore(s, k.Value)
		}
		out[op.Key] = keys
	}
	return out
}
