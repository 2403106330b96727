package sam

import (
	"slices"
	"strconv"
	"strings"
)

// expandFunction turns AWS::Serverless::Function into the function, its role,
// its event invoke configuration, its version and alias, and its schedules,
// under the logical ids that SAM gives them (SAM generated resources).
func (l *loader) expandFunction(res *resource) {
	p := res.props
	fields := pick(p, "Architectures", "Code=CodeUri", "Description", "Environment", "EphemeralStorage",
		"FunctionName", "Handler",
		"KmsKeyArn", "MemorySize", "ReservedConcurrentExecutions", "Role", "Runtime", "Timeout",
		"PackageType", "Layers", "VpcConfig",
		"FileSystemConfigs", "SnapStart")
	if dlq := p.get("DeadLetterQueue"); dlq != nil {
		fields = append(fields, with("DeadLetterConfig", dlq.newObject(pick(dlq, "TargetArn")...)))
	}
	if c := p.get("InlineCode"); c != nil && !p.has("CodeUri") {
		l.fail(c, "inline code cannot run on a provided runtime", "use CodeUri with the folder of the code")
		fields = append(fields, with("Code", c.derive(unknown)))
	} else if !p.has("CodeUri") {
		fields = append(fields, with("Code", res.at.newText("."))) // as sam build takes it
	}
	if c := p.get("FunctionUrlConfig"); c != nil {
		l.note(c, res.id, "FunctionUrlConfig", "function URLs are not served locally")
		l.generate(res, res.id+"Url", "AWS::Lambda::Url")
	}
	if !p.has("Role") {
		role := l.expandRole(res)
		fields = append(fields, with("Role", res.at.newCall("Fn::GetAtt", res.at.newText(role.id+".Arn"))))
	}
	res.typ = "AWS::Lambda::Function"
	res.props = p.newObject(fields...)
	l.expandInvokeConfig(res, p.get("EventInvokeConfig"))
	l.expandAlias(res, p.get("AutoPublishAlias"))
	if events := p.get("Events"); events != nil && events.kind == object {
		for _, f := range events.fields {
			l.expandEvent(res, f)
		}
	}
}

// expandRole generates the execution role of a function without one.
func (l *loader) expandRole(res *resource) *resource {
	p, at := res.props, res.at
	role := l.generate(res, res.id+"Role", "AWS::IAM::Role", pick(p, "Path=RolePath", "PermissionsBoundary")...)
	service := "lambda.amazonaws.com"
	trust := at.newObject(with("Version", at.newText("2012-10-17")), with("Statement", at.newList(at.newObject(
		with("Effect", at.newText("Allow")), with("Action", at.newText("sts:AssumeRole")),
		with("Principal", at.newObject(with("Service", at.newText(service))))))))
	if own := p.get("AssumeRolePolicyDocument"); own != nil {
		trust = own
	}
	managed := []*value{at.newText(l.awsPolicy("service-role/AWSLambdaBasicExecutionRole"))}
	if p.str("Tracing") != "" && p.str("Tracing") != "Disabled" {
		managed = append(managed, at.newText(l.awsPolicy("AWSXRayDaemonWriteAccess")))
	}
	if p.has("VpcConfig") {
		managed = append(managed, at.newText(l.awsPolicy("service-role/AWSLambdaVPCAccessExecutionRole")))
	}
	for _, name := range pullPolicies(p.get("Events")) {
		managed = append(managed, at.newText(l.awsPolicy("service-role/"+name)))
	}
	var inline []*value
	policies := p.get("Policies")
	items := []*value{policies}
	if policies == nil {
		items = nil
	} else if policies.kind == list {
		items = policies.items
	}
	for i, item := range items {
		document := item
		switch {
		case item.kind == unknown:
			continue
		case item.kind == call:
			managed = append(managed, item)
			continue
		case item.isScalar():
			managed = append(managed, item.newText(l.managedARN(item.text)))
			continue
		case item.kind == object && item.has("Statement"):
		case item.kind == object && len(item.fields) == 1:
			if document = l.policyTemplate(item); document == nil {
				continue
			}
		default:
			l.fail(item, "is not a policy",
				"write a managed policy's name, a policy template or a map with a Statement")
			continue
		}
		inline = append(inline, item.newObject(
			with("PolicyName", item.newText(res.id+"RolePolicy"+strconv.Itoa(i))), with("PolicyDocument", document)))
	}
	inline = append(inline, destinationPolicies(res)...)
	role.props.fields = append(role.props.fields, with("AssumeRolePolicyDocument", trust),
		with("ManagedPolicyArns", at.newList(managed...)), with("Policies", at.newList(inline...)))
	return role
}

