package template

import "strings"

// References calls f with every name that Ref, Fn::GetAtt and Fn::Sub in v
// refer to. For Fn::GetAtt, attr is the attribute, or "?" if a function gives
// its name; for the others it is empty. A name in Fn::Sub may contain an
// attribute.
func References(v *Value, f func(at *Value, name, attr string)) {
	if v == nil {
		return
	}
	if v.Kind == Call && len(v.Items) == 1 {
		callReferences(v, f)
	}
	for _, item := range v.Items {
		References(item, f)
	}
	for _, field := range v.Fields {
		References(field.Value, f)
	}
}

func callReferences(v *Value, f func(at *Value, name, attr string)) {
	arg := v.Items[0]
	switch v.Text {
	case "Ref":
		f(v, arg.Scalar(), "")
	case "Fn::GetAtt":
		name, attr, _ := strings.Cut(arg.Scalar(), ".")
		if arg.IsListOf(2, 2) {
			name, attr = arg.Items[0].Scalar(), arg.Items[1].Scalar()
		}
		if attr == "" {
			attr = "?"
		}
		f(v, name, attr)
	case "Fn::Sub":
		text, variables := SubArguments(arg)
		EachVariable(text.Scalar(), func(_, name string) {
			if name != "" && !variables.Has(name) {
				f(v, name, "")
			}
		})
	}
}

// SubArguments splits the argument of Fn::Sub into the text and its own
// variables; variables is nil if there are none.
func SubArguments(arg *Value) (text, variables *Value) {
	if arg.IsListOf(2, 2) {
		return arg.Items[0], arg.Items[1]
	}
	return arg, nil
}

// EachVariable calls f with every piece of the text of Fn::Sub: the literal
// text before a variable, and the variable's name, which is empty at the end.
func EachVariable(s string, f func(literal, name string)) {
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		n := strings.IndexByte(s[i:], '}')
		if n < 0 {
			break
		}
		name := strings.TrimSpace(s[i+2 : i+n])
		switch {
		case strings.HasPrefix(name, "!"):
			f(s[:i]+"${"+name[1:]+"}", "")
		case name == "":
			f(s[:i+n+1], "")
		default:
			f(s[:i], name)
		}
		s = s[i+n+1:]
	}
	f(s, "")
}
