package sam

import (
	"fmt"
	"strings"
)

// notedNames gives the property that names a resource which is passed over.
// Only that property is resolved, so a mistake elsewhere in it does not matter.
var notedNames = map[string]string{
	"AWS::CloudWatch::Alarm":           "AlarmName",
	"AWS::CloudWatch::Dashboard":       "DashboardName",
	"AWS::Logs::LogGroup":              "LogGroupName",
	"AWS::S3::Bucket":                  "BucketName",
	"AWS::SNS::Topic":                  "TopicName",
	"AWS::SQS::Queue":                  "QueueName",
	"AWS::SSM::Parameter":              "Name",
	"AWS::SecretsManager::Secret":      "Name",
	"AWS::Serverless::StateMachine":    "Name",
	"AWS::StepFunctions::StateMachine": "StateMachineName",
	"AWS::Lambda::Alias":               "Name",
	"AWS::Scheduler::ScheduleGroup":    "Name",
	"AWS::Serverless::LayerVersion":    "LayerName",
	"AWS::Lambda::LayerVersion":        "LayerName",
	"AWS::Events::EventBus":            "Name",
	"AWS::Serverless::Generated":       "Name", // see implied
}

// identifyNoted gives a resource that is passed over plausible values for Ref
// and GetAtt, of the form that the real ones have.
func (l *loader) identifyNoted(res *resource) {
	region := l.plan.Region
	res.name = physicalName(64, l.plan.StackName, res.id)
	if set := res.props.get(notedNames[res.typ]); set != nil {
		if v := l.eval(set, full); v.isScalar() {
			res.name = v.text
		}
	}
	service := "aws"
	if parts := strings.Split(res.typ, "::"); len(parts) > 2 {
		service = strings.ToLower(parts[1])
	}
	res.ref = res.name
	res.attrs = map[string]string{"Arn": l.arn(service, region,
		strings.ToLower(res.typ[strings.LastIndex(res.typ, ":")+1:])+"/"+res.name)}
	suffix := l.pseudo["AWS::URLSuffix"]
	switch res.typ {
	case "AWS::S3::Bucket":
		if !res.props.has("BucketName") {
			res.name = strings.ToLower(res.name)
		}
		res.ref = res.name
		res.attrs = map[string]string{
			"Arn":                fmt.Sprintf("arn:%s:s3:::%s", l.pseudo["AWS::Partition"], res.name),
			"DomainName":         res.name + ".s3." + suffix,
			"RegionalDomainName": fmt.Sprintf("%s.s3.%s.%s", res.name, region, suffix),
			"WebsiteURL":         fmt.Sprintf("http://%s.s3-website-%s.%s", res.name, region, suffix),
		}
	case "AWS::SQS::Queue":
		res.ref = fmt.Sprintf("https://sqs.%s.%s/%s/%s", region, suffix, l.plan.Account, res.name)
		res.attrs = map[string]string{"Arn": l.arn("sqs", region, res.name), "QueueName": res.name, "QueueUrl": res.ref}
	case "AWS::SNS::Topic":
		res.ref = l.arn("sns", region, res.name)
		res.attrs = map[string]string{"TopicArn": res.ref, "TopicName": res.name, "Arn": res.ref}
	case "AWS::Logs::LogGroup":
		res.attrs["Arn"] = l.arn("logs", region, "log-group:"+res.name+":*")
	case "AWS::CloudWatch::Alarm":
		res.attrs["Arn"] = l.arn("cloudwatch", region, "alarm:"+res.name)
	case "AWS::SecretsManager::Secret":
		res.ref = l.arn("secretsmanager", region, "secret:"+res.name)
		res.attrs = map[string]string{"Id": res.ref, "Arn": res.ref}
	case "AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine":
		res.ref = l.arn("states", region, "stateMachine:"+res.name)
		res.attrs = map[string]string{"Arn": res.ref, "Name": res.name}
	case "AWS::Lambda::LayerVersion", "AWS::Serverless::LayerVersion":
		res.ref = l.arn("lambda", region, "layer:"+res.name+":1")
		res.attrs = map[string]string{"LayerVersionArn": res.ref, "Arn": res.ref}
	case "AWS::Lambda::Alias", "AWS::Lambda::Version":
		l.identifyVersion(res)
	case "AWS::ApiGateway::RestApi", "AWS::Serverless::Api", "AWS::Serverless::HttpApi":
		res.ref = shortID(10, "api", l.plan.StackName, res.id)
		res.attrs = map[string]string{"RootResourceId": "root", "RestApiId": res.ref, "ApiId": res.ref,
			"ApiEndpoint": fmt.Sprintf("https://%s.execute-api.%s.%s", res.ref, region, suffix)}
	case "AWS::CloudFront::Distribution":
		res.ref = "E" + strings.ToUpper(shortID(13, "distribution", l.plan.StackName, res.id))
		res.attrs = map[string]string{"Id": res.ref,
			"DomainName": "d" + shortID(13, "domain", l.plan.StackName, res.id) + ".cloudfront.net"}
	}
}

// identifyVersion gives an alias or a version the ARN of its function with a
// qualifier. Locally a function has the one version 1.
func (l *loader) identifyVersion(res *resource) {
	qualifier := "1"
	if res.typ == "AWS::Lambda::Alias" {
		qualifier = res.name
	}
	name := ""
	if f := res.props.get("FunctionName"); f != nil {
		name = functionName(l.eval(f, full).scalar())
	}
	res.ref = l.arn("lambda", l.plan.Region, "function:"+name+":"+qualifier)
	res.attrs = map[string]string{"AliasArn": res.ref, "FunctionArn": res.ref, "Version": "1", "Arn": res.ref}
}
