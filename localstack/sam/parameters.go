package sam

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var parameterAttributes = []string{"Type", "Default", "AllowedPattern", "AllowedValues", "ConstraintDescription",
	"Description", "MaxLength", "MaxValue", "MinLength", "MinValue", "NoEcho"}

// override is a parameter's value from outside the template, with where it
// came from: "" if the caller gave it, else a samconfig file and line.
type override struct {
	text string
	file string
	line int
}

// parameters resolves the Parameters section. A list parameter becomes a list.
func (l *loader) parameters(overrides map[string]override) map[string]*value {
	section := l.section("Parameters")
	out := map[string]*value{}
	if section != nil {
		for _, f := range section.fields {
			out[f.key] = l.parameter(section, f, overrides)
		}
	}
	for _, name := range sortedKeys(overrides) {
		if _, ok := out[name]; ok {
			continue
		}
		o := overrides[name]
		e := &Error{
			File:    l.file,
			Subject: join("Parameters", name),
			Problem: "a value is given, but the template has no such parameter",
			Remedy:  suggest(name, section.keys(), "", "add the parameter or leave the value out"),
		}
		if o.file != "" {
			e.File, e.Line, e.Column = o.file, o.line, 1
		}
		l.errs = append(l.errs, e)
	}
	return out
}

func (l *loader) parameter(section *value, f field, overrides map[string]override) *value {
	p := f.value
	bad := p.derive(unknown)
	if !isAlphanumeric(f.key) {
		l.failKey(section, f, "a parameter's name holds letters and digits only", "rename it")
	}
	if p.kind != object {
		if p.kind != unknown {
			l.fail(p, "is "+p.kind.String(), "write a map with a Type")
		}
		return bad
	}
	before := len(l.errs)
	for _, attr := range p.fields {
		if !slices.Contains(parameterAttributes, attr.key) {
			l.failKey(p, attr, "unknown attribute of a parameter",
				suggest(attr.key, parameterAttributes, "", "remove it"))
			continue
		}
		isList := attr.value.kind == list && (attr.key == "AllowedValues" || attr.key == "Default")
		if !attr.value.isScalar() && !isList && attr.value.kind != unknown {
			l.fail(attr.value, "is "+attr.value.kind.String(), "write a literal value")
		}
	}
	typ := p.get("Type")
	switch {
	case typ == nil:
		l.failKey(section, f, "Type is missing", "add Type: String")
	case strings.HasPrefix(typ.text, "AWS::SSM::Parameter::Value<"):
		// What samconfig.toml and Default hold is the name in SSM.
		if o, given := overrides[f.key]; !given || o.file != "" {
			l.fail(typ, "parameters from SSM cannot be read locally",
				"give the value itself, as a parameter of this run")
		}
	case strings.HasPrefix(typ.text, "AWS::"), strings.HasPrefix(typ.text, "List<AWS::"):
	case !slices.Contains(parameterTypes, typ.text) && typ.kind != unknown:
		l.fail(typ, "unknown parameter type "+quote(typ.text),
			suggest(typ.text, parameterTypes, "", "use "+oneOf(parameterTypes)))
	}
	o, given := overrides[f.key]
	def := p.get("Default")
	if len(l.errs) > before {
		return bad
	}
	if !given && def == nil {
		l.failKey(section, f, "has no Default and no value is given",
			"start with -parameter "+f.key+"=VALUE, or with -config-env NAME if samconfig.toml has it")
		return bad
	}
	at, raw := def, o.text
	if !given {
		raw = def.text
		if def.kind == list {
			raw = strings.Join(p.strs("Default"), ",")
		}
	} else {
		at = p
	}
	return l.checkParameter(p, at, raw)
}

var parameterTypes = []string{"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"}

// checkParameter applies the parameter's constraints to a value.
func (l *loader) checkParameter(p, at *value, raw string) *value {
	typ := p.str("Type")
	isList := strings.Contains(typ, "CommaDelimitedList") || strings.Contains(typ, "List<")
	shown := "the value " + quote(raw)
	if secret, _ := p.get("NoEcho").asBool(); secret {
		shown = "the value" // NoEcho: it must not reach a log
	}
	elements := []string{raw}
	if isList {
		elements = strings.Split(raw, ",")
		for i := range elements {
			elements[i] = strings.TrimSpace(elements[i])
		}
		if raw == "" {
			elements = nil
		}
	}
	hint := "give another value"
	if d := p.str("ConstraintDescription"); d != "" {
		hint = d
	}
	before := len(l.errs)
	for _, e := range elements {
		if typ == "Number" || typ == "List<Number>" {
			n, ok := at.newText(e).asFloat()
			if !ok {
				l.fail(at, shown+" is not a number", "give a number")
				break
			}
			if low, ok := p.get("MinValue").asFloat(); ok && n < low {
				l.fail(at, shown+" is below MinValue "+p.str("MinValue"), hint)
			}
			if high, ok := p.get("MaxValue").asFloat(); ok && n > high {
				l.fail(at, shown+" is above MaxValue "+p.str("MaxValue"), hint)
			}
		}
		if allowed := p.get("AllowedValues"); allowed != nil && !slices.Contains(p.strs("AllowedValues"), e) {
			l.fail(at, shown+" is not in AllowedValues",
				first(p.str("ConstraintDescription"), "use "+oneOf(p.strs("AllowedValues"))))
		}
	}
	if !isList {
		length := utf8.RuneCountInString(raw)
		if low, ok := p.get("MinLength").asInt(); ok && length < low {
			l.fail(at, fmt.Sprintf("%s is shorter than MinLength %d", shown, low), hint)
		}
		if high, ok := p.get("MaxLength").asInt(); ok && length > high {
			l.fail(at, fmt.Sprintf("%s is longer than MaxLength %d", shown, high), hint)
		}
	}
	if pattern := p.get("AllowedPattern"); pattern != nil {
		l.checkPattern(pattern, at, shown, hint, elements)
	}
	if len(l.errs) > before {
		return at.derive(unknown)
	}
	if !isList {
		v := at.newText(raw)
		if typ == "Number" {
			v.kind = number
		}
		return v
	}
	items := make([]*value, len(elements))
	for i, e := range elements {
		items[i] = at.newText(e)
	}
	return at.newList(items...)
}

// javaOnly finds regular expressions that CloudFormation's Java engine takes
// and Go's does not: look-around, possessive quantifiers, back-references.
var javaOnly = regexp.MustCompile(`\(\?[=!<]|[*+?}]\+|\\[1-9]`)

func (l *loader) checkPattern(pattern, at *value, shown, hint string, elements []string) {
	re, err := regexp.Compile(`^(?:` + pattern.text + `)$`)
	if err != nil {
		if javaOnly.MatchString(pattern.text) {
			l.note(pattern.parent, pattern.parent.key, "AllowedPattern",
				"the pattern needs Java's regular expressions, so the value is not checked")
		} else {
			l.fail(pattern, "not a regular expression", "correct "+quote(pattern.text))
		}
		return
	}
	for _, e := range elements {
		if !re.MatchString(e) {
			l.fail(at, shown+" does not match AllowedPattern "+quote(pattern.text), hint)
			return
		}
	}
}

func isAlphanumeric(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != ""
}
