package catalog

import (
	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// The resources of a nested stack are built with those of the outer one.
var nestedTypes = []*resource.Type{
	{
		Name: "AWS::Serverless::Application",
		Shape: shape.Object(shape.Props{
			"Location":         shape.Required(shape.Any),
			"NotificationARNs": shape.StringList,
			"Parameters":       shape.StringMap,
			"Tags":             shape.StringMap,
			"TimeoutInMinutes": shape.Int,
		}),
		Expand: expand.Application,
	},
	{
		Name: template.StackType,
		Shape: shape.Object(shape.Props{
			"NotificationARNs": shape.StringList,
			"Parameters":       shape.StringMap,
			"Tags":             shape.TagList,
			"TemplateURL":      shape.Required(shape.Any),
			"TimeoutInMinutes": shape.Int,
		}),
		Needs:    []string{"TemplateURL"},
		Identify: func(s *resource.Set, res *template.Resource) { s.Nest(res) },
		Build:    build.NestedStacks,
	},
}
