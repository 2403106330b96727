package sam

import "fmt"

// decision is the result of one condition.
type decision struct {
	done, ok, value bool
}

// condition decides the named condition; ok is false after a mistake. The
// value at is where the name is used.
func (r *resolver) condition(at *value, name string) (yes, ok bool) {
	c := r.conditions.get(name)
	if c == nil {
		r.fail(at, "there is no condition "+name, suggest(name, r.conditions.keys(), "", "add it under Conditions"))
		return false, false
	}
	if d := r.decided[name]; d != nil {
		if !d.done {
			r.fail(at, "the condition "+name+" depends on itself", "remove the cycle")
			d.ok = false
		}
		return d.value, d.done && d.ok
	}
	d := &decision{ok: true}
	r.decided[name] = d
	value, ok := r.decide(c)
	d.done, d.ok, d.value = true, d.ok && ok, value
	return d.value, d.ok
}

// decide evaluates a condition function.
func (r *resolver) decide(v *value) (yes, ok bool) {
	if name := v.get("Condition"); name != nil && len(v.fields) == 1 {
		return r.condition(v, name.scalar()) // the long form of !Condition
	}
	if v.kind != call {
		if v.kind != unknown {
			r.fail(v, "is "+v.kind.String()+", not a condition",
				"use Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition")
		}
		return false, false
	}
	arg := v.items[0]
	switch v.text {
	case "Condition":
		return r.condition(v, arg.scalar())
	case "Fn::Equals":
		if arg.kind != list || len(arg.items) != 2 {
			r.fail(v, "Fn::Equals takes two values", "write !Equals [!Ref Parameter, value]")
			return false, false
		}
		a, b := r.eval(arg.items[0], literals), r.eval(arg.items[1], literals)
		if a.kind == unknown || b.kind == unknown {
			return false, false
		}
		if a.isScalar() && b.isScalar() {
			return a.text == b.text, true
		}
		return string(a.json()) == string(b.json()), true
	case "Fn::Not":
		if arg.kind != list || len(arg.items) != 1 {
			r.fail(v, "Fn::Not takes a list of one condition", "write !Not [Condition]")
			return false, false
		}
		yes, ok := r.decide(arg.items[0])
		return !yes, ok
	case "Fn::And", "Fn::Or":
		if arg.kind != list || len(arg.items) < 2 || len(arg.items) > 10 {
			r.fail(v, v.text+" takes 2 to 10 conditions", fmt.Sprintf("write a list of conditions below %s", v.text))
			return false, false
		}
		isAnd, all := v.text == "Fn::And", true
		result := isAnd
		for _, item := range arg.items {
			yes, ok := r.decide(item)
			all = all && ok
			if yes != isAnd {
				result = !isAnd
			}
		}
		return result, all
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn":
		if r.inRules {
			return r.member(v, arg)
		}
		fallthrough
	default:
		r.fail(v, v.text+" is not a condition", "use Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition")
		return false, false
	}
}
