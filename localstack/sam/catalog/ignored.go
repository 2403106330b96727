package catalog

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const layersReason = "layers are not mounted locally"

// ignored describes the types without effect whose name, reason or attributes a
// user may notice. Every other type that exists gets a general description.
var ignored = map[string]*resource.Ignored{
	"AWS::CloudWatch::Alarm":     {Name: "AlarmName", Identify: arnOf("cloudwatch", "alarm:", "")},
	"AWS::CloudWatch::Dashboard": {Name: "DashboardName"},
	"AWS::Logs::LogGroup":        {Name: "LogGroupName", Identify: arnOf("logs", "log-group:", ":*")},
	"AWS::SSM::Parameter":        {Name: "Name"},
	"AWS::Events::EventBus":      {Name: "Name", Identify: arnOf("events", "event-bus/", "")},

	"AWS::Scheduler::ScheduleGroup": {Name: "Name", Identify: arnOf("scheduler", "schedule-group/", "")},

	"AWS::S3::Bucket":             {Name: "BucketName", Identify: identifyBucket},
	"AWS::SNS::Topic":             {Name: "TopicName", Identify: identifyTopic},
	"AWS::SQS::Queue":             {Name: "QueueName", Identify: identifyQueue},
	"AWS::Kinesis::Stream":        {Name: "Name", Identify: arnOf("kinesis", "stream/", "")},
	"AWS::ECR::Repository":        {Name: "RepositoryName", Identify: identifyRepository},
	"AWS::CodeBuild::Project":     {Name: "Name", Identify: arnOf("codebuild", "project/", "")},
	"AWS::SecretsManager::Secret": {Name: "Name", Identify: identifySecret},

	"AWS::KinesisFirehose::DeliveryStream": {
		Name:     "DeliveryStreamName",
		Identify: arnOf("firehose", "deliverystream/", ""),
	},

	"AWS::StepFunctions::StateMachine": {Name: "StateMachineName", Identify: identifyStateMachine},
	"AWS::Serverless::StateMachine": {
		Name:      "Name",
		Reason:    "state machines are not run locally",
		Generates: true,
		Identify:  identifyStateMachine,
	},

	"AWS::Serverless::Api": {
		Reason:    "REST APIs are not run locally; WebSocket APIs are",
		Generates: true,
		Identify:  identifyOtherAPI,
	},
	"AWS::Serverless::HttpApi": {
		Reason:    "HTTP APIs are not run locally; WebSocket APIs are",
		Generates: true,
		Identify:  identifyOtherAPI,
	},
	"AWS::ApiGateway::RestApi":    {Identify: identifyOtherAPI},
	"AWS::Serverless::GraphQLApi": {Generates: true},

	"AWS::CloudFormation::CustomResource": {Reason: "custom resources are not run locally"},

	"AWS::Serverless::LayerVersion": {
		Name:      "LayerName",
		Reason:    layersReason,
		Generates: true,
		Identify:  identifyLayer,
	},
	"AWS::Lambda::LayerVersion": {Name: "LayerName", Reason: layersReason, Identify: identifyLayer},
	"AWS::Lambda::Url": {
		Uses:     "TargetFunctionArn",
		Reason:   "function URLs are not served locally",
		Identify: identifyURL,
	},
	"AWS::Lambda::Alias": {
		Name:     "Name",
		Uses:     "FunctionName",
		Reason:   "an alias runs the function's only version locally",
		Identify: identifyAlias,
	},
	"AWS::Lambda::Version": {
		Uses:     "FunctionName",
		Reason:   "a function has one version locally",
		Identify: identifyVersion,
	},

	"AWS::KMS::ReplicaKey": {Reason: "replica keys are not kept locally"},

	expand.ImpliedType: {Name: "Name", Identify: identifyImplied},
}

// arnOf returns an Identify that sets Arn to that of the service, with the name
// between prefix and suffix.
func arnOf(service, prefix, suffix string) func(*resource.Set, *template.Resource) {
	return func(s *resource.Set, res *template.Resource) {
		res.Attributes["Arn"] = s.ARN(service, prefix+res.Name+suffix)
	}
}

