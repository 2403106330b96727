package expand

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// ImpliedType is the type of a resource that SAM generates from an ignored one.
const ImpliedType = "AWS::Serverless::Generated"

// implicitRestAPI is the API that SAM generates for events that name none. Its
// stage is Prod.
const implicitRestAPI = "ServerlessRestApi"

// Implied adds the resources that SAM would generate from ignored ones, such as
// ApiProdStage or Api.Stage, if the template refers to them. Their names start
// with the name of the ignored resource. Root is the template.
func Implied(s *resource.Set, root *template.Value, written []*template.Resource) {
	sources := impliedSources(s, written)
	if len(sources) == 0 {
		return
	}
	for _, section := range []string{"Resources", "Outputs", "Globals"} {
		template.References(root.Get(section), func(_ *template.Value, name, _ string) { imply(s, sources, name) })
	}
	for _, res := range written {
		for _, d := range res.DependsOn {
			imply(s, sources, d.Text)
		}
	}
}

// impliedSources returns the resources from which SAM generates others.
func impliedSources(s *resource.Set, written []*template.Resource) []*template.Resource {
	var sources []*template.Resource
	for _, res := range written {
		if t := s.IgnoredTypes[res.Type]; t != nil && t.Generates {
			sources = append(sources, res)
		}
	}
	for _, id := range []string{implicitRestAPI, "ServerlessHttpApi"} { // of events that name no API
		if res := s.Find(id); res != nil {
			sources = append(sources, res)
		}
	}
	return sources
}

// imply adds the resource of that name if a template can mean one that SAM
// generates from sources.
func imply(s *resource.Set, sources []*template.Resource, name string) {
	if s.Eval.Resource(name) != nil || s.Eval.Parameters[name] != nil || strings.HasPrefix(name, "AWS::") {
		return
	}
	from := longestPrefix(sources, name)
	if from == nil || !isPart(name[len(from.ID):]) {
		return
	}
	implied := &template.Resource{
		ID:         name,
		Type:       ImpliedType,
		At:         from.At,
		Properties: from.At.NewObject(),
		Condition:  from.Condition,
		Disabled:   from.Disabled,
		Ignored:    true,
		Generated:  true,
	}
	stage := from.Properties.Get("StageName")
	if from.ID == implicitRestAPI {
		stage = from.At.NewText("Prod")
	}
	if stage != nil && (name == from.ID+".Stage" || name == from.ID+stage.Scalar()+"Stage") {
		implied.Properties = from.At.NewObject(template.With("Name", stage))
	}
	s.Add(implied)
}

// longestPrefix returns the source with the longest id that name starts with.
func longestPrefix(sources []*template.Resource, name string) *template.Resource {
	var from *template.Resource
	for _, res := range sources {
		if strings.HasPrefix(name, res.ID) && (from == nil || len(res.ID) > len(from.ID)) {
			from = res
		}
	}
	return from
}

// isPart reports whether the rest of a name after a source is the name of a
// part. Otherwise it is an attribute, or the source's id is only the beginning
// of a longer word.
func isPart(rest string) bool {
	return strings.HasPrefix(rest, ".") || !strings.Contains(rest, ".") && rest[0] >= 'A' && rest[0] <= 'Z'
}
