package expand

import (
	"slices"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// eventTypes are the types of a function's events.
var eventTypes = []string{"AlexaSkill", "Api", "CloudWatchEvent", "CloudWatchLogs", "Cognito", "DocumentDB",
	"DynamoDB", "EventBridgeRule", "HttpApi", "IoTRule", "Kinesis", "MQ", "MSK", "S3", "SNS", "SQS", "Schedule",
	"ScheduleV2", "SelfManagedKafka"}

// eventKind is a type of event that runs locally.
type eventKind struct {
	shape  *shape.Shape
	expand func(s *resource.Set, res *template.Resource, name string, p *template.Value)
}

// eventKinds are the types of events that run locally (SAM specification,
// EventSource).
var eventKinds = map[string]eventKind{
	"Schedule": {
		shape: shape.Object(shape.Props{
			"Schedule":         shape.Required(shape.String),
			"Name":             shape.String,
			"Description":      shape.String,
			"Enabled":          shape.Bool,
			"State":            shape.Words("ENABLED", "DISABLED"),
			"Input":            shape.String,
			"DeadLetterConfig": shape.Any,
			"RetryPolicy":      shape.Any,
			"RoleArn":          shape.String,
		}),
		expand: rule,
	},
	"ScheduleV2": {
		shape: shape.Object(shape.Props{
			"ScheduleExpression":         shape.Required(shape.String),
			"ScheduleExpressionTimezone": shape.String,
			"StartDate":                  shape.String,
			"EndDate":                    shape.String,
			"Name":                       shape.String,
			"OmitName":                   shape.Bool,
			"Description":                shape.String,
			"State":                      shape.Words("ENABLED", "DISABLED"),
			"Input":                      shape.String,
			"GroupName":                  shape.String,
			"KmsKeyArn":                  shape.String,
			"FlexibleTimeWindow":         shape.Any,
			"DeadLetterConfig":           shape.Any,
			"RetryPolicy":                shape.Any,
			"RoleArn":                    shape.String,
			"PermissionsBoundary":        shape.String,
		}),
		expand: schedule,
	},
	"DynamoDB": {
		shape: shape.Object(SourceSettings.And(shape.Props{
			"Stream":           shape.Required(shape.String),
			"StartingPosition": shape.Required(startingPosition),
		})),
		expand: source,
	},
}

var startingPosition = shape.Words("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")

// SourceSettings are the properties that an event source mapping and SAM's
// event of type DynamoDB share (API reference, CreateEventSourceMapping).
var SourceSettings = shape.Props{
	"BatchSize":                  shape.Between(1, 10000),
	"BisectBatchOnFunctionError": shape.Bool,
	"DestinationConfig":          shape.Any,
	"Enabled":                    shape.Bool,
	"FilterCriteria": shape.Object(shape.Props{
		"Filters": shape.List(shape.Object(shape.Props{"Pattern": shape.String})),
	}),
	"FunctionResponseTypes":          shape.List(shape.Words("ReportBatchItemFailures")),
	"KmsKeyArn":                      shape.String,
	"LoggingConfig":                  shape.Any,
	"MaximumBatchingWindowInSeconds": shape.Int,
	"MaximumRecordAgeInSeconds":      shape.Int,
	"MaximumRetryAttempts":           shape.Int,
	"MetricsConfig":                  shape.Any,
	"ParallelizationFactor":          shape.Between(1, 10),
	"ProvisionedPollerConfig":        shape.Any,
	"ScalingConfig":                  shape.Any,
	"StartingPosition":               startingPosition,
	"StartingPositionTimestamp":      shape.Float,
	"TumblingWindowInSeconds":        shape.Int,
}

// event expands one event of a function. An event that does not run locally is
// noted.
func event(s *resource.Set, res *template.Resource, f template.Field) {
	e := f.Value
	typ := e.Str("Type")
	p := e.Get("Properties")
	if !p.IsPresent() {
		p = e.NewObject()
	}
	if kind, ok := eventKinds[typ]; ok {
		shape.Check(s.Report, p, kind.shape, "a "+typ+" event")
		if p.Kind == template.Object {
			kind.expand(s, res, f.Key, p)
		}
		return
	}
	switch {
	case typ == "Api" || typ == "HttpApi":
		httpEvent(s, res, f, typ, p)
	case e.Kind != template.Object || !e.Get("Type").Known():
		// reported by the check of the function
	case !slices.Contains(eventTypes, typ):
		s.Fail(e.Get("Type"), "unknown event type "+template.Quote(typ),
			template.Suggest(typ, eventTypes, "", "use DynamoDB, Schedule or ScheduleV2"))
	default:
		s.Note(e, s.LogicalID(res), typ, "the event "+f.Key+" is not delivered locally")
		if id := res.ID + f.Key; s.Find(id) == nil { // for references to what SAM generates
			s.Generate(res, id, "AWS::Serverless::"+typ+"Event")
		}
	}
}

// httpEvent remembers an event from a REST or HTTP API. An event that names no
// API makes SAM generate one with a fixed logical id.
func httpEvent(s *resource.Set, res *template.Resource, f template.Field, typ string, p *template.Value) {
	implicit := map[string]string{"Api": "ServerlessRestApi", "HttpApi": "ServerlessHttpApi"}[typ]
	if !p.Has("RestApiId") && !p.Has("ApiId") && s.Find(implicit) == nil {
		s.Generate(res, implicit, "AWS::Serverless::"+typ)
	}
	s.HTTPEvents = append(s.HTTPEvents, resource.HTTPEvent{
		Function: s.Stack.LogicalID(res.ID),
		Name:     f.Key,
		Type:     typ,
		At:       f.Value,
	})
}

// rule generates the EventBridge rule of a Schedule event.
func rule(s *resource.Set, res *template.Resource, name string, p *template.Value) {
	id := res.ID + name
	target := append(template.Pick(p, "Input", "DeadLetterConfig", "RetryPolicy", "RoleArn"),
		template.With("Id", p.NewText(id+"LambdaTarget")), template.With("Arn", invokedARN(p, res)))
	fields := append(template.Pick(p, "ScheduleExpression=Schedule", "Name", "Description", "State"),
		template.With("Targets", p.NewList(p.NewObject(target...))))
	if enabled, ok := p.Get("Enabled").Bool(); ok && !p.Has("State") {
		state := "DISABLED"
		if enabled {
			state = "ENABLED"
		}
		fields = append(fields, template.With("State", p.Get("Enabled").NewText(state)))
	}
	s.Generate(res, id, "AWS::Events::Rule", fields...)
	permission(s, res, id+"Permission", invokedBy(p, res), "events.amazonaws.com", p.NewARN(id))
}

// schedule generates the EventBridge Scheduler schedule of a ScheduleV2 event,
// and the role that it invokes the function with.
func schedule(s *resource.Set, res *template.Resource, name string, p *template.Value) {
	id := res.ID + name
	fields := template.Pick(p, "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "EndDate",
		"Description", "State", "GroupName", "KmsKeyArn", "FlexibleTimeWindow", "Name")
	if !p.Has("FlexibleTimeWindow") {
		fields = append(fields,
			template.With("FlexibleTimeWindow", p.NewObject(template.With("Mode", p.NewText("OFF")))))
	}
	if omit, _ := p.Get("OmitName").Bool(); !omit && !p.Has("Name") {
		fields = append(fields, template.With("Name", p.NewText(id)))
	}
	target := append(template.Pick(p, "Input", "DeadLetterConfig", "RetryPolicy", "RoleArn"),
		template.With("Arn", invokedARN(p, res)))
	if !p.Has("RoleArn") {
		target = append(target, template.With("RoleArn", p.NewARN(scheduleRole(s, res, id, p).ID)))
	}
	fields = append(fields, template.With("Target", p.NewObject(target...)))
	s.Generate(res, id, "AWS::Scheduler::Schedule", fields...)
}

// scheduleRole generates the role of a ScheduleV2 event.
func scheduleRole(s *resource.Set, res *template.Resource, id string, p *template.Value) *template.Resource {
	document := func(action string, more template.Field) *template.Value {
		return p.NewObject(template.With("Statement", allow(p, action, more)))
	}
	service := p.NewObject(template.With("Service", p.NewText("scheduler.amazonaws.com")))
	return s.Generate(res, id+"Role", "AWS::IAM::Role",
		template.With("AssumeRolePolicyDocument", document("sts:AssumeRole", template.With("Principal", service))),
		template.With("Policies", p.NewList(namedPolicy(p, id+"LambdaPolicy",
			document("lambda:InvokeFunction", template.With("Resource", invokedARN(p, res)))))))
}

// source generates the event source mapping of a DynamoDB event.
func source(s *resource.Set, res *template.Resource, name string, p *template.Value) {
	fields := template.Pick(p, "EventSourceArn=Stream", "BatchSize", "BisectBatchOnFunctionError", "Enabled",
		"FilterCriteria", "FunctionResponseTypes", "KmsKeyArn", "MaximumBatchingWindowInSeconds",
		"MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "ParallelizationFactor", "StartingPosition",
		"StartingPositionTimestamp", "TumblingWindowInSeconds")
	if d := p.Get("DestinationConfig"); d != nil {
		// Only SAM has Type; it selects the policy of the role.
		onFailure := d.NewObject(template.Pick(d.Get("OnFailure"), "Destination")...)
		fields = append(fields, template.With("DestinationConfig", d.NewObject(template.With("OnFailure", onFailure))))
	}
	fields = append(fields, template.With("FunctionName", invokedBy(p, res)))
	s.Generate(res, res.ID+name, "AWS::Lambda::EventSourceMapping", fields...)
}
