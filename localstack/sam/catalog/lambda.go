package catalog

import (
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// A SAM function becomes a Function and what its events, role and alias need.
var lambdaTypes = []*resource.Type{
	{
		Name: "AWS::Serverless::Function",
		Shape: shape.Object(shape.Props{
			"Architectures":                 architectures,
			"AssumeRolePolicyDocument":      shape.Document,
			"AutoPublishAlias":              shape.String,
			"AutoPublishAliasAllProperties": shape.Bool,
			"AutoPublishCodeSha256":         shape.String,
			"CapacityProviderConfig":        shape.Any,
			"CodeSigningConfigArn":          shape.String,
			"CodeUri":                       shape.Any,
			"DeadLetterQueue": shape.Object(shape.Props{
				"Type":      shape.Required(shape.Words("SNS", "SQS")),
				"TargetArn": shape.Required(shape.String),
			}),
			"DeploymentPreference": shape.Any,
			"Description":          shape.String,
			"DurableConfig":        shape.Any,
			"Environment":          environment,
			"EphemeralStorage":     ephemeralStorage,
			"EventInvokeConfig":    samEventInvoke,
			"Events": shape.OrNull(shape.Map(shape.Object(shape.Props{
				"Type":       shape.Required(shape.String),
				"Properties": shape.OrNull(shape.Any),
			}))),
			"FileSystemConfigs":            shape.Any,
			"FunctionName":                 shape.String,
			"FunctionUrlConfig":            shape.Any,
			"FunctionScalingConfig":        shape.Any,
			"Handler":                      shape.String,
			"ImageConfig":                  shape.Any,
			"ImageUri":                     shape.String,
			"InlineCode":                   shape.String,
			"KmsKeyArn":                    shape.String,
			"Layers":                       shape.Any,
			"LoggingConfig":                logging,
			"MemorySize":                   functionMemory,
			"PackageType":                  shape.Words("Zip", "Image"),
			"PermissionsBoundary":          shape.String,
			"Policies":                     shape.Any,
			"PropagateTags":                shape.Bool,
			"ProvisionedConcurrencyConfig": shape.Any,
			"PublishToLatestPublished":     shape.Bool,
			"RecursiveLoop":                shape.Words("Allow", "Terminate"),
			"ReservedConcurrentExecutions": shape.Between(0, 1<<30),
			"Role":                         shape.String,
			"RolePath":                     shape.String,
			"Runtime":                      shape.String,
			"RuntimeManagementConfig":      shape.Any,
			"SnapStart":                    shape.Any,
			"SourceKMSKeyArn":              shape.String,
			"Tags":                         shape.StringMap,
			"TenancyConfig":                shape.Any,
			"Timeout":                      functionTimeout,
			"Tracing":                      shape.Words("Active", "PassThrough", "Disabled"),
			"VersionDeletionPolicy":        shape.String,
			"VersionDescription":           shape.String,
			"VpcConfig":                    vpcConfig,
		}),
		Expand: expand.Function,
	},
	{
		Name: "AWS::Serverless::Connector",
		Shape: shape.Object(shape.Props{
			"Source":      shape.Required(shape.Any),
			"Destination": shape.Required(shape.Any),
			"Permissions": shape.Required(shape.List(shape.Words("Read", "Write"))),
		}),
		Expand:     expand.Connector,
		ExpandLast: true,
		Identify:   identifyPart,
	},
	{
		Name: "AWS::Lambda::Function",
		Shape: shape.Object(shape.Props{
			"Architectures":                architectures,
			"CapacityProviderConfig":       shape.Any,
			"Code":                         shape.Required(shape.Any),
			"CodeSigningConfigArn":         shape.String,
			"DeadLetterConfig":             shape.Object(shape.Props{"TargetArn": shape.String}),
			"Description":                  shape.String,
			"DurableConfig":                shape.Any,
			"Environment":                  environment,
			"EphemeralStorage":             ephemeralStorage,
			"FileSystemConfigs":            shape.Any,
			"FunctionName":                 shape.String,
			"FunctionScalingConfig":        shape.Any,
			"Handler":                      shape.String,
			"ImageConfig":                  shape.Any,
			"KmsKeyArn":                    shape.String,
			"Layers":                       shape.Any,
			"LoggingConfig":                logging,
			"MemorySize":                   functionMemory,
			"PackageType":                  shape.Words("Zip", "Image"),
			"PublishToLatestPublished":     shape.Bool,
			"RecursiveLoop":                shape.Words("Allow", "Terminate"),
			"ReservedConcurrentExecutions": shape.Between(0, 1<<30),
			"Role":                         shape.Required(shape.String),
			"Runtime":                      shape.String,
			"RuntimeManagementConfig":      shape.Any,
			"SnapStart":                    shape.Any,
			"Tags":                         shape.TagList,
			"TenancyConfig":                shape.Any,
			"Timeout":                      functionTimeout,
			"TracingConfig":                shape.Any,
			"VpcConfig":                    vpcConfig,
		}),
		Naming: naming("FunctionName", 64, `^[a-zA-Z0-9-_]+$`),
		Identify: func(s *resource.Set, res *template.Resource) {
			res.Attributes = map[string]string{"Arn": s.ARN("lambda", "function:"+res.Name)}
		},
		Build: build.Functions,
	},
	{
		Name: "AWS::Lambda::EventInvokeConfig",
		Shape: shape.Object(shape.Props{
			"DestinationConfig": shape.Object(shape.Props{
				"OnFailure": shape.Object(shape.Props{"Destination": shape.Required(shape.String)}),
				"OnSuccess": shape.Object(shape.Props{"Destination": shape.Required(shape.String)}),
			}),
			"FunctionName":             shape.Required(shape.String),
			"MaximumEventAgeInSeconds": eventAge,
			"MaximumRetryAttempts":     eventRetries,
			"Qualifier":                shape.Required(shape.String),
		}),
		Identify: identifyByName,
		Build:    build.InvokeConfigs,
	},
	{
		Name: "AWS::Lambda::Permission",
		Shape: shape.Object(shape.Props{
			"Action":                shape.Required(shape.String),
			"EventSourceToken":      shape.String,
			"FunctionName":          shape.Required(shape.String),
			"FunctionUrlAuthType":   shape.Words("AWS_IAM", "NONE"),
			"InvokedViaFunctionUrl": shape.Bool,
			"Principal":             shape.Required(shape.String),
			"PrincipalOrgID":        shape.String,
			"SourceAccount":         shape.String,
			"SourceArn":             shape.String,
		}),
		Identify: identifyByName,
		Build:    build.Permissions,
	},
	{
		Name: "AWS::Lambda::EventSourceMapping",
		Shape: shape.Object(expand.SourceSettings.And(shape.Props{
			"AmazonManagedKafkaEventSourceConfig": shape.Any,
			"DocumentDBEventSourceConfig":         shape.Any,
			"EventSourceArn":                      shape.String,
			"FunctionName":                        shape.Required(shape.String),
			"Queues":                              shape.StringList,
			"SelfManagedEventSource":              shape.Any,
			"SelfManagedKafkaEventSourceConfig":   shape.Any,
			"SourceAccessConfigurations":          shape.Any,
			"Tags":                                shape.TagList,
			"Topics":                              shape.StringList,
		})),
		Identify: func(s *resource.Set, res *template.Resource) {
			res.Ref = s.UUID(res)
			res.Attributes = map[string]string{
				"Id":                    res.Ref,
				"EventSourceMappingArn": s.ARN("lambda", "event-source-mapping:"+res.Ref),
			}
		},
		Build: build.EventSources,
	},
}

var (
	environment   = shape.Object(shape.Props{"Variables": shape.StringMap})
	architectures = shape.List(shape.Words("x86_64", "arm64"))
	vpcConfig     = shape.Any
	// ephemeralStorage has its size in MB (Lambda quotas).
	ephemeralStorage = shape.Object(shape.Props{"Size": shape.Required(shape.Between(512, 10240))})

	logging = shape.Object(shape.Props{
		"LogFormat":           shape.Words("Text", "JSON"),
		"LogGroup":            shape.String,
		"ApplicationLogLevel": shape.Words("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
		"SystemLogLevel":      shape.Words("DEBUG", "INFO", "WARN"),
	})

	functionTimeout = shape.Between(1, int(awsname.MaxTimeout/time.Second))
	functionMemory  = shape.Between(awsname.MinMemoryMB, awsname.MaxMemoryMB)
	eventAge        = shape.Between(int(awsname.MinEventAge/time.Second), int(awsname.MaxEventAge/time.Second))
	eventRetries    = shape.Between(0, awsname.DefaultRetries)

	samEventInvoke = shape.Object(shape.Props{
		"MaximumEventAgeInSeconds": eventAge,
		"MaximumRetryAttempts":     eventRetries,
		"DestinationConfig": shape.Object(shape.Props{
			"OnSuccess": samDestination,
			"OnFailure": samDestination,
		}),
	})
	samDestination = shape.Object(shape.Props{
		"Type":        shape.Words("SQS", "SNS", "Lambda", "EventBridge", "S3Bucket"),
		"Destination": shape.String,
	})
)

// identifyByName is Identify for types whose id is a physical name that the
// template cannot set.
func identifyByName(s *resource.Set, res *template.Resource) {
	res.Ref = s.PhysicalName(res, 100)
	res.Attributes = map[string]string{"Id": res.Ref}
}
