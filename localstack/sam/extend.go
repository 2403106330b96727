package sam

import (
	"fmt"
	"slices"
	"strings"
)

const forEach = "Fn::ForEach::"

// extender rewrites the template as the transform AWS::LanguageExtensions
// does: it writes out the loops, and resolves functions where a name is
// expected. It also puts in the files that AWS::Include names. It runs before
// anything else looks at the sections.
type extender struct {
	*resolver
	dir       string            // the template's folder
	vars      map[string]string // the loops' identifiers
	count     int               // values made, bounded by maxValues
	including bool              // inside an included file, which includes no other
}

// extendSections rewrites the sections of the template that have those names.
func (l *loader) extendSections(names ...string) {
	x := &extender{resolver: &l.resolver, dir: l.plan.Dir, vars: map[string]string{}}
	out := l.root.derive(object)
	for _, f := range l.root.fields {
		if slices.Contains(names, f.key) {
			f.value = x.extend(f.value)
		}
		out.fields = append(out.fields, f)
	}
	l.root = out
}

func (x *extender) extend(v *value) *value {
	if x.count++; x.count > maxValues {
		if x.count == maxValues+1 {
			x.fail(v, fmt.Sprintf("loops expand to more than %d values", maxValues), "loop over less")
		}
		return v.derive(unknown)
	}
	switch v.kind {
	case text:
		return v.newText(x.fill(v.text))
	case list:
		items := make([]*value, len(v.items))
		for i, item := range v.items {
			items[i] = x.extend(item)
		}
		return v.newList(items...)
	case object:
		out := v.newObject()
		for _, f := range v.fields {
			x.put(out, f)
		}
		return out
	case call:
		if v.text == "Fn::Transform" {
			out := v.newObject()
			x.includeInto(out, v.items[0])
			return out
		}
		return x.extendCall(v)
	}
	return v
}

// extendCall resolves what stands for a name in Ref and GetAtt.
func (x *extender) extendCall(v *value) *value {
	arg := x.extend(v.items[0])
	name := arg
	if v.text == "Fn::GetAtt" && arg.kind == list && len(arg.items) == 2 {
		name = arg.items[0]
	}
	if (v.text == "Ref" || v.text == "Fn::GetAtt") && name.kind == call && x.languageX {
		if name = x.eval(name, literals); arg.kind == list {
			name = arg.newList(name, arg.items[1])
		}
		arg = name
	}
	if value, ok := x.vars[arg.scalar()]; ok && v.text == "Ref" {
		return v.newText(value)
	}
	return v.newCall(v.text, arg)
}

// fill puts the identifiers' values into a string: ${Name} as it is, &{Name}
// without what a logical id does not take.
func (x *extender) fill(s string) string {
	for name, value := range x.vars {
		s = strings.ReplaceAll(s, "${"+name+"}", value)
		if plain := "&{" + name + "}"; strings.Contains(s, plain) {
			s = strings.ReplaceAll(s, plain, strings.Map(func(r rune) rune {
				if isAlphanumeric(string(r)) {
					return r
				}
				return -1
			}, value))
		}
	}
	return s
}

// loop writes out one Fn::ForEach::Name: [Identifier, Collection, {Key: …}].
func (x *extender) loop(out *value, f field) {
	v := f.value
	if !x.languageX {
		x.failKey(out, f, "Fn::ForEach needs "+languageX, "add it to Transform, before "+serverless)
		return
	}
	if v.kind != list || len(v.items) != 3 || v.items[0].kind != text || v.items[2].kind != object {
		x.failKey(out, f, "Fn::ForEach takes an identifier, a list and a map",
			"write [Name, [a, b], {'Key${Name}': …}]")
		return
	}
	name, collection := v.items[0].text, x.eval(x.extend(v.items[1]), literals)
	if collection.kind != list {
		if collection.kind != unknown {
			x.fail(v.items[1], "Fn::ForEach over "+collection.kind.String(), "give it a list")
		}
		return
	}
	if _, ok := x.vars[name]; ok || x.params[name] != nil {
		x.fail(v.items[0], "the name "+quote(name)+" is taken", "rename the identifier")
		return
	}
	defer delete(x.vars, name)
	for _, item := range collection.items {
		if !item.isScalar() {
			x.fail(v.items[1], "Fn::ForEach over a list with "+item.kind.String(), "list strings only")
			return
		}
		x.vars[name] = item.text
		for _, body := range v.items[2].fields {
			x.put(out, body)
		}
	}
}

// put extends a field into a map: as it is, as the loop that it writes, or as
// the file that it includes.
func (x *extender) put(out *value, f field) {
	switch {
	case strings.HasPrefix(f.key, forEach):
		x.loop(out, f)
	case f.key == "Fn::Transform":
		x.includeInto(out, f.value)
	default:
		x.add(out, f, x.fill(f.key), x.extend(f.value))
	}
}

// add puts a field into a map, once.
func (x *extender) add(out *value, f field, key string, v *value) {
	if out.has(key) {
		x.failKey(out, f, "writes "+quote(key)+" a second time", "put the loop's identifier into the key")
		return
	}
	out.fields = append(out.fields, field{key: key, line: f.line, col: f.col, value: v})
}
