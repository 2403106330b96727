package sam

import (
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/catalog"
	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

var resourceAttributes = []string{"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy",
	"UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy", "Connectors", "Description", "IgnoreGlobals", "Version"}

// readResources adds every resource to the set, resolved early and expanded.
func (l *loader) readResources() {
	section := l.root.Get("Resources")
	if section == nil || section.Kind == template.Null {
		l.FailFile("the template has no Resources", "add a Resources section with at least one resource")
		return
	}
	if l.Resources = l.section("Resources"); l.Resources == nil {
		return
	}
	if len(section.Fields) == 0 && len(l.Errors) == 0 {
		l.Fail(section, "the section is empty", "add at least one resource")
	}
	var written []*template.Resource
	for _, f := range section.Fields {
		if res := l.readResource(section, f); res != nil {
			written = append(written, res)
			l.Eval.Resources[res.ID] = res
		}
	}
	for _, res := range written {
		if res.Disabled {
			// CloudFormation does not look for mistakes in it. It is prepared
			// for the names that it generates.
			events := len(l.HTTPEvents)
			l.Discard(func() { l.prepare(res) })
			l.HTTPEvents = l.HTTPEvents[:events]
		} else {
			l.prepare(res)
		}
	}
	l.expandConnectors(written)
	expand.Implied(l.Set, l.root, written)
}

// readResource reads the attributes of a resource; it returns nil if there is
// no type.
func (l *loader) readResource(section *template.Value, f template.Field) *template.Resource {
	v := f.Value
	if v.Kind != template.Object {
		if v.Kind != template.Unknown {
			l.FailKey(section, f, "is "+v.Kind.String(), "write a map with a Type")
		}
		return nil
	}
	if !template.IsAlphanumeric(f.Key) {
		l.FailKey(section, f, "a logical id holds letters and digits only", "rename it")
	}
	l.checkAttributes(v)
	typ := v.Get("Type")
	if !typ.Is(template.Text) {
		if !typ.Is(template.Unknown) {
			l.FailKey(section, f, "Type is missing", "add a Type such as AWS::Serverless::Function")
		}
		return nil
	}
	res := &template.Resource{
		ID:         f.Key,
		Type:       typ.Text,
		At:         v,
		Properties: v.Get("Properties"),
		Metadata:   v.Get("Metadata"),
		DependsOn:  l.dependsOn(v.Get("DependsOn")),
	}
	if problem, remedy := catalog.Problem(res.Type); problem != "" {
		l.Fail(typ, problem, remedy)
		res.Ignored, res.Broken = true, true
	} else if strings.HasPrefix(res.Type, "AWS::Serverless::") && !l.hasServerless() {
		l.Fail(typ, "SAM resources need SAM's transform", "add Transform: "+serverless+" at the top")
	}
	l.readCondition(res, v.Get("Condition"))
	return res
}

// checkAttributes refuses attributes that a resource does not have. SAM ignores
// unknown attributes of types that have no effect here, so an attribute of
// those is refused only if it looks like a misspelling.
func (l *loader) checkAttributes(v *template.Value) {
	ignored := v.Has("Type") && l.Types[v.Str("Type")] == nil
	for _, attr := range v.Fields {
		if slices.Contains(resourceAttributes, attr.Key) ||
			ignored && template.Nearest(attr.Key, resourceAttributes) == "" {
			continue
		}
		l.FailKey(v, attr, "unknown attribute of a resource",
			template.Suggest(attr.Key, resourceAttributes, "", "move it below Properties or remove it"))
	}
}

// dependsOn returns the names in DependsOn.
func (l *loader) dependsOn(d *template.Value) []*template.Value {
	var names []*template.Value
	for _, n := range d.OneOrMore() {
		switch n.Kind {
		case template.Text:
			names = append(names, n)
		case template.Unknown:
			// reported
		default:
			l.FailKind(n, "write logical ids of resources")
		}
	}
	return names
}

// readCondition evaluates the condition of a resource.
func (l *loader) readCondition(res *template.Resource, c *template.Value) {
	if !c.IsPresent() {
		return
	}
	if c.Kind != template.Text {
		l.FailKind(c, "write the name of a condition")
		return
	}
	if yes, ok := l.Eval.Condition(c, c.Text); ok && !yes {
		res.Disabled, res.Condition = true, c.Text
	}
}

// prepare resolves the properties early, adds the resource to the set and
// expands it.
func (l *loader) prepare(res *template.Resource) {
	t := l.Types[res.Type]
	if t == nil {
		res.Ignored = true
		if res.Active() {
			l.Ignore(res)
		}
		l.Order = append(l.Order, res)
		return
	}
	if section, ok := strings.CutPrefix(res.Type, "AWS::Serverless::"); ok {
		res.Properties = expand.WithGlobals(l.globals.Get(section), res.At, res.Properties)
	}
	if res.Properties == nil {
		res.Properties = res.At.NewObject()
	}
	written := res.Properties
	res.Properties = l.Eval.Eval(written, eval.Early)
	if res.Properties.Kind == template.Call {
		l.Fail(res.Properties, "the properties are an intrinsic function", "write a map")
	}
	shape.Check(l.Report, res.Properties, t.Shape, res.Type)
	if res.Properties.Kind != template.Object {
		res.Properties = res.At.NewObject()
	}
	l.Order = append(l.Order, res)
	if t.Expand != nil && !t.ExpandLast {
		t.Expand(l.Set, res, written)
	}
}

// expandConnectors expands the types that are expanded last, and the attribute
// Connectors of the other resources.
func (l *loader) expandConnectors(written []*template.Resource) {
	for _, res := range written {
		if res.Disabled {
			continue
		}
		if t := l.Types[res.Type]; t != nil && t.ExpandLast {
			t.Expand(l.Set, res, res.Properties)
		}
		expand.EmbeddedConnectors(l.Set, res)
	}
}
