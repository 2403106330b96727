package eval

import (
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// sub resolves Fn::Sub: "text ${Name} ${Resource.Attr} ${!Literal}", or that
// text with a map of further variables.
func (r *Resolver) sub(v, arg *template.Value, m Mode) *template.Value {
	text, variables := template.SubArguments(arg)
	if variables != nil {
		variables = r.Eval(variables, m)
	}
	if !text.IsScalar() || variables != nil && variables.Kind != template.Object {
		return r.Fail(v, "Fn::Sub takes a string, or a string and a map", "write !Sub text with ${Variables}")
	}
	if checked := r.Eval(text, m); checked.Kind == template.Unknown {
		return v.Derive(template.Unknown)
	}
	s := substitution{r: r, v: v, variables: variables, mode: m}
	template.EachVariable(text.Text, s.add)
	switch {
	case s.failed:
		return v.Derive(template.Unknown)
	case s.deferred && variables != nil:
		return v.NewCall(v.Text, arg.NewList(text, variables))
	case s.deferred:
		return v
	}
	return r.text(v, s.b.String())
}

// substitution builds the result of one Fn::Sub.
type substitution struct {
	r         *Resolver
	v         *template.Value
	variables *template.Value // the function's own, or nil
	mode      Mode
	b         strings.Builder
	// failed is set after a mistake, deferred if a variable is not resolved
	// yet.
	failed, deferred bool
}

// add appends a literal text and the value of the variable after it.
func (s *substitution) add(literal, name string) {
	s.b.WriteString(literal)
	if name == "" || s.failed || s.b.Len() > maxText {
		return
	}
	if found := s.variables.Get(name); found != nil {
		s.put(found, found, name, "join it to a string first")
		return
	}
	name, attr := s.r.subParts(name)
	s.put(s.v, s.r.lookup(s.v, name, attr, s.mode), name, "use Fn::Join for a list")
}

// put appends the value of a variable. A mistake is shown at at.
func (s *substitution) put(at, found *template.Value, name, remedy string) {
	switch {
	case found.IsScalar():
		s.b.WriteString(found.Text)
	case found.Kind == template.Call:
		s.deferred = true
	case found.Kind == template.Unknown:
		s.failed = true
	default:
		s.r.Fail(at, fmt.Sprintf("Fn::Sub inserts strings, and ${%s} is %s", name, found.Kind), remedy)
		s.failed = true
	}
}

// subParts splits a variable of Fn::Sub at its first dot, unless all of it is
// one of SAM's dotted names.
func (r *Resolver) subParts(name string) (base, attr string) {
	if r.Resource(name) != nil {
		return name, ""
	}
	base, attr, _ = strings.Cut(name, ".")
	return base, attr
}
