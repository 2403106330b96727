package sam

// The properties of SAM's resources, from the SAM resource and property
// reference. A property without a local meaning is known, so that a typing
// mistake is told from it, but its value is not looked at.

var (
	vpcConfig     = anything
	environment   = objectOf(props{"Variables": strMap})
	architectures = listOf(words("x86_64", "arm64"))
	routeSettings = objectOf(props{
		"DataTraceEnabled": toggle, "DetailedMetricsEnabled": toggle, "LoggingLevel": words("ERROR", "INFO", "OFF"),
		"ThrottlingBurstLimit": integer, "ThrottlingRateLimit": decimal,
	})
	accessLog = objectOf(props{"DestinationArn": str, "Format": str})
	capacity  = objectOf(props{"ReadCapacityUnits": must(between(1, 1<<30)),
		"WriteCapacityUnits": must(between(1, 1<<30))})
	encrypted = objectOf(props{"KMSMasterKeyId": str, "SSEEnabled": toggle, "SSEType": words("KMS")})
	recovery  = objectOf(props{"PointInTimeRecoveryEnabled": toggle, "RecoveryPeriodInDays": between(1, 35)})
)

// Lambda quotas.
var (
	functionTimeout = between(1, 900)
	functionMemory  = between(128, 10240)
)

var samFunction = objectOf(props{
	"Architectures": architectures, "AssumeRolePolicyDocument": document, "AutoPublishAlias": str,
	"AutoPublishAliasAllProperties": toggle, "AutoPublishCodeSha256": str, "CapacityProviderConfig": anything,
	"CodeSigningConfigArn": str, "CodeUri": anything,
	"DeadLetterQueue":      objectOf(props{"Type": must(words("SNS", "SQS")), "TargetArn": must(str)}),
	"DeploymentPreference": anything, "Description": str, "DurableConfig": anything, "Environment": environment,
	"EphemeralStorage": objectOf(props{"Size": must(between(512, 10240))}), "EventInvokeConfig": samEventInvoke,
	"Events":                orNull(mapOf(objectOf(props{"Type": must(str), "Properties": orNull(anything)}))),
	"FileSystemConfigs":     anything,
	"FunctionName":          str,
	"FunctionUrlConfig":     anything,
	"FunctionScalingConfig": anything, "Handler": str, "ImageConfig": anything, "ImageUri": str, "InlineCode": str,
	"KmsKeyArn": str, "Layers": anything, "LoggingConfig": anything, "MemorySize": functionMemory,
	"PackageType": words("Zip", "Image"), "PermissionsBoundary": str, "Policies": anything, "PropagateTags": toggle,
	"ProvisionedConcurrencyConfig": anything, "PublishToLatestPublished": toggle,
	"RecursiveLoop":                words("Allow", "Terminate"),
	"ReservedConcurrentExecutions": between(0, 1<<30), "Role": str, "RolePath": str, "Runtime": str,
	"RuntimeManagementConfig": anything,
	"SnapStart":               anything, "SourceKMSKeyArn": str, "Tags": strMap, "TenancyConfig": anything,
	"Timeout": functionTimeout,
	"Tracing": words("Active", "PassThrough", "Disabled"), "VersionDeletionPolicy": str,
	"VersionDescription": str, "VpcConfig": vpcConfig,
})

var samEventInvoke = objectOf(props{
	"MaximumEventAgeInSeconds": eventAge, "MaximumRetryAttempts": eventRetries,
	"DestinationConfig": objectOf(props{"OnSuccess": samDestination, "OnFailure": samDestination}),
})

var samDestination = objectOf(props{"Type": words("SQS", "SNS", "Lambda", "EventBridge", "S3Bucket"),
	"Destination": str})

var samWebSocketAPI = objectOf(props{
	"AccessLogSettings": accessLog, "ApiKeySelectionExpression": str,
	"Auth": objectOf(props{
		"AuthType": must(words("NONE", "AWS_IAM", "CUSTOM")), "AuthArn": str, "IdentitySource": strList,
		"InvokeRole": str, "Name": str,
	}),
	"DefaultRouteSettings": routeSettings, "Description": str, "DisableExecuteApiEndpoint": toggle,
	"DisableSchemaValidation": toggle,
	"Domain": objectOf(props{
		"BasePath": anything, "CertificateArn": must(str), "DomainName": must(str),
		"EndpointConfiguration":   words("REGIONAL"),
		"MutualTlsAuthentication": anything, "OwnershipVerificationCertificateArn": str,
		"Route53": anything, "SecurityPolicy": str,
	}), "FailOnWarnings": toggle, "IpAddressType": words("ipv4", "dualstack"), "Name": str, "PropagateTags": toggle,
	"RouteSelectionExpression": must(str), "RouteSettings": mapOf(routeSettings),
	"Routes": must(mapOf(objectOf(props{
		"ApiKeyRequired": toggle, "FunctionArn": must(str), "IntegrationTimeout": integer,
		"ModelSelectionExpression": str,
		"OperationName":            str, "RequestModels": strMap, "RequestParameters": anything,
		"RouteResponseSelectionExpression": str,
	}))),
	"StageName": str, "StageVariables": strMap, "Tags": strMap,
})

var samSimpleTable = objectOf(props{
	"PointInTimeRecoverySpecification": recovery,
	"PrimaryKey": objectOf(props{"Name": must(str),
		"Type": must(words("String", "Number", "Binary"))}),
	"ProvisionedThroughput": capacity, "SSESpecification": encrypted, "TableName": str, "Tags": strMap,
})

// The properties of a function's events that are run locally.
var (
	samScheduleEvent = objectOf(props{
		"Schedule": must(str), "Name": str, "Description": str, "Enabled": toggle,
		"State": words("ENABLED", "DISABLED"), "Input": str,
		"DeadLetterConfig": anything, "RetryPolicy": anything, "RoleArn": str,
	})
	samScheduleV2Event = objectOf(props{
		"ScheduleExpression": must(str), "ScheduleExpressionTimezone": str, "StartDate": str,
		"EndDate": str, "Name": str, "OmitName": toggle,
		"Description": str, "State": words("ENABLED", "DISABLED"), "Input": str, "GroupName": str, "KmsKeyArn": str,
		"FlexibleTimeWindow": anything, "DeadLetterConfig": anything, "RetryPolicy": anything,
		"RoleArn": str, "PermissionsBoundary": str,
	})
)

// samGlobals are the properties that Globals.Function takes (SAM specification,
// Globals).
var samGlobals = []string{"Architectures", "AssumeRolePolicyDocument", "AutoPublishAlias",
	"AutoPublishAliasAllProperties",
	"CapacityProviderConfig", "CodeSigningConfigArn", "CodeUri", "DeadLetterQueue", "DeploymentPreference",
	"Description", "DurableConfig",
	"Environment", "EphemeralStorage", "EventInvokeConfig", "FileSystemConfigs", "FunctionScalingConfig",
	"FunctionUrlConfig", "Handler",
	"KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PermissionsBoundary", "PropagateTags",
	"ProvisionedConcurrencyConfig",
	"PublishToLatestPublished", "RecursiveLoop", "ReservedConcurrentExecutions", "RolePath", "Runtime",
	"RuntimeManagementConfig",
	"SnapStart", "SourceKMSKeyArn", "Tags", "TenancyConfig", "Timeout", "Tracing", "VersionDeletionPolicy", "VpcConfig"}
