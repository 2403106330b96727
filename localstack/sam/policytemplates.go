package sam

import (
	_ "embed"
	"strings"
)

//go:embed policytemplates.txt
var policyTemplatesText string

// policyTemplates are SAM's policy templates, all that it publishes.
var policyTemplates = parsePolicyTemplates(policyTemplatesText)

// policyTemplateDef is one of them. Resources and the condition's value hold
// ${Parameter} and pseudo parameters, as Fn::Sub takes them.
type policyTemplateDef struct {
	parameters []string
	statements []policyTemplateStatement
}

type policyTemplateStatement struct {
	actions, resources []string
	condition          []string // operator, key, value; or none
}

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
			actions, rest, _ := strings.Cut(strings.TrimSpace(line), " on ")
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
			last.statements = append(last.statements, s)
		}
	}
	return out
}

// policyTemplate turns {DynamoDBCrudPolicy: {TableName: …}} into a document,
// or returns nil after a mistake.
func (l *loader) policyTemplate(item *value) *value {
	f := item.fields[0]
	t, ok := policyTemplates[f.key]
	if !ok {
		l.failKey(item, f, "unknown policy template",
			suggest(f.key, sortedKeys(policyTemplates), "", "write a map with a Statement"))
		return nil
	}
	parameters := props{}
	for _, name := range t.parameters {
		parameters[name] = must(str)
	}
	before := len(l.errs)
	known := f.value
	if known.kind == object { // SAM passes over further parameters
		known = known.newObject(pick(known, t.parameters...)...)
	}
	l.check(known, objectOf(parameters), f.key)
	if f.value.kind != object || len(l.errs) > before {
		return nil
	}
	at := f.value
	fill := func(text string) *value {
		if !strings.Contains(text, "${") {
			return at.newText(text)
		}
		return at.newCall("Fn::Sub", at.newList(at.newText(text), at))
	}
	var statements []*value
	for _, s := range t.statements {
		var actions, resources []*value
		for _, a := range s.actions {
			actions = append(actions, at.newText(a))
		}
		for _, r := range s.resources {
			resources = append(resources, fill(r))
		}
		fields := []field{with("Effect", at.newText("Allow")), with("Action", at.newList(actions...)),
			with("Resource", at.newList(resources...))}
		if c := s.condition; len(c) == 3 {
			fields = append(fields, with("Condition", at.newObject(with(c[0], at.newObject(with(c[1], fill(c[2])))))))
		}
		statements = append(statements, at.newObject(fields...))
	}
	return at.newObject(with("Statement", at.newList(statements...)))
}
