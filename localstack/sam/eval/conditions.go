package eval

import (
	"fmt"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// decision is the result of one condition.
type decision struct {
	done, ok, value bool
}

// Condition evaluates the named condition; ok is false after a mistake. The
// value at is where the name is used.
func (r *Resolver) Condition(at *template.Value, name string) (yes, ok bool) {
	c := r.Conditions.Get(name)
	if c == nil {
		r.Fail(at, "there is no condition "+name,
			template.Suggest(name, r.Conditions.Keys(), "", "add it under Conditions"))
		return false, false
	}
	if d := r.decided[name]; d != nil {
		if !d.done {
			r.Fail(at, "the condition "+name+" depends on itself", "remove the cycle")
			d.ok = false
		}
		return d.value, d.done && d.ok
	}
	d := &decision{ok: true}
	r.decided[name] = d
	yes, ok = r.decide(c)
	d.done, d.ok, d.value = true, d.ok && ok, yes
	return d.value, d.ok
}

const conditionUsage = "use Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition"

// decide evaluates a condition function.
func (r *Resolver) decide(v *template.Value) (yes, ok bool) {
	switch {
	case v.Has("Condition") && len(v.Fields) == 1: // the long form of !Condition
		return r.Condition(v, v.Str("Condition"))
	case v.Kind == template.Unknown:
		return false, false
	case v.Kind != template.Call:
		return r.refuse(v, "is "+v.Kind.String()+", not a condition", conditionUsage)
	}
	arg := v.Items[0]
	if f := deciders[v.Text]; f != nil {
		return f(r, v, arg)
	}
	if member := members[v.Text]; member != nil && r.inRules {
		return r.member(v, arg, member)
	}
	return r.refuse(v, v.Text+" is not a condition", conditionUsage)
}

// deciders are the functions that give a condition.
var deciders map[string]func(r *Resolver, v, arg *template.Value) (yes, ok bool)

// init and no initializer: the functions call each other through the table.
func init() {
	deciders = map[string]func(r *Resolver, v, arg *template.Value) (yes, ok bool){
		"Condition":  func(r *Resolver, v, arg *template.Value) (yes, ok bool) { return r.Condition(v, arg.Scalar()) },
		"Fn::Equals": (*Resolver).equals,
		"Fn::Not":    (*Resolver).not,
		"Fn::And":    (*Resolver).andOr,
		"Fn::Or":     (*Resolver).andOr,
	}
}

// refuse reports a mistake in v, for the functions that decide.
func (r *Resolver) refuse(v *template.Value, problem, remedy string) (yes, ok bool) {
	r.Fail(v, problem, remedy)
	return false, false
}

func (r *Resolver) equals(v, arg *template.Value) (yes, ok bool) {
	if !arg.IsListOf(2, 2) {
		return r.refuse(v, "Fn::Equals takes two values", "write !Equals [!Ref Parameter, value]")
	}
	a, b := r.Eval(arg.Items[0], Literals), r.Eval(arg.Items[1], Literals)
	switch {
	case a.Kind == template.Unknown || b.Kind == template.Unknown:
		return false, false
	case a.IsScalar() && b.IsScalar():
		return a.Text == b.Text, true
	}
	return string(a.JSON()) == string(b.JSON()), true
}

func (r *Resolver) not(v, arg *template.Value) (yes, ok bool) {
	if !arg.IsListOf(1, 1) {
		return r.refuse(v, "Fn::Not takes a list of one condition", "write !Not [Condition]")
	}
	yes, ok = r.decide(arg.Items[0])
	return !yes, ok
}

// andOr evaluates all conditions, so that all mistakes are reported.
func (r *Resolver) andOr(v, arg *template.Value) (yes, ok bool) {
	if !arg.IsListOf(2, 10) {
		return r.refuse(v, v.Text+" takes 2 to 10 conditions",
			fmt.Sprintf("write a list of conditions below %s", v.Text))
	}
	isAnd := v.Text == "Fn::And"
	result, all := isAnd, true
	for _, item := range arg.Items {
		yes, ok := r.decide(item)
		all = all && ok
		if yes != isAnd {
			result = !isAnd
		}
	}
	return result, all
}