// awsPolicy is the ARN of one of AWS's own managed policies.
func (l *loader) awsPolicy(name string) string {
	return "arn:" + l.pseudo["AWS::Partition"] + ":iam::aws:policy/" + name
}

// serviceRolePolicies are those of AWS's managed policies for Lambda that lie
// below service-role/.
var serviceRolePolicies = []string{"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole",
	"AWSLambdaDynamoDBExecutionRole",
	"AWSLambdaKinesisExecutionRole", "AWSLambdaSQSQueueExecutionRole", "AWSLambdaMSKExecutionRole",
	"AWSLambdaENIManagementAccess", "AWSLambdaRole"}

// managedARN completes the name of a managed policy.
func (l *loader) managedARN(name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case slices.Contains(serviceRolePolicies, name):
		return l.awsPolicy("service-role/" + name)
	}
	return l.awsPolicy(name)
}

// pullPolicies are the managed policies that SAM gives the role of a function
// that Lambda polls a source for.
func pullPolicies(events *value) []string {
	if events == nil {
		return nil
	}
	policies := map[string]string{
		"DynamoDB": "AWSLambdaDynamoDBExecutionRole", "Kinesis": "AWSLambdaKinesisExecutionRole",
		"SQS": "AWSLambdaSQSQueueExecutionRole",
		"MSK": "AWSLambdaMSKExecutionRole",
	}
	var names []string
	for _, f := range events.fields {
		if name := policies[f.value.str("Type")]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// destinationPolicies lets the role write to the destinations of asynchronous
// invocations and of batches that are discarded, as SAM does.
func destinationPolicies(res *resource) []*value {
	actions := map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish",
		"Lambda": "lambda:InvokeFunction", "EventBridge": "events:PutEvents"}
	var out []*value
	allow := func(name string, d *value) {
		action, target := actions[d.str("Type")], d.get("Destination")
		if action == "" || target == nil {
			return
		}
		out = append(out, d.newObject(with("PolicyName", d.newText(name+"Policy")),
			with("PolicyDocument", d.newObject(with("Statement", d.newObject(
				with("Effect", d.newText("Allow")), with("Action", d.newText(action)), with("Resource", target)))))))
	}
	config := res.props.get("EventInvokeConfig").get("DestinationConfig")
	for _, side := range []string{"OnSuccess", "OnFailure"} {
		allow(res.id+"EventInvokeConfig"+side, config.get(side))
	}
	if events := res.props.get("Events"); events != nil {
		for _, f := range events.fields {
			allow(res.id+f.key, f.value.get("Properties").get("DestinationConfig").get("OnFailure"))
		}
	}
	return out
}

func (l *loader) expandInvokeConfig(res *resource, config *value) {
	if config == nil || config.kind != object {
		return
	}
	fields := append(pick(config, "MaximumEventAgeInSeconds", "MaximumRetryAttempts"),
		with("FunctionName", refTo(config, res.id)), with("Qualifier", config.newText("$LATEST")))
	if dc := config.get("DestinationConfig"); dc != nil && dc.kind == object {
		var sides []field
		for _, f := range dc.fields {
			if f.value.kind == object && !f.value.has("Destination") {
				l.note(f.value, res.id, "EventInvokeConfig",
					"a destination that SAM creates by itself does not exist locally")
				continue
			}
			sides = append(sides, with(f.key, f.value.newObject(pick(f.value, "Destination")...)))
		}
		fields = append(fields, with("DestinationConfig", dc.newObject(sides...)))
	}
	l.generate(res, res.id+"EventInvokeConfig", "AWS::Lambda::EventInvokeConfig", fields...)
}

// expandAlias names the alias and the version, so that references to them
// resolve.
func (l *loader) expandAlias(res *resource, alias *value) {
	if alias == nil || !alias.isScalar() {
		return
	}
	target := with("FunctionName", refTo(alias, res.id))
	version := l.generate(res, res.id+"Version", "AWS::Lambda::Version", target)
	named := l.generate(res, res.id+"Alias"+alias.text, "AWS::Lambda::Alias", target, with("Name", alias))
	res.parts = map[string]string{"Version": version.id, "Alias": named.id}
}

func refTo(at *value, id string) *value { return at.newCall("Ref", at.newText(id)) }
