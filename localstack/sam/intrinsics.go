package sam

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The functions here get arguments that are resolved and known.

func (r *resolver) join(v, arg *value) *value {
	if arg.kind != list || len(arg.items) != 2 || !arg.items[0].isScalar() || arg.items[1].kind != list {
		return r.fail(v, "Fn::Join takes a delimiter and a list", `write !Join [",", [a, b]]`)
	}
	var parts []string
	size := 0
	for _, item := range arg.items[1].items {
		if !item.isScalar() {
			return r.fail(v, "Fn::Join joins strings, and one element is "+item.kind.String(), "give it strings only")
		}
		if size += len(item.text) + len(arg.items[0].text); size > maxText {
			break // text below refuses it
		}
		parts = append(parts, item.text)
	}
	if size > maxText {
		return r.fail(v, fmt.Sprintf("the result is longer than %d bytes", maxText), "shorten it")
	}
	return v.newText(strings.Join(parts, arg.items[0].text))
}

func (r *resolver) choose(v, arg *value) *value {
	if arg.kind != list || len(arg.items) != 2 || arg.items[1].kind != list {
		return r.fail(v, "Fn::Select takes an index and a list", "write !Select [0, List]")
	}
	i, ok := arg.items[0].asInt()
	if !ok {
		return r.fail(v, "Fn::Select takes a number as its index", "write !Select [0, List]")
	}
	items := arg.items[1].items
	if i >= len(items) && r.isMadeUp(v.items[0]) {
		return v.newText(strings.Join(arg.newObject(with("items", arg.items[1])).strs("items"), "-"))
	}
	if i < 0 || i >= len(items) {
		return r.fail(v, fmt.Sprintf("index %d of a list of %d", i, len(items)), "count from 0")
	}
	return items[i].moved(v)
}

// isMadeUp says whether v refers to a resource that is passed over, whose
// attributes may have another form than the real ones.
func (r *resolver) isMadeUp(v *value) bool {
	made := false
	references(v, func(_ *value, name, attr string) {
		if attr == "" {
			name, _ = r.subParts(name)
		}
		res := r.resource(name)
		made = made || res != nil && res.noted
	})
	return made
}

func (r *resolver) split(v, arg *value) *value {
	if arg.kind != list || len(arg.items) != 2 || !arg.items[0].isScalar() || !arg.items[1].isScalar() ||
		arg.items[0].text == "" {
		return r.fail(v, "Fn::Split takes a delimiter and a string", `write !Split [",", String]`)
	}
	var items []*value
	for _, part := range strings.Split(arg.items[1].text, arg.items[0].text) {
		items = append(items, v.newText(part))
	}
	return v.newList(items...)
}

func (r *resolver) base64(v, arg *value) *value {
	if !arg.isScalar() {
		return r.fail(v, "Fn::Base64 of "+arg.kind.String(), "give it a string")
	}
	return r.text(v, base64.StdEncoding.EncodeToString([]byte(arg.text)))
}

// zones gives three availability zones, as the large regions have at least.
func (r *resolver) zones(v, arg *value) *value {
	if !arg.isScalar() && arg.kind != null {
		return r.fail(v, "Fn::GetAZs of "+arg.kind.String(), "give it a region or an empty string")
	}
	region := arg.text
	if region == "" {
		region = r.pseudo["AWS::Region"]
	}
	return v.newList(v.newText(region+"a"), v.newText(region+"b"), v.newText(region+"c"))
}

