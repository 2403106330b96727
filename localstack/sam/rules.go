package sam

import "slices"

// rule is the shape of an entry of the Rules section.
var rule = objectOf(props{
	"RuleCondition": anything,
	"Assertions":    must(listOf(objectOf(props{"Assert": must(anything), "AssertDescription": str}))),
})

// rules evaluates the Rules section: assertions on parameters that have to
// hold before a stack is created.
func (l *loader) rules() {
	section := l.section("Rules")
	if section == nil {
		return
	}
	r := l.resolver
	r.inRules = true
	for _, f := range section.fields {
		if needsAccount(f.value) {
			l.note(f.value, "Rules", f.key, "the rule asks what the account has, so it is not evaluated")
			continue
		}
		before := len(l.errs)
		l.check(f.value, rule, "a rule")
		if len(l.errs) > before || f.value.kind != object {
			continue
		}
		if c := f.value.get("RuleCondition"); c != nil {
			if yes, ok := r.decide(c); !yes || !ok {
				continue
			}
		}
		for _, a := range f.value.each("Assertions") {
			if yes, ok := r.decide(a.get("Assert")); ok && !yes {
				l.fail(a, "the assertion of the rule "+f.key+" does not hold",
					first(a.str("AssertDescription"), "give other parameters"))
			}
		}
	}
}

// needsAccount finds the functions that look at the account's own resources.
func needsAccount(v *value) bool {
	if v.kind == call && slices.Contains([]string{"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"}, v.text) {
		return true
	}
	return slices.ContainsFunc(v.items, needsAccount) ||
		slices.ContainsFunc(v.fields, func(f field) bool { return needsAccount(f.value) })
}

// member decides the functions that only rules have.
func (r *resolver) member(v, arg *value) (yes, ok bool) {
	if arg.kind != list || len(arg.items) != 2 {
		r.fail(v, v.text+" takes two values", "write "+v.text+": [[a, b], !Ref Parameter]")
		return false, false
	}
	a, b := r.eval(arg.items[0], literals), r.eval(arg.items[1], literals)
	if a.kind == unknown || b.kind == unknown {
		return false, false
	}
	if a.kind != list || (v.text == "Fn::EachMemberIn") != (b.kind == list) {
		r.fail(v, v.text+" of "+a.kind.String()+" and "+b.kind.String(), map[bool]string{
			true:  "give it two lists",
			false: "give it a list and a value",
		}[v.text == "Fn::EachMemberIn"])
		return false, false
	}
	texts := func(v *value) []string { return v.newObject(with("items", v)).strs("items") }
	switch v.text {
	case "Fn::Contains":
		return slices.Contains(texts(a), b.text), true
	case "Fn::EachMemberEquals":
		return !slices.ContainsFunc(texts(a), func(s string) bool { return s != b.text }), true
	default: // Fn::EachMemberIn
		return !slices.ContainsFunc(texts(a), func(s string) bool { return !slices.Contains(texts(b), s) }), true
	}
}
