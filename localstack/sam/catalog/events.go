package catalog

import (
	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Rules and schedules run if their target is a function.
var eventTypes = []*resource.Type{
	{
		Name: "AWS::Events::Rule",
		Shape: shape.Object(shape.Props{
			"Description":        shape.String,
			"EventBusName":       shape.String,
			"EventPattern":       shape.Document,
			"Name":               shape.String,
			"RoleArn":            shape.String,
			"ScheduleExpression": shape.String,
			"State":              shape.Words("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
			"Tags":               shape.TagList,
			"Targets": shape.List(shape.Object(shape.Props{
				"AppSyncParameters":           shape.Any,
				"Arn":                         shape.Required(shape.String),
				"BatchParameters":             shape.Any,
				"DeadLetterConfig":            shape.Any,
				"EcsParameters":               shape.Any,
				"HttpParameters":              shape.Any,
				"Id":                          shape.Required(shape.String),
				"Input":                       shape.String,
				"InputPath":                   shape.String,
				"InputTransformer":            shape.Any,
				"KinesisParameters":           shape.Any,
				"RedshiftDataParameters":      shape.Any,
				"RetryPolicy":                 shape.Any,
				"RoleArn":                     shape.String,
				"RunCommandParameters":        shape.Any,
				"SageMakerPipelineParameters": shape.Any,
				"SqsParameters":               shape.Any,
			})),
		}),
		Naming: naming("Name", 64, `^[.\-_A-Za-z0-9]+$`),
		Identify: func(s *resource.Set, res *template.Resource) {
			res.Attributes = map[string]string{"Arn": s.ARN("events", "rule/"+res.Name)}
		},
		Build: build.Rules,
	},
	{
		Name: "AWS::Scheduler::Schedule",
		Shape: shape.Object(shape.Props{
			"Description": shape.String,
			"EndDate":     shape.String,
			"FlexibleTimeWindow": shape.Required(shape.Object(shape.Props{
				"MaximumWindowInMinutes": shape.Int,
				"Mode":                   shape.Required(shape.Words("OFF", "FLEXIBLE")),
			})),
			"GroupName":                  shape.String,
			"KmsKeyArn":                  shape.String,
			"Name":                       shape.String,
			"ScheduleExpression":         shape.Required(shape.String),
			"ScheduleExpressionTimezone": shape.String,
			"StartDate":                  shape.String,
			"State":                      shape.Words("ENABLED", "DISABLED"),
			"Target": shape.Required(shape.Object(shape.Props{
				"Arn":                         shape.Required(shape.String),
				"DeadLetterConfig":            shape.Any,
				"EcsParameters":               shape.Any,
				"EventBridgeParameters":       shape.Any,
				"Input":                       shape.String,
				"KinesisParameters":           shape.Any,
				"RetryPolicy":                 shape.Any,
				"RoleArn":                     shape.Required(shape.String),
				"SageMakerPipelineParameters": shape.Any,
				"SqsParameters":               shape.Any,
			})),
		}),
		Naming: naming("Name", 64, `^[0-9a-zA-Z-_.]+$`),
		Identify: func(s *resource.Set, res *template.Resource) {
			group := res.Properties.StrOr("GroupName", "default")
			res.Attributes = map[string]string{"Arn": s.ARN("scheduler", "schedule/"+group+"/"+res.Name)}
		},
		Build: build.Schedules,
	},
}