func (r *resolver) findInMap(v, arg *value) *value {
	usage := "write !FindInMap [Map, TopKey, SecondKey]"
	if arg.kind != list || len(arg.items) < 3 || len(arg.items) > 4 {
		return r.fail(v, "Fn::FindInMap takes a map and two keys", usage)
	}
	var fallback *value
	if len(arg.items) == 4 {
		if fallback = arg.items[3].get("DefaultValue"); fallback == nil || !r.languageX {
			return r.fail(v, "the default value of Fn::FindInMap needs AWS::LanguageExtensions", usage)
		}
	}
	at, path := r.mappings, "Mappings"
	for _, key := range arg.items[:3] {
		if !key.isScalar() {
			return r.fail(v, "Fn::FindInMap takes three strings", usage)
		}
		next := at.get(key.text)
		if next == nil && fallback != nil {
			return fallback.moved(v)
		}
		if next == nil {
			return r.fail(v, path+" has no key "+quote(key.text), suggest(key.text, at.keys(), "", "add it"))
		}
		at, path = next, path+"."+key.text
	}
	return at.moved(v)
}

// sub resolves Fn::Sub: "text ${Name} ${Resource.Attr} ${!Literal}", or that
// with a map of further variables.
func (r *resolver) sub(v, arg *value, m mode) *value {
	template, vars := arg, (*value)(nil)
	if arg.kind == list && len(arg.items) == 2 {
		template, vars = arg.items[0], r.eval(arg.items[1], m)
	}
	if !template.isScalar() || vars != nil && vars.kind != object {
		return r.fail(v, "Fn::Sub takes a string, or a string and a map", "write !Sub text with ${Variables}")
	}
	if checked := r.eval(template, m); checked.kind == unknown {
		return v.derive(unknown)
	}
	var b strings.Builder
	bad, deferred := false, false
	eachVariable(template.text, func(literal, name string) {
		b.WriteString(literal)
		if name == "" || bad || b.Len() > maxText {
			return
		}
		if found := vars.get(name); found != nil {
			switch {
			case found.isScalar():
				b.WriteString(found.text)
			case found.kind == call:
				deferred = true
			case found.kind != unknown:
				r.fail(found, fmt.Sprintf("Fn::Sub puts in strings, and ${%s} is %s", name, found.kind),
					"join it to a string first")
				bad = true
			default:
				bad = true
			}
			return
		}
		name, attr := r.subParts(name)
		switch got := r.lookup(v, name, attr, m); {
		case got.isScalar():
			b.WriteString(got.text)
		case got.kind == call:
			deferred = true
		case got.kind == unknown:
			bad = true
		default:
			r.fail(v, fmt.Sprintf("Fn::Sub puts in strings, and ${%s} is %s", name, got.kind),
				"use Fn::Join for a list")
			bad = true
		}
	})
	switch {
	case bad:
		return v.derive(unknown)
	case deferred && vars != nil:
		return v.newCall(v.text, arg.newList(template, vars))
	case deferred:
		return v
	}
	return r.text(v, b.String())
}

// subParts splits a variable of Fn::Sub at its first dot, unless the whole is
// one of SAM's dotted names.
func (r *resolver) subParts(name string) (string, string) {
	if r.resource(name) != nil {
		return name, ""
	}
	name, attr, _ := strings.Cut(name, ".")
	return name, attr
}

// eachVariable calls f with every piece of a Sub template: the literal text
// before a variable, and the variable's name, empty at the end.
func eachVariable(s string, f func(literal, name string)) {
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

// json renders a resolved value. CloudFormation keeps the order of keys.
func (v *value) json() []byte {
	var b []byte
	switch v.kind {
	case object:
		b = append(b, '{')
		for i, f := range v.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, jsonText(f.key)...)
			b = append(b, ':')
			b = append(b, f.value.json()...)
		}
		return append(b, '}')
	case list:
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, item.json()...)
		}
		return append(b, ']')
	case boolean:
		return strconv.AppendBool(nil, strings.EqualFold(v.text, "true"))
	case number:
		if json.Valid([]byte(v.text)) {
			return []byte(v.text)
		}
		if n, ok := v.asFloat(); ok {
			return strconv.AppendFloat(nil, n, 'g', -1, 64)
		}
		return jsonText(v.text)
	case text:
		return jsonText(v.text)
	default:
		return []byte("null")
	}
}

func jsonText(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // no string fails
		return []byte(`""`)
	}
	return b
}
