package sam

import "slices"

// eventTypes are the sources of SAM's function events.
var eventTypes = []string{"AlexaSkill", "Api", "CloudWatchEvent", "CloudWatchLogs", "Cognito",
	"DocumentDB", "DynamoDB", "EventBridgeRule",
	"HttpApi", "IoTRule", "Kinesis", "MQ", "MSK", "S3", "SNS", "SQS", "Schedule", "ScheduleV2", "SelfManagedKafka"}

// expandEvent generates the schedule of a Schedule or ScheduleV2 event and
// notes every other one.
func (l *loader) expandEvent(res *resource, f field) {
	e := f.value
	id := res.id + f.key
	p := e.get("Properties")
	if p == nil || p.kind == unknown {
		p = e.newObject()
	}
	switch typ := e.str("Type"); typ {
	case "Schedule":
		l.check(p, samScheduleEvent, "a Schedule event")
		if p.kind == object {
			l.expandRule(res, id, p)
		}
	case "ScheduleV2":
		l.check(p, samScheduleV2Event, "a ScheduleV2 event")
		if p.kind == object {
			l.expandSchedule(res, id, f.key, p)
		}
	case "DynamoDB":
		l.check(p, samDynamoDBEvent, "a DynamoDB event")
		if p.kind == object {
			l.expandSource(res, id, p)
		}
	case "Api", "HttpApi":
		// The API that SAM makes when an event names none has a fixed logical
		// id.
		implicit := map[string]string{"Api": "ServerlessRestApi", "HttpApi": "ServerlessHttpApi"}[typ]
		if !p.has("RestApiId") && !p.has("ApiId") && l.resources[implicit] == nil {
			l.generate(res, implicit, "AWS::Serverless::"+typ)
		}
		l.httpEvents = append(l.httpEvents, httpEvent{function: res.id, name: f.key, typ: typ, at: e})
	default:
		if e.kind != object || !e.get("Type").known() {
			return // reported by the check of the function
		}
		if !slices.Contains(eventTypes, typ) {
			l.fail(e.get("Type"), "unknown event type "+quote(typ),
				suggest(typ, eventTypes, "", "use DynamoDB, Schedule or ScheduleV2"))
			return
		}
		l.note(e, res.id, typ, "the event "+f.key+" is not delivered locally")
		if l.resources[id] == nil { // for what refers to what SAM makes of it
			l.generate(res, id, "AWS::Serverless::"+typ+"Event")
		}
	}
}

// httpEvent is an event from a REST or HTTP API, which nothing delivers here.
type httpEvent struct {
	function, name, typ string
	at                  *value
}

// unreached notes the events from HTTP and REST APIs. A function that has only
// those, in a template without a WebSocket API, is refused: it would never run.
func (l *loader) unreached() {
	triggered := map[string]bool{}
	for _, s := range l.plan.Schedules {
		triggered[s.FunctionLogicalID] = true
	}
	for _, s := range l.plan.EventSources {
		triggered[s.FunctionLogicalID] = true
	}
	for _, e := range l.httpEvents {
		if len(l.plan.APIs) > 0 || triggered[e.function] {
			l.note(e.at, e.function, e.typ,
				"the event "+e.name+" is not delivered locally: only WebSocket APIs are run")
			continue
		}
		l.fail(e.at, "HTTP and REST APIs are not run locally, and nothing else calls the function",
			"run a template with a WebSocket API")
	}
}

// known says whether v is there and resolved to a scalar.
func (v *value) known() bool { return v != nil && v.isScalar() }

