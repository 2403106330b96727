package sam

// The properties of the CloudFormation resources that have a local meaning,
// from CloudFormation's resource specification.

// Lambda's limits for asynchronous invocation.
var (
	eventAge     = between(60, 21600)
	eventRetries = between(0, 2)
)

// supported maps a resource type to its properties. SAM's types come first,
// then those that SAM's expand to and that a template may also write itself.
var supported = map[string]*shape{
	"AWS::Serverless::Function":     samFunction,
	"AWS::Serverless::WebSocketApi": samWebSocketAPI,
	"AWS::Serverless::SimpleTable":  samSimpleTable,
	"AWS::Serverless::Connector":    samConnector,

	"AWS::ApiGatewayV2::Api": objectOf(props{
		"ApiKeySelectionExpression": str, "BasePath": str, "Body": anything, "BodyS3Location": anything,
		"CorsConfiguration": anything,
		"CredentialsArn":    str, "Description": str, "DisableExecuteApiEndpoint": toggle,
		"DisableSchemaValidation": toggle, "FailOnWarnings": toggle,
		"IpAddressType": words("ipv4", "dualstack"), "Name": str,
		"ProtocolType": words("WEBSOCKET", "HTTP"), "RouteKey": str,
		"RouteSelectionExpression": str, "Tags": strMap, "Target": str, "Version": str,
	}),
	"AWS::ApiGatewayV2::Route": objectOf(props{
		"ApiId": must(str), "ApiKeyRequired": toggle, "AuthorizationScopes": strList,
		"AuthorizationType": words("NONE", "AWS_IAM", "CUSTOM", "JWT"),
		"AuthorizerId":      str, "ModelSelectionExpression": str, "OperationName": str,
		"RequestModels": strMap, "RequestParameters": anything,
		"RouteKey": must(str), "RouteResponseSelectionExpression": str, "Target": str,
	}),
	"AWS::ApiGatewayV2::Integration": objectOf(props{
		"ApiId": must(str), "ConnectionId": str, "ConnectionType": str, "ContentHandlingStrategy": str,
		"CredentialsArn": str, "Description": str,
		"IntegrationMethod": str, "IntegrationSubtype": str,
		"IntegrationType": must(words("AWS_PROXY", "AWS", "HTTP", "HTTP_PROXY", "MOCK")),
		"IntegrationUri":  str, "PassthroughBehavior": str,
		"PayloadFormatVersion": str, "RequestParameters": anything, "RequestTemplates": anything,
		"ResponseParameters":          anything,
		"TemplateSelectionExpression": str, "TimeoutInMillis": integer, "TlsConfig": anything,
	}),
	"AWS::ApiGatewayV2::Stage": objectOf(props{
		"AccessLogSettings": accessLog, "AccessPolicyId": str, "ApiId": must(str), "AutoDeploy": toggle,
		"ClientCertificateId":  str,
		"DefaultRouteSettings": routeSettings, "DeploymentId": str, "Description": str,
		"RouteSettings": mapOf(routeSettings),
		"StageName":     must(str), "StageVariables": strMap, "Tags": strMap,
	}),
	"AWS::ApiGatewayV2::Deployment": objectOf(props{"ApiId": must(str), "Description": str, "StageName": str}),
	"AWS::ApiGatewayV2::RouteResponse": objectOf(props{
		"ApiId": must(str), "ModelSelectionExpression": str, "ResponseModels": anything, "ResponseParameters": anything,
		"RouteId": must(str), "RouteResponseKey": must(str),
	}),
	"AWS::ApiGatewayV2::IntegrationResponse": objectOf(props{
		"ApiId": must(str), "ContentHandlingStrategy": str, "IntegrationId": must(str),
		"IntegrationResponseKey": must(str),
		"ResponseParameters":     anything, "ResponseTemplates": anything, "TemplateSelectionExpression": str,
	}),
	"AWS::ApiGatewayV2::Model": objectOf(props{
		"ApiId": must(str), "ContentType": str, "Description": str, "Name": must(str), "Schema": must(document),
	}),
	"AWS::ApiGatewayV2::Authorizer": objectOf(props{
		"ApiId": must(str), "AuthorizerCredentialsArn": str, "AuthorizerPayloadFormatVersion": str,
		"AuthorizerResultTtlInSeconds": integer,
		"AuthorizerType":               must(words("REQUEST", "JWT")), "AuthorizerUri": str,
		"EnableSimpleResponses": toggle, "IdentitySource": strList,
		"IdentityValidationExpression": str, "JwtConfiguration": anything, "Name": must(str),
	}),

	"AWS::DynamoDB::Table": objectOf(props{
		"AttributeDefinitions": listOf(objectOf(props{"AttributeName": must(str),
			"AttributeType": must(words("S", "N", "B"))})),
		"BillingMode": words("PAY_PER_REQUEST", "PROVISIONED"), "ContributorInsightsSpecification": anything,
		"DeletionProtectionEnabled": toggle, "GlobalSecondaryIndexes": listOf(objectOf(props{
			"ContributorInsightsSpecification": anything, "IndexName": must(str),
			"KeySchema": must(keySchema), "OnDemandThroughput": anything,
			"Projection": must(projection), "ProvisionedThroughput": capacity, "WarmThroughput": anything,
		})),
		"ImportSourceSpecification": anything, "KeySchema": must(keySchema), "KinesisStreamSpecification": anything,
		"LocalSecondaryIndexes": listOf(objectOf(props{
			"IndexName": must(str), "KeySchema": must(keySchema), "Projection": must(projection),
		})),
		"OnDemandThroughput": anything, "PointInTimeRecoverySpecification": recovery, "ProvisionedThroughput": capacity,
		"ResourcePolicy": anything, "SSESpecification": encrypted,
		"StreamSpecification": objectOf(props{
			"ResourcePolicy": anything, "StreamViewType": must(words("NEW_IMAGE", "OLD_IMAGE",
				"NEW_AND_OLD_IMAGES", "KEYS_ONLY")), "Tags": tagList,
		}),
		"TableClass": words("STANDARD", "STANDARD_INFREQUENT_ACCESS"), "TableName": str, "Tags": tagList,
		"TimeToLiveSpecification": objectOf(props{"AttributeName": str, "Enabled": must(toggle)}),
		"VectorIndexes":           anything, "WarmThroughput": anything,
	}),

	"AWS::KMS::Key": objectOf(props{
		"BypassPolicyLockoutSafetyCheck": toggle, "Description": str, "EnableKeyRotation": toggle,
		"Enabled": toggle, "KeyPolicy": document,
		"KeySpec": words("SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256",
			"ECC_NIST_P384", "ECC_NIST_P521",
			"ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512",
			"SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87"),
		"KeyUsage":    words("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"),
		"MultiRegion": toggle,
		"Origin":      words("AWS_KMS", "EXTERNAL"), "PendingWindowInDays": between(7, 30),
		"RotationPeriodInDays": between(90, 2560), "Tags": tagList,
	}),
	"AWS::KMS::Alias": objectOf(props{"AliasName": must(str), "TargetKeyId": must(str)}),

	"AWS::Lambda::Function": objectOf(props{
		"Architectures": architectures, "CapacityProviderConfig": anything, "Code": must(anything),
		"CodeSigningConfigArn": str,
		"DeadLetterConfig":     objectOf(props{"TargetArn": str}), "Description": str,
		"DurableConfig": anything, "Environment": environment,
		"EphemeralStorage":  objectOf(props{"Size": must(between(512, 10240))}),
		"FileSystemConfigs": anything, "FunctionName": str,
		"FunctionScalingConfig": anything, "Handler": str, "ImageConfig": anything, "KmsKeyArn": str,
		"Layers": anything, "LoggingConfig": anything,
		"MemorySize": functionMemory, "PackageType": words("Zip", "Image"), "PublishToLatestPublished": toggle,
		"RecursiveLoop": words("Allow", "Terminate"), "ReservedConcurrentExecutions": between(0, 1<<30),
		"Role": must(str), "Runtime": str,
		"RuntimeManagementConfig": anything, "SnapStart": anything, "Tags": tagList,
		"TenancyConfig": anything, "Timeout": functionTimeout,
		"TracingConfig": anything, "VpcConfig": vpcConfig,
	}),
	"AWS::Lambda::Permission": objectOf(props{
		"Action": must(str), "EventSourceToken": str, "FunctionName": must(str),
		"FunctionUrlAuthType":   words("AWS_IAM", "NONE"),
		"InvokedViaFunctionUrl": toggle, "Principal": must(str), "PrincipalOrgID": str,
		"SourceAccount": str, "SourceArn": str,
	}),
	"AWS::Lambda::EventSourceMapping": sourceMapping,
	"AWS::Lambda::EventInvokeConfig": objectOf(props{
		"DestinationConfig": objectOf(props{
			"OnFailure": objectOf(props{"Destination": must(str)}),
			"OnSuccess": objectOf(props{"Destination": must(str)}),
		}),
		"FunctionName": must(str), "MaximumEventAgeInSeconds": eventAge,
		"MaximumRetryAttempts": eventRetries, "Qualifier": must(str),
	}),

	"AWS::IAM::Role": objectOf(props{
		"AssumeRolePolicyDocument": must(document), "Description": str, "ManagedPolicyArns": strList,
		"MaxSessionDuration": integer, "Path": str,
		"PermissionsBoundary": str, "Policies": listOf(objectOf(props{"PolicyDocument": must(document),
			"PolicyName": must(str)})),
		"RoleName": str, "Tags": tagList,
	}),
	"AWS::IAM::Policy": objectOf(props{
		"Groups": strList, "PolicyDocument": must(document), "PolicyName": must(str), "Roles": strList,
		"Users": strList,
	}),
	"AWS::IAM::RolePolicy": objectOf(props{"PolicyDocument": document, "PolicyName": must(str), "RoleName": must(str)}),
	"AWS::IAM::ManagedPolicy": objectOf(props{
		"Description": str, "Groups": strList, "ManagedPolicyName": str, "Path": str,
		"PolicyDocument": must(document), "Roles": strList, "Users": strList,
	}),

	"AWS::Scheduler::Schedule": objectOf(props{
		"Description": str, "EndDate": str,
		"FlexibleTimeWindow": must(objectOf(props{"MaximumWindowInMinutes": integer,
			"Mode": must(words("OFF", "FLEXIBLE"))})),
		"GroupName": str, "KmsKeyArn": str, "Name": str, "ScheduleExpression": must(str),
		"ScheduleExpressionTimezone": str, "StartDate": str,
		"State": words("ENABLED", "DISABLED"),
		"Target": must(objectOf(props{
			"Arn": must(str), "DeadLetterConfig": anything, "EcsParameters": anything,
			"EventBridgeParameters": anything, "Input": str,
			"KinesisParameters": anything, "RetryPolicy": anything, "RoleArn": must(str),
			"SageMakerPipelineParameters": anything, "SqsParameters": anything,
		})),
	}),
	"AWS::Events::Rule": objectOf(props{
		"Description": str, "EventBusName": str, "EventPattern": document, "Name": str, "RoleArn": str,
		"ScheduleExpression": str,
		"State": words("ENABLED", "DISABLED",
			"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), "Tags": tagList,
		"Targets": listOf(objectOf(props{
			"AppSyncParameters": anything, "Arn": must(str), "BatchParameters": anything,
			"DeadLetterConfig": anything, "EcsParameters": anything,
			"HttpParameters": anything, "Id": must(str), "Input": str, "InputPath": str,
			"InputTransformer": anything, "KinesisParameters": anything,
			"RedshiftDataParameters": anything, "RetryPolicy": anything, "RoleArn": str,
			"RunCommandParameters":        anything,
			"SageMakerPipelineParameters": anything, "SqsParameters": anything,
		})),
	}),
}

var (
	keySchema  = listOf(objectOf(props{"AttributeName": must(str), "KeyType": must(words("HASH", "RANGE"))}))
	projection = objectOf(props{"NonKeyAttributes": strList, "ProjectionType": words("ALL", "KEYS_ONLY", "INCLUDE")})
)
