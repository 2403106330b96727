package expand

import (
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// applicationLocation names an application of the Serverless Application
// Repository.
var applicationLocation = shape.Object(shape.Props{
	"ApplicationId":   shape.Required(shape.String),
	"SemanticVersion": shape.Required(shape.String),
})

// Application expands AWS::Serverless::Application to a nested stack.
func Application(s *resource.Set, res *template.Resource, _ *template.Value) {
	p := res.Properties
	if location := p.Get("Location"); location.Is(template.Object) {
		shape.Check(s.Report, location, applicationLocation, "Location")
	}
	fields := template.Pick(p, "TemplateURL=Location", "Parameters", "NotificationARNs", "TimeoutInMinutes")
	if !p.Has("Location") { // a mistake that is reported
		fields = append(fields, template.With("TemplateURL", p.Derive(template.Unknown)))
	}
	res.Type = template.StackType
	res.Properties = p.NewObject(fields...)
}
