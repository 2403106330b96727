package expand

import (
	_ "embed"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

//go:embed policytemplates.txt
var policyTemplatesText string

// policyTemplates are all policy templates that SAM publishes, by name.
var policyTemplates = parsePolicyTemplates(policyTemplatesText)

// policyTemplateDef is one policy template. Resources and the value of the
// condition may contain ${Parameter} and pseudo parameters, as in Fn::Sub.
type policyTemplateDef struct {
	parameters []string
	statements []policyTemplateStatement
}

type policyTemplateStatement struct {
	actions, resources []string
	condition          []string // operator, key and value, or nothing
}

// parsePolicyTemplates reads the file, which explains its own format.
func parsePolicyTemplates(text string) map[string]*policyTemplateDef {
	short := strings.NewReplacer("~", "arn:${AWS::Partition}:", "@", ":${AWS::Region}:${AWS::AccountId}:")
	out := map[string]*policyTemplateDef{}
	var last *policyTemplateDef
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case words[0] == "#":
		case line[0] != ' ':
			last = &policyTemplateDef{parameters: words[1:]}
			out[words[0]] = last
		default:
			last.statements = append(last.statements, parseStatement(strings.TrimSpace(line), short))
		}
	}
	return out
}

// parseStatement reads one line below the name of a policy template.
func parseStatement(line string, short *strings.Replacer) policyTemplateStatement {
	actions, rest, _ := strings.Cut(line, " on ")
	resources, condition, _ := strings.Cut(rest, " if ")
	s := policyTemplateStatement{
		resources: strings.Fields(short.Replace(resources)),
		condition: strings.Fields(short.Replace(condition)),
	}
	for _, group := range strings.Fields(actions) {
		service, names, _ := strings.Cut(group, ":")
		for name := range strings.SplitSeq(names, ",") {
			s.actions = append(s.actions, service+":"+name)
		}
	}
	return s
}

// policyTemplate turns {DynamoDBCrudPolicy: {TableName: …}} into a policy
// document, or returns nil after a mistake.
func policyTemplate(s *resource.Set, item *template.Value) *template.Value {
	f := item.Fields[0]
	t, ok := policyTemplates[f.Key]
	if !ok {
		s.FailKey(item, f, "unknown policy template",
			template.Suggest(f.Key, template.SortedKeys(policyTemplates), "", "write a map with a Statement"))
		return nil
	}
	if s.Fails(func() { t.check(s, f) }) || f.Value.Kind != template.Object {
		return nil
	}
	var statements []*template.Value
	for _, st := range t.statements {
		statements = append(statements, st.value(f.Value))
	}
	return f.Value.NewObject(template.With("Statement", f.Value.NewList(statements...)))
}

// check checks the parameters of a policy template. SAM ignores further ones.
func (t *policyTemplateDef) check(s *resource.Set, f template.Field) {
	parameters := shape.Props{}
	for _, name := range t.parameters {
		parameters[name] = shape.Required(shape.String)
	}
	known := f.Value
	if known.Kind == template.Object {
		known = known.NewObject(template.Pick(known, t.parameters...)...)
	}
	shape.Check(s.Report, known, shape.Object(parameters), f.Key)
}

// value returns the statement with the parameters in at.
func (st policyTemplateStatement) value(at *template.Value) *template.Value {
	var resources []*template.Value
	for _, r := range st.resources {
		resources = append(resources, fill(at, r))
	}
	fields := []template.Field{template.With("Effect", at.NewText("Allow")),
		template.With("Action", at.NewTexts(st.actions...)), template.With("Resource", at.NewList(resources...))}
	if c := st.condition; len(c) == 3 {
		fields = append(fields, template.With("Condition",
			at.NewObject(template.With(c[0], at.NewObject(template.With(c[1], fill(at, c[2])))))))
	}
	return at.NewObject(fields...)
}

// fill returns a text in which ${Parameter} stands for the fields of at.
func fill(at *template.Value, text string) *template.Value {
	if !strings.Contains(text, "${") {
		return at.NewText(text)
	}
	return at.NewCall("Fn::Sub", at.NewList(at.NewText(text), at))
}
