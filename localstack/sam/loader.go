package sam

import (
	"slices"

	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/catalog"
	"github.com/sotto-chat/sotto/localstack/sam/check"
	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

var sections = []string{"AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Mappings", "Metadata",
	"Outputs", "Parameters", "Resources", "Rules", "Transform"}

const (
	serverless         = "AWS::Serverless-2016-10-31"
	languageExtensions = "AWS::LanguageExtensions"
)

// loader takes one template through the steps of CloudFormation.
type loader struct {
	*resource.Set
	root    *template.Value
	globals *template.Value
	results []Output
	chain   chain
	nested  *int // how many nested stacks the app has so far
}

func newLoader(r *template.Report, root *template.Value, p *Plan, stack resource.Stack) *loader {
	l := &loader{
		root:   root,
		nested: new(int),
		Set: &resource.Set{
			Report:       r,
			Eval:         eval.New(r, pseudoParameters(p, stack.Name)),
			Plan:         p,
			Stack:        stack,
			Types:        catalog.Types(),
			IgnoredTypes: catalog.Ignored(),
		},
	}
	l.Nest = l.nest
	return l
}

// run takes the steps of CloudFormation in their order and builds the plan.
func (l *loader) run(overrides map[string]eval.Override) {
	if l.resolve(overrides) {
		l.Plan.Outputs = l.results
		catalog.Build(l.Set)
		build.Qualifiers(l.Set)
		check.Names(l.Set)
		build.HTTPEvents(l.Set)
		build.NotRun(l.Set)
	}
	l.Eval.Placeholders.Explain(l.Errors)
}

// resolve resolves the template and those nested in it. It returns false after
// a mistake that leaves nothing to build.
func (l *loader) resolve(overrides map[string]eval.Override) bool {
	eval.IncludeRoot(l.Report, l.root, l.Stack.Dir)
	if l.root.Has("service") && l.root.Has("provider") {
		l.FailFile("this is a Serverless Framework file", "give a SAM or CloudFormation template")
		return false
	}
	for _, f := range l.root.Fields {
		if !slices.Contains(sections, f.Key) {
			l.FailKey(l.root, f, "unknown section", template.Suggest(f.Key, sections, "", "remove it"))
		}
	}
	l.transforms()
	l.Eval.ReadParameters(l.section("Parameters"), overrides)
	l.mappings()
	l.conditions()
	l.Eval.Rules(l.section("Rules"))
	l.globals = l.section("Globals")
	expand.CheckGlobals(l.Report, l.globals)
	l.readResources()
	outputs := l.section("Outputs")
	l.Eval.CheckNames(l.root.Get("Resources"))
	l.CheckDependsOn()
	l.Eval.CheckNames(l.globals)
	l.Eval.CheckNames(outputs)
	l.Request(l.root.Get("Resources"))
	l.Request(l.globals)
	l.Request(outputs)
	order, ok := l.Sorted()
	if !ok {
		return false
	}
	for _, res := range order {
		l.Resolve(res)
	}
	l.outputs(outputs)
	return true
}

func (l *loader) section(name string) *template.Value { return l.Section(l.root, name) }

// transforms reads the macros. Without SAM's, resources of SAM are refused.
func (l *loader) transforms() {
	for _, n := range l.root.Get("Transform").OneOrMore() {
		what := "the macro " + template.Quote(n.Text) + " is not supported"
		switch {
		case n.Text == languageExtensions:
			l.Eval.LanguageExtensions = true
			continue
		case n.Kind == template.Object, n.Text == serverless, n.Kind == template.Unknown:
			continue // an object is AWS::Include, which IncludeRoot reads
		case !n.IsScalar():
			what = "is " + n.Kind.String() + ", not a macro's name"
		}
		l.Fail(n, what, "use "+serverless+" and, if needed, "+languageExtensions)
	}
}

// hasServerless reports whether the template uses SAM's transform.
func (l *loader) hasServerless() bool {
	return slices.ContainsFunc(l.root.Get("Transform").OneOrMore(), func(t *template.Value) bool {
		return t.Scalar() == serverless
	})
}

func (l *loader) mappings() {
	l.root = l.Eval.Extend(l.root, l.Stack.Dir, "Mappings")
	l.Eval.Mappings = l.section("Mappings")
	for _, f := range l.Eval.Mappings.Entries() {
		fails := l.Fails(func() { shape.Check(l.Report, f.Value, shape.Map(shape.Map(shape.Any)), "a mapping") })
		if !fails && f.Value.HasCall() {
			l.Fail(f.Value, "holds an intrinsic function", "write literal values in Mappings")
		}
	}
}

func (l *loader) conditions() {
	l.root = l.Eval.Extend(l.root, l.Stack.Dir, "Conditions", "Resources", "Outputs")
	l.Eval.Conditions = l.section("Conditions")
	for _, f := range l.Eval.Conditions.Entries() {
		l.Eval.Condition(f.Value, f.Key)
	}
}

// output is the shape of an entry of Outputs.
var output = shape.Object(shape.Props{
	"Condition":   shape.String,
	"Description": shape.String,
	"Export":      shape.Object(shape.Props{"Name": shape.Required(shape.String)}),
	"Value":       shape.Required(shape.String),
})

func (l *loader) outputs(section *template.Value) {
	for _, f := range section.Entries() {
		if c := f.Value.Get("Condition"); c.Scalar() != "" {
			if yes, ok := l.Eval.Condition(c, c.Text); !ok || !yes {
				continue
			}
		}
		v := l.Eval.Eval(f.Value, eval.Full)
		shape.Check(l.Report, v, output, "an output")
		l.results = append(l.results, Output{
			Name:        f.Key,
			Description: v.Str("Description"),
			Value:       v.Str("Value"),
			ExportName:  v.Get("Export").Str("Name"),
		})
	}
}
