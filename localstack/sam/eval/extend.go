package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// extender rewrites the template as the transform AWS::LanguageExtensions does:
// it writes out loops and resolves functions that give a name. It also inserts
// the files that AWS::Include names. It runs before the sections are read.
type extender struct {
	*Resolver
	dir       string            // the folder of the template
	variables map[string]string // identifiers of the loops
	count     int               // values made, bounded by template.MaxValues
	including bool              // inside an included file, which cannot include another
}

// Extend returns root with the sections of those names rewritten. The folder of
// the template is dir.
func (r *Resolver) Extend(root *template.Value, dir string, names ...string) *template.Value {
	x := &extender{Resolver: r, dir: dir, variables: map[string]string{}}
	out := root.Derive(template.Object)
	for _, f := range root.Fields {
		if slices.Contains(names, f.Key) {
			f.Value = x.extend(f.Value)
		}
		out.Fields = append(out.Fields, f)
	}
	return out
}

func (x *extender) extend(v *template.Value) *template.Value {
	if x.count++; x.count > template.MaxValues {
		if x.count == template.MaxValues+1 {
			x.Fail(v, fmt.Sprintf("loops expand to more than %d values", template.MaxValues), "loop over less")
		}
		return v.Derive(template.Unknown)
	}
	switch v.Kind {
	case template.Text:
		return v.NewText(x.fill(v.Text))
	case template.List:
		items := make([]*template.Value, len(v.Items))
		for i, item := range v.Items {
			items[i] = x.extend(item)
		}
		return v.NewList(items...)
	case template.Object:
		out := v.NewObject()
		for _, f := range v.Fields {
			x.put(out, f)
		}
		return out
	case template.Call:
		return x.extendCall(v)
	}
	return v
}

// extendCall inserts an included file, and resolves functions that give a name
// in Ref and Fn::GetAtt.
func (x *extender) extendCall(v *template.Value) *template.Value {
	if v.Text == "Fn::Transform" {
		out := v.NewObject()
		x.include(out, v.Items[0])
		return out
	}
	arg := x.extend(v.Items[0])
	if v.Text == "Ref" || v.Text == "Fn::GetAtt" {
		arg = x.extendName(v.Text, arg)
	}
	if value, ok := x.variables[arg.Scalar()]; ok && v.Text == "Ref" {
		return v.NewText(value)
	}
	return v.NewCall(v.Text, arg)
}

// extendName resolves the name in the argument of Ref or Fn::GetAtt if a
// function gives it.
func (x *extender) extendName(function string, arg *template.Value) *template.Value {
	name := arg
	if function == "Fn::GetAtt" && arg.IsListOf(2, 2) {
		name = arg.Items[0]
	}
	if name.Kind != template.Call || !x.LanguageExtensions {
		return arg
	}
	name = x.Eval(name, Literals)
	if arg.Kind == template.List {
		return arg.NewList(name, arg.Items[1])
	}
	return name
}

// fill replaces the identifiers of loops in a string: ${Name} becomes the
// value, &{Name} the value without the characters that a logical id cannot
// have.
func (x *extender) fill(s string) string {
	for name, value := range x.variables {
		s = strings.ReplaceAll(s, "${"+name+"}", value)
		if plain := "&{" + name + "}"; strings.Contains(s, plain) {
			s = strings.ReplaceAll(s, plain, strings.Map(alphanumeric, value))
		}
	}
	return s
}

// alphanumeric returns a letter or digit as it is and -1 for any other rune.
func alphanumeric(r rune) rune {
	if template.IsAlphanumeric(string(r)) {
		return r
	}
	return -1
}

// put adds a field to a map. A loop is written out, and an included file is
// inserted.
func (x *extender) put(out *template.Value, f template.Field) {
	switch {
	case strings.HasPrefix(f.Key, template.ForEach):
		x.loop(out, f)
	case f.Key == "Fn::Transform":
		x.include(out, f.Value)
	default:
		x.add(out, f, x.fill(f.Key), x.extend(f.Value))
	}
}

// add adds a field to a map, once.
func (x *extender) add(out *template.Value, f template.Field, key string, v *template.Value) {
	if out.Has(key) {
		x.FailKey(out, f, "writes "+template.Quote(key)+" a second time", "put the loop's identifier into the key")
		return
	}
	f.Key, f.Value = key, v
	out.Fields = append(out.Fields, f)
}

// loop writes out one Fn::ForEach::Name: [Identifier, Collection, {Key: …}].
func (x *extender) loop(out *template.Value, f template.Field) {
	v := f.Value
	if !x.LanguageExtensions {
		x.FailKey(out, f, "Fn::ForEach needs AWS::LanguageExtensions",
			"add it to Transform, before AWS::Serverless-2016-10-31")
		return
	}
	if !v.IsListOf(3, 3) || v.Items[0].Kind != template.Text || v.Items[2].Kind != template.Object {
		x.FailKey(out, f, "Fn::ForEach takes an identifier, a list and a map",
			"write [Name, [a, b], {'Key${Name}': …}]")
		return
	}
	name, collection := v.Items[0].Text, x.Eval(x.extend(v.Items[1]), Literals)
	_, taken := x.variables[name]
	switch {
	case collection.Kind == template.Unknown:
	case collection.Kind != template.List:
		x.Fail(v.Items[1], "Fn::ForEach over "+collection.Kind.String(), "give it a list")
	case taken || x.Parameters[name] != nil:
		x.Fail(v.Items[0], "the name "+template.Quote(name)+" is taken", "rename the identifier")
	default:
		x.repeat(out, v, name, collection.Items)
	}
}

// repeat writes the body of a loop once for each item.
func (x *extender) repeat(out, v *template.Value, name string, items []*template.Value) {
	defer delete(x.variables, name)
	for _, item := range items {
		if !item.IsScalar() {
			x.Fail(v.Items[1], "Fn::ForEach over a list with "+item.Kind.String(), "list strings only")
			return
		}
		x.variables[name] = item.Text
		for _, body := range v.Items[2].Fields {
			x.put(out, body)
		}
	}
}

// include inserts the file that a Fn::Transform includes into a map.
func (x *extender) include(out, macro *template.Value) {
	if x.including {
		x.Fail(macro, "an included file includes another one", "include both from the template")
		return
	}
	content := include(x.Report, x.Eval(x.extend(macro), Literals), x.dir)
	if content.Kind == template.Unknown {
		out.Kind = template.Unknown
	}
	x.including = true
	defer func() { x.including = false }()
	for _, f := range content.Fields {
		x.put(out, f)
	}
}
