package eval

import (
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Override is the value of a parameter from outside the template.
type Override struct {
	Text string
	// File and Line are the position in samconfig.toml or in the template
	// around a nested stack; File is empty if the caller gave the value.
	File string
	Line int
	// Column and Subject are set by the template around a nested stack. Broken
	// is set if a mistake there leaves the value unknown.
	Column  int
	Subject string
	Broken  bool
}

var parameterAttributes = []string{"Type", "Default", "AllowedPattern", "AllowedValues", "ConstraintDescription",
	"Description", "MaxLength", "MaxValue", "MinLength", "MinValue", "NoEcho"}

var parameterTypes = []string{"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"}

// ReadParameters resolves the Parameters section, which may be nil. A list
// parameter becomes a list.
func (r *Resolver) ReadParameters(section *template.Value, overrides map[string]Override) {
	r.Parameters = map[string]*template.Value{}
	for _, f := range section.Entries() {
		p := parameter{r: r, section: section, field: f}
		p.override, p.given = overrides[f.Key]
		r.Parameters[f.Key] = p.resolve()
	}
	for _, name := range template.SortedKeys(overrides) {
		if _, ok := r.Parameters[name]; !ok {
			r.failOverride(section, name, overrides[name])
		}
	}
}

// failOverride reports a value for a parameter that does not exist.
func (r *Resolver) failOverride(section *template.Value, name string, o Override) {
	e := &template.Error{
		File:    r.File,
		Subject: template.JoinSubject("Parameters", name),
		Problem: "a value is given, but the template has no such parameter",
		Remedy:  template.Suggest(name, section.Keys(), "", "add the parameter or leave the value out"),
	}
	if o.File != "" {
		e.File, e.Line, e.Column = o.File, o.Line, max(o.Column, 1)
	}
	if o.Subject != "" {
		e.Subject, e.Problem = o.Subject, "the template "+r.File+" has no such parameter"
		e.Remedy = template.Suggest(name, section.Keys(), "", "add the parameter there or leave the value out")
	}
	r.Errors = append(r.Errors, e)
}

// parameter is one entry of the Parameters section while it is resolved.
type parameter struct {
	r        *Resolver
	section  *template.Value
	field    template.Field
	override Override
	given    bool // override is set
}

// resolve returns the parameter's value, or [template.Unknown] after a mistake.
func (p parameter) resolve() *template.Value {
	v := p.field.Value
	bad := v.Derive(template.Unknown)
	if !template.IsAlphanumeric(p.field.Key) {
		p.r.FailKey(p.section, p.field, "a parameter's name holds letters and digits only", "rename it")
	}
	if v.Kind != template.Object {
		if v.Kind != template.Unknown {
			p.r.FailKind(v, "write a map with a Type")
		}
		return bad
	}
	if p.r.Fails(func() { p.checkAttributes(); p.checkType() }) {
		return bad
	}
	def := v.Get("Default")
	switch {
	case p.given && p.override.Broken:
		return bad
	case p.given:
		return p.r.constrain(v, v, p.override.Text)
	case def == nil && p.r.ParametersFrom != "":
		p.r.FailKey(p.section, p.field, "has no Default and no value is given",
			"add "+p.field.Key+" to the Parameters of "+p.r.ParametersFrom)
		return bad
	case def == nil:
		p.r.FailKey(p.section, p.field, "has no Default and no value is given",
			"start with -parameter "+p.field.Key+"=VALUE, or with -config-env NAME if samconfig.toml has it")
		return bad
	case def.Kind == template.List:
		return p.r.constrain(v, def, strings.Join(def.Texts(), ","))
	}
	return p.r.constrain(v, def, def.Text)
}

func (p parameter) checkAttributes() {
	for _, attr := range p.field.Value.Fields {
		if !slices.Contains(parameterAttributes, attr.Key) {
			p.r.FailKey(p.field.Value, attr, "unknown attribute of a parameter",
				template.Suggest(attr.Key, parameterAttributes, "", "remove it"))
			continue
		}
		listAllowed := attr.Key == "AllowedValues" || attr.Key == "Default"
		switch {
		case attr.Value.IsScalar(), attr.Value.Kind == template.Unknown:
		case listAllowed && attr.Value.Kind == template.List:
		default:
			p.r.FailKind(attr.Value, "write a literal value")
		}
	}
}

func (p parameter) checkType() {
	typ := p.field.Value.Get("Type")
	switch {
	case typ == nil:
		p.r.FailKey(p.section, p.field, "Type is missing", "add Type: String")
	case strings.HasPrefix(typ.Text, "AWS::SSM::Parameter::Value<"):
		// samconfig.toml and Default hold the name in SSM, not the value.
		if !p.given || p.override.File != "" {
			p.r.Fail(typ, "parameters from SSM cannot be read locally",
				"give the value itself, as a parameter of this run")
		}
	case strings.HasPrefix(typ.Text, "AWS::"), strings.HasPrefix(typ.Text, "List<AWS::"):
	case !slices.Contains(parameterTypes, typ.Text) && typ.Kind != template.Unknown:
		p.r.Fail(typ, "unknown parameter type "+template.Quote(typ.Text),
			template.Suggest(typ.Text, parameterTypes, "", "use "+template.OneOf(parameterTypes)))
	}
}
