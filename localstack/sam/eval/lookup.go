package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// ref resolves Ref.
func (r *Resolver) ref(v, arg *template.Value, m Mode) *template.Value {
	if !arg.IsScalar() {
		return r.Fail(v, "Ref takes a name", "write !Ref Name")
	}
	return r.lookup(v, arg.Text, "", m)
}

// getAtt resolves Fn::GetAtt.
func (r *Resolver) getAtt(v, arg *template.Value, m Mode) *template.Value {
	name, attr, ok := r.attributeParts(arg, m)
	if !ok {
		return r.Fail(v, "Fn::GetAtt takes a resource and an attribute", "write !GetAtt Resource.Attribute")
	}
	return r.lookup(v, name, attr, m)
}

// attributeParts splits the argument of Fn::GetAtt, which is "A.B", [A, B] or
// [A, a function that gives B].
func (r *Resolver) attributeParts(arg *template.Value, m Mode) (name, attr string, ok bool) {
	if arg.IsListOf(2, 2) && arg.Items[0].IsScalar() {
		second := arg.Items[1]
		if second.Kind == template.Call {
			second = r.Eval(second, min(m, Early))
		}
		return arg.Items[0].Text, second.Text, second.IsScalar() && second.Text != ""
	}
	name, attr, ok = strings.Cut(arg.Scalar(), ".")
	return name, attr, ok && attr != ""
}

// lookup resolves a name: a pseudo parameter, a parameter or a resource. With
// attr, it is an attribute of a resource.
func (r *Resolver) lookup(v *template.Value, name, attr string, m Mode) *template.Value {
	if attr == "" {
		if found := r.parameter(v, name); found != nil {
			return found
		}
	}
	res := r.Resource(name)
	switch {
	case res == nil && m == Early && r.maybeGenerated(name):
		return v // CheckNames reports the name if SAM does not generate it
	case res == nil:
		return r.NoSuch(v, name, attr, m)
	case m == Literals:
		return r.Fail(v, "a condition refers to the resource "+name, "refer to parameters and mappings only")
	case m == Early:
		return v
	}
	return r.resolved(v, res, name, attr, m)
}

// resolved resolves a reference to a resource that is resolved itself.
func (r *Resolver) resolved(v *template.Value, res *template.Resource, name, attr string, m Mode) *template.Value {
	switch {
	case res.Disabled:
		return r.Fail(v, fmt.Sprintf("refers to %s, which is not created because its condition %s is false",
			name, res.Condition), "guard the reference with Fn::If")
	case res.Broken:
		return v.Derive(template.Unknown)
	case attr == "":
		return r.text(v, res.Ref)
	}
	return r.attribute(v, res, attr, m)
}

// parameter resolves Ref to a parameter or pseudo parameter; it returns nil if
// the name is neither.
func (r *Resolver) parameter(v *template.Value, name string) *template.Value {
	switch name {
	case "AWS::NoValue":
		return v.Derive(template.Absent)
	case "AWS::NotificationARNs":
		return v.NewList()
	}
	if s, ok := r.Pseudo[name]; ok {
		return v.NewText(s)
	}
	if p, ok := r.Parameters[name]; ok {
		return p.MovedTo(v)
	}
	return nil
}

// isPlain reports whether name is a parameter or pseudo parameter.
func (r *Resolver) isPlain(name string) bool {
	_, parameter := r.Parameters[name]
	_, pseudo := r.Pseudo[name]
	return parameter || pseudo || name == "AWS::NoValue" || name == "AWS::NotificationARNs"
}

// maybeGenerated reports whether SAM may still generate a resource of that
// name.
func (r *Resolver) maybeGenerated(name string) bool {
	_, parameter := r.Parameters[name]
	return !parameter && !strings.HasPrefix(name, "AWS::")
}

// attribute resolves an attribute of a resource that is resolved.
func (r *Resolver) attribute(v *template.Value, res *template.Resource, attr string, m Mode) *template.Value {
	if part, rest, dotted := strings.Cut(attr, "."); dotted && res.Parts[part] != "" {
		return r.lookup(v, res.Parts[part], rest, m)
	}
	s, ok := res.Attributes[attr]
	if ok {
		return r.text(v, s)
	}
	if res.Placeheld() {
		return r.text(v, r.Placeholder(res, attr))
	}
	if why, ok := res.Missing[attr]; ok {
		return r.Fail(v, why.Problem, why.Remedy)
	}
	return r.noAttribute(v, res, attr)
}

// noAttribute reports that a resource has no such attribute.
func (r *Resolver) noAttribute(v *template.Value, res *template.Resource, attr string) *template.Value {
	known := template.SortedKeys(res.Attributes)
	if name, ok := strings.CutPrefix(attr, "Outputs."); ok && res.Type == template.StackType {
		hint := "add it to the Outputs of its template"
		return r.Fail(v, "the nested stack "+res.ID+" has no output "+name, template.Suggest(attr, known, "", hint))
	}
	hint := "it has none"
	if len(known) > 0 {
		hint = "its attributes are " + strings.Join(known, ", ")
	}
	return r.Fail(v, res.Type+" has no attribute "+attr, template.Suggest(attr, known, "", hint))
}

// Resource finds a resource by logical id. SAM also names parts of a resource,
// such as Function.Alias and Function.Version.
func (r *Resolver) Resource(name string) *template.Resource {
	if res := r.Resources[name]; res != nil {
		return res
	}
	base, part, ok := strings.Cut(name, ".")
	if res := r.Resources[base]; ok && res != nil && res.Parts[part] != "" {
		return r.Resources[res.Parts[part]]
	}
	return nil
}

// CheckNames reports references in v to names that do not exist, also where a
// condition leaves the reference out: CloudFormation refuses those too.
func (r *Resolver) CheckNames(v *template.Value) {
	template.References(v, func(at *template.Value, name, attr string) {
		if name == "" {
			return // malformed: reported where it is resolved
		}
		if attr == "" && at.Text == "Fn::Sub" {
			name, attr = r.subParts(name)
		}
		if r.Resource(name) == nil && (attr != "" || !r.isPlain(name)) {
			r.NoSuch(at, name, attr, Full)
		}
	})
}

// NoSuch reports that v refers to a name that does not exist.
func (r *Resolver) NoSuch(v *template.Value, name, attr string, m Mode) *template.Value {
	pseudo := strings.HasPrefix(name, "AWS::")
	if _, ok := r.Parameters[name]; ok || pseudo && attr != "" {
		return r.Fail(v, name+" is a parameter and has no attribute "+attr, "use !Ref "+name)
	}
	var known []string
	what := "parameter"
	switch {
	case pseudo:
		known, what = append(template.SortedKeys(r.Pseudo), "AWS::NoValue"), "pseudo parameter"
	case m == Literals:
		known = template.SortedKeys(r.Parameters)
	default:
		known = slices.Concat(template.SortedKeys(r.Parameters), template.SortedKeys(r.Resources))
		what = "resource or parameter"
	}
	return r.Fail(v, fmt.Sprintf("there is no %s %s", what, name),
		template.Suggest(name, known, "", "correct the name"))
}
