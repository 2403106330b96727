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
	res.Type = template.StackType
	res.Properties = p.NewObject(template.Pick(p, "TemplateURL=Location", "Parameters", "NotificationARNs",
		"TimeoutInMinutes")...)
}
