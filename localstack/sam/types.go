package sam

import (
	_ "embed"
	"strings"
)

//go:embed services.txt
var servicesText string

// services maps the name of each CloudFormation service to all of its types
// where some run locally, and to nothing elsewhere.
var services = parseServices(servicesText)

func parseServices(text string) map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && words[0] != "#" {
			m[words[0]] = words[1:]
		}
	}
	return m
}

// typeProblem says what is wrong with a resource type, or nothing if it
// exists as far as this package can know.
func typeProblem(typ string) (problem, remedy string) {
	parts := strings.Split(typ, "::")
	if parts[0] == "Custom" && len(parts) == 2 {
		return "", ""
	}
	if len(parts) < 3 || parts[0] == "" {
		return "unknown resource type " + quote(typ), suggest(typ, sortedKeys(supported), "",
			"write a type such as AWS::DynamoDB::Table")
	}
	if parts[0] != "AWS" {
		return "", "" // the CloudFormation registry: Organisation::Service::Resource
	}
	rest := strings.Join(parts[2:], "::")
	types, ok := services[parts[1]]
	if !ok {
		best := nearest(parts[1], sortedKeys(services))
		if best == "" {
			return "unknown resource type " + quote(typ), "correct the type"
		}
		return "unknown resource type " + quote(typ), "did you mean AWS::" + best + "::" + rest + "?"
	}
	if len(types) == 0 {
		return "", ""
	}
	for _, t := range types {
		if t == rest {
			return "", ""
		}
	}
	return "unknown resource type " + quote(typ), suggest(rest, types, "AWS::"+parts[1]+"::", "correct the type")
}

// noteReason says why a resource of that type is passed over.
func noteReason(typ string) string {
	if r, ok := noteReasons[typ]; ok {
		return r
	}
	switch {
	case strings.HasPrefix(typ, "Custom::"), typ == "AWS::CloudFormation::CustomResource":
		return "custom resources are not run locally"
	case !strings.HasPrefix(typ, "AWS::"):
		return "extensions from the CloudFormation registry are not run locally"
	}
	for _, prefix := range meaningless {
		if strings.HasPrefix(typ, prefix) {
			return "has no local meaning"
		}
	}
	return "is not run locally"
}

// meaningless are services whose absence changes nothing for a function.
var meaningless = []string{"AWS::Budgets::", "AWS::CloudWatch::", "AWS::CodeDeploy::", "AWS::Logs::",
	"AWS::ApiGateway::Account",
	"AWS::ApplicationInsights::", "AWS::ResourceGroups::", "AWS::Synthetics::", "AWS::XRay::",
	"AWS::CloudFormation::WaitCondition"}

// noteReasons are for types whose absence a user may stumble over.
var noteReasons = map[string]string{
	"AWS::Serverless::Api":          "REST APIs are not run locally; WebSocket APIs are",
	"AWS::Serverless::HttpApi":      "HTTP APIs are not run locally; WebSocket APIs are",
	"AWS::Serverless::StateMachine": "state machines are not run locally",
	"AWS::Serverless::LayerVersion": "layers are not mounted locally",
	"AWS::Serverless::Application":  "nested applications are not run locally",
	"AWS::CloudFormation::Stack":    "nested stacks are not run locally",
	"AWS::Lambda::LayerVersion":     "layers are not mounted locally",
	"AWS::Lambda::Url":              "function URLs are not served locally",
	"AWS::Lambda::Alias":            "an alias runs the function's only version locally",
	"AWS::Lambda::Version":          "a function has one version locally",
	"AWS::KMS::ReplicaKey":          "replica keys are not kept locally",
}
