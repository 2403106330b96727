package eval

import (
	"cmp"
	"slices"

	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// rule is the shape of an entry of the Rules section.
var rule = shape.Object(shape.Props{
	"RuleCondition": shape.Any,
	"Assertions": shape.Required(shape.List(shape.Object(shape.Props{
		"Assert":            shape.Required(shape.Any),
		"AssertDescription": shape.String,
	}))),
})

// Rules evaluates the Rules section: assertions about parameters that must be
// true before a stack is created. The section may be nil.
func (r *Resolver) Rules(section *template.Value) {
	inRules := *r
	inRules.inRules = true
	for _, f := range section.Entries() {
		if needsAccount(f.Value) {
			r.Note(f.Value, "Rules", f.Key, "the rule depends on the account's resources, so it is not evaluated")
			continue
		}
		if !r.Fails(func() { shape.Check(r.Report, f.Value, rule, "a rule") }) {
			inRules.assert(f)
		}
	}
}

// assert evaluates one rule of a valid shape.
func (r *Resolver) assert(f template.Field) {
	if c := f.Value.Get("RuleCondition"); c != nil {
		if yes, ok := r.decide(c); !yes || !ok {
			return
		}
	}
	for _, a := range f.Value.Each("Assertions") {
		if !r.holds(a) {
			r.Fail(a, "the assertion of the rule "+f.Key+" is false",
				cmp.Or(a.Str("AssertDescription"), "give other parameters"))
		}
	}
}

// holds evaluates one assertion. It is true after a mistake, which is reported.
func (r *Resolver) holds(a *template.Value) bool {
	switch a.Kind {
	case template.Unknown: // already reported
		return true
	case template.Call: // the shape accepts it, but nothing resolves it
		r.FailKind(a, "write a map with Assert")
		return true
	}
	yes, ok := r.decide(a.Get("Assert"))
	return yes || !ok
}

// needsAccount reports whether v calls a function that reads the account's own
// resources.
func needsAccount(v *template.Value) bool {
	if v.Kind == template.Call && slices.Contains([]string{"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"}, v.Text) {
		return true
	}
	return slices.ContainsFunc(v.Items, needsAccount) ||
		slices.ContainsFunc(v.Fields, func(f template.Field) bool { return needsAccount(f.Value) })
}

// members are the functions that only rules have. Both values are resolved; a
// is a list.
var members = map[string]func(a, b *template.Value) bool{
	"Fn::Contains": func(a, b *template.Value) bool { return slices.Contains(a.Texts(), b.Text) },
	"Fn::EachMemberEquals": func(a, b *template.Value) bool {
		return !slices.ContainsFunc(a.Texts(), func(s string) bool { return s != b.Text })
	},
	"Fn::EachMemberIn": func(a, b *template.Value) bool {
		return !slices.ContainsFunc(a.Texts(), func(s string) bool { return !slices.Contains(b.Texts(), s) })
	},
}

// member evaluates one of members.
func (r *Resolver) member(v, arg *template.Value, test func(a, b *template.Value) bool) (yes, ok bool) {
	if !arg.IsListOf(2, 2) {
		return r.refuse(v, v.Text+" takes two values", "write "+v.Text+": [[a, b], !Ref Parameter]")
	}
	a, b := r.Eval(arg.Items[0], Literals), r.Eval(arg.Items[1], Literals)
	if a.Kind == template.Unknown || b.Kind == template.Unknown {
		return false, false
	}
	usage, secondIsList := "give it a list and a value", v.Text == "Fn::EachMemberIn"
	if secondIsList {
		usage = "give it two lists"
	}
	if a.Kind != template.List || secondIsList != (b.Kind == template.List) {
		return r.refuse(v, v.Text+" of "+a.Kind.String()+" and "+b.Kind.String(), usage)
	}
	return test(a, b), true
}