func identifyBucket(s *resource.Set, res *template.Resource) {
	if !res.Properties.Has("BucketName") {
		res.Name = strings.ToLower(res.Name)
	}
	res.Ref = res.Name
	res.Attributes = map[string]string{
		"Arn":                awsname.PartitionARN(s.Partition(), "s3", "", "", res.Name),
		"DomainName":         res.Name + ".s3." + awsname.DNSSuffix(s.Plan.Region),
		"RegionalDomainName": s.Host(res.Name + ".s3"),
		"WebsiteURL": "http://" + res.Name + ".s3-website-" + s.Plan.Region + "." +
			awsname.DNSSuffix(s.Plan.Region),
	}
}

func identifyTopic(s *resource.Set, res *template.Resource) {
	res.Ref = s.ARN("sns", res.Name)
	res.Attributes["TopicArn"], res.Attributes["TopicName"] = res.Ref, res.Name
}

func identifyQueue(s *resource.Set, res *template.Resource) {
	res.Ref = "https://" + s.Host("sqs") + "/" + s.Plan.Account + "/" + res.Name
	res.Attributes = map[string]string{"Arn": s.ARN("sqs", res.Name), "QueueName": res.Name, "QueueUrl": res.Ref}
}

// identifySecret sets no ARN: Secrets Manager adds six random characters to the
// name (Secrets Manager API reference, CreateSecret).
func identifySecret(s *resource.Set, res *template.Resource) {
	res.Ref = s.ARN("secretsmanager", "secret:"+res.Name+"-"+s.Eval.Placeholder(res, ""))
	res.Attributes["Id"], res.Attributes["Arn"] = res.Ref, res.Ref
}

func identifyRepository(s *resource.Set, res *template.Resource) {
	if !res.Properties.Has("RepositoryName") {
		res.Name = strings.ToLower(res.Name)
	}
	res.Ref = res.Name
	res.Attributes["Arn"] = s.ARN("ecr", "repository/"+res.Name)
	res.Attributes["RepositoryUri"] = s.Plan.Account + ".dkr." + s.Host("ecr") + "/" + res.Name
}

// identifyURL sets the function. Lambda draws the host of the URL.
func identifyURL(s *resource.Set, res *template.Resource) {
	arn := s.EvalProperty(res, "TargetFunctionArn")
	if arn != "" && !strings.HasPrefix(arn, "arn:") {
		arn = s.ARN("lambda", "function:"+arn)
	}
	if arn != "" {
		res.Ref = arn
		res.Attributes["FunctionArn"] = arn
	}
}

// identifyImplied leaves Ref of everything but a named stage open: AWS draws
// the ids of deployments, for example.
func identifyImplied(_ *resource.Set, res *template.Resource) {
	if !res.Properties.Has("Name") {
		res.Ref = ""
	}
}

func identifyStateMachine(s *resource.Set, res *template.Resource) {
	res.Ref = s.ARN("states", "stateMachine:"+res.Name)
	res.Attributes = map[string]string{"Arn": res.Ref, "Name": res.Name}
}

func identifyLayer(s *resource.Set, res *template.Resource) {
	res.Ref = s.ARN("lambda", "layer:"+res.Name+":1")
	res.Attributes = map[string]string{"LayerVersionArn": res.Ref, "Arn": res.Ref}
}

func identifyAlias(s *resource.Set, res *template.Resource) { qualify(s, res, res.Name) }

func identifyVersion(s *resource.Set, res *template.Resource) { qualify(s, res, "1") }

// qualify gives an alias or version the ARN of its function with a qualifier.
// Locally, a function has only the version 1.
func qualify(s *resource.Set, res *template.Resource, qualifier string) {
	name := awsname.FunctionName(s.EvalProperty(res, "FunctionName"))
	res.Ref = s.ARN("lambda", "function:"+name+":"+qualifier)
	res.Attributes = map[string]string{"AliasArn": res.Ref, "FunctionArn": res.Ref, "Version": "1", "Arn": res.Ref}
}