// expandRule makes the EventBridge rule behind a Schedule event.
func (l *loader) expandRule(res *resource, id string, p *value) {
	target := append(pick(p, "Input", "DeadLetterConfig", "RetryPolicy", "RoleArn"),
		with("Id", p.newText(id+"LambdaTarget")), with("Arn", invokedARN(p, res)))
	fields := append(pick(p, "ScheduleExpression=Schedule", "Name", "Description", "State"),
		with("Targets", p.newList(p.newObject(target...))))
	if on, ok := p.get("Enabled").asBool(); ok && !p.has("State") {
		fields = append(fields, with("State", p.get("Enabled").newText(map[bool]string{
			true:  "ENABLED",
			false: "DISABLED",
		}[on])))
	}
	l.generate(res, id, "AWS::Events::Rule", fields...)
	l.generate(res, id+"Permission", "AWS::Lambda::Permission",
		with("Action", p.newText("lambda:InvokeFunction")), with("FunctionName", invokedBy(p, res)),
		with("Principal", p.newText("events.amazonaws.com")), with("SourceArn", arnOf(p, id)))
}

// expandSchedule makes the EventBridge Scheduler schedule behind a ScheduleV2
// event, and the role it invokes the function with.
func (l *loader) expandSchedule(res *resource, id, name string, p *value) {
	fields := pick(p, "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "EndDate",
		"Description", "State", "GroupName",
		"KmsKeyArn", "FlexibleTimeWindow", "Name")
	if !p.has("FlexibleTimeWindow") {
		fields = append(fields, with("FlexibleTimeWindow", p.newObject(with("Mode", p.newText("OFF")))))
	}
	if omit, _ := p.get("OmitName").asBool(); !omit && !p.has("Name") {
		fields = append(fields, with("Name", p.newText(id)))
	}
	target := append(pick(p, "Input", "DeadLetterConfig", "RetryPolicy", "RoleArn"), with("Arn", invokedARN(p, res)))
	if !p.has("RoleArn") {
		allow := func(action string, more field) *value {
			return p.newObject(with("Statement",
				p.newObject(with("Effect", p.newText("Allow")), with("Action", p.newText(action)), more)))
		}
		role := l.generate(res, id+"Role", "AWS::IAM::Role",
			with("AssumeRolePolicyDocument",
				allow("sts:AssumeRole",
					with("Principal", p.newObject(with("Service", p.newText("scheduler.amazonaws.com")))))),
			with("Policies", p.newList(p.newObject(with("PolicyName", p.newText(id+"LambdaPolicy")),
				with("PolicyDocument", allow("lambda:InvokeFunction", with("Resource", invokedARN(p, res))))))))
		target = append(target, with("RoleArn", arnOf(p, role.id)))
	}
	fields = append(fields, with("Target", p.newObject(target...)))
	l.generate(res, id, "AWS::Scheduler::Schedule", fields...)
}

// expandSource makes the event source mapping behind a DynamoDB event.
func (l *loader) expandSource(res *resource, id string, p *value) {
	fields := pick(p, "EventSourceArn=Stream", "BatchSize", "BisectBatchOnFunctionError", "Enabled",
		"FilterCriteria", "FunctionResponseTypes",
		"KmsKeyArn", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts",
		"ParallelizationFactor",
		"StartingPosition", "StartingPositionTimestamp", "TumblingWindowInSeconds")
	if d := p.get("DestinationConfig"); d != nil {
		// Type is there for SAM alone, to choose the policy of the role.
		fields = append(fields, with("DestinationConfig",
			d.newObject(with("OnFailure", d.newObject(pick(d.get("OnFailure"), "Destination")...)))))
	}
	l.generate(res, id, "AWS::Lambda::EventSourceMapping", append(fields, with("FunctionName", invokedBy(p, res)))...)
}

// invokedBy refers to what an event invokes: the function, or the alias that
// SAM publishes it under.
func invokedBy(at *value, res *resource) *value {
	return refTo(at, first(res.parts["Alias"], res.id))
}

// invokedARN is invokedBy as an ARN, which is what Ref gives for an alias.
func invokedARN(at *value, res *resource) *value {
	if alias := res.parts["Alias"]; alias != "" {
		return refTo(at, alias)
	}
	return arnOf(at, res.id)
}

func arnOf(at *value, id string) *value { return at.newCall("Fn::GetAtt", at.newText(id+".Arn")) }
