package expand

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// role generates the execution role of a function without a Role.
func role(s *resource.Set, res *template.Resource) *template.Resource {
	p, at := res.Properties, res.At
	g := s.Generate(res, res.ID+"Role", "AWS::IAM::Role", template.Pick(p, "Path=RolePath", "PermissionsBoundary")...)
	trust := p.Get("AssumeRolePolicyDocument")
	if trust == nil {
		trust = at.NewObject(template.With("Version", at.NewText("2012-10-17")),
			template.With("Statement", at.NewList(allow(at, "sts:AssumeRole",
				template.With("Principal",
					at.NewObject(template.With("Service", at.NewText("lambda.amazonaws.com"))))))))
	}
	managed := at.NewTexts(basePolicies(s, p)...).Items
	var inline []*template.Value
	for i, item := range p.Get("Policies").OneOrMore() {
		policy, document := policyOf(s, item)
		if policy != nil {
			managed = append(managed, policy)
		}
		if document != nil {
			inline = append(inline, namedPolicy(item, res.ID+"RolePolicy"+strconv.Itoa(i), document))
		}
	}
	inline = append(inline, destinationPolicies(res)...)
	g.Properties.Fields = append(g.Properties.Fields, template.With("AssumeRolePolicyDocument", trust),
		template.With("ManagedPolicyArns", at.NewList(managed...)), template.With("Policies", at.NewList(inline...)))
	return g
}

// allow returns a statement that allows an action, with one more field.
func allow(at *template.Value, action string, more template.Field) *template.Value {
	return at.NewObject(template.With("Effect", at.NewText("Allow")), template.With("Action", at.NewText(action)), more)
}

// namedPolicy returns an inline policy of a role.
func namedPolicy(at *template.Value, name string, document *template.Value) *template.Value {
	return at.NewObject(template.With("PolicyName", at.NewText(name)), template.With("PolicyDocument", document))
}

// basePolicies returns the ARNs of the managed policies that SAM gives the role
// of a function with properties p.
func basePolicies(s *resource.Set, p *template.Value) []string {
	arns := []string{awsPolicy(s, "service-role/AWSLambdaBasicExecutionRole")}
	if p.Str("Tracing") != "" && p.Str("Tracing") != "Disabled" {
		arns = append(arns, awsPolicy(s, "AWSXRayDaemonWriteAccess"))
	}
	if p.Has("VpcConfig") {
		arns = append(arns, awsPolicy(s, "service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	for _, name := range pollPolicies(p.Get("Events")) {
		arns = append(arns, awsPolicy(s, "service-role/"+name))
	}
	return arns
}

// policyOf reads an item of Policies. It is the ARN of a managed policy, or an
// inline document, or neither after a mistake.
func policyOf(s *resource.Set, item *template.Value) (managed, document *template.Value) {
	switch {
	case item.Kind == template.Unknown:
		return nil, nil
	case item.Kind == template.Call:
		return item, nil
	case item.IsScalar():
		return item.NewText(managedARN(s, item.Text)), nil
	case item.Has("Statement"):
		return nil, item
	case item.Kind == template.Object && len(item.Fields) == 1:
		return nil, policyTemplate(s, item)
	}
	s.Fail(item, "is not a policy", "write a managed policy's name, a policy template or a map with a Statement")
	return nil, nil
}

// awsPolicy returns the ARN of one of AWS's own managed policies.
func awsPolicy(s *resource.Set, name string) string {
	return "arn:" + s.Partition() + ":iam::aws:policy/" + name
}

// serviceRolePolicies are AWS's managed policies for Lambda with the path
// service-role/.
var serviceRolePolicies = []string{"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole",
	"AWSLambdaDynamoDBExecutionRole", "AWSLambdaKinesisExecutionRole", "AWSLambdaSQSQueueExecutionRole",
	"AWSLambdaMSKExecutionRole", "AWSLambdaENIManagementAccess", "AWSLambdaRole"}

// managedARN completes the name of a managed policy.
func managedARN(s *resource.Set, name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case slices.Contains(serviceRolePolicies, name):
		return awsPolicy(s, "service-role/"+name)
	}
	return awsPolicy(s, name)
}

// pollPolicyNames are the managed policies for the sources that Lambda polls.
var pollPolicyNames = map[string]string{
	"DynamoDB": "AWSLambdaDynamoDBExecutionRole",
	"Kinesis":  "AWSLambdaKinesisExecutionRole",
	"SQS":      "AWSLambdaSQSQueueExecutionRole",
	"MSK":      "AWSLambdaMSKExecutionRole",
}

// pollPolicies returns the managed policies that the events of a function need,
// each once.
func pollPolicies(events *template.Value) []string {
	var names []string
	for _, f := range events.Entries() {
		if name := pollPolicyNames[f.Value.Str("Type")]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// destinationActions are the actions that write to a destination.
var destinationActions = map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish",
	"Lambda": "lambda:InvokeFunction", "EventBridge": "events:PutEvents"}

// destinationPolicies returns the inline policies for the destinations of
// asynchronous invocations and of discarded batches.
func destinationPolicies(res *template.Resource) []*template.Value {
	var out []*template.Value
	add := func(name string, d *template.Value) {
		action, target := destinationActions[d.Str("Type")], d.Get("Destination")
		if action == "" || target == nil {
			return
		}
		out = append(out, namedPolicy(d, name+"Policy",
			d.NewObject(template.With("Statement", allow(d, action, template.With("Resource", target))))))
	}
	config := res.Properties.Get("EventInvokeConfig").Get("DestinationConfig")
	for _, side := range []string{"OnSuccess", "OnFailure"} {
		add(res.ID+"EventInvokeConfig"+side, config.Get(side))
	}
	for _, f := range res.Properties.Get("Events").Entries() {
		add(res.ID+f.Key, f.Value.Get("Properties").Get("DestinationConfig").Get("OnFailure"))
	}
	return out
}
