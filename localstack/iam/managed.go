package iam

import "strings"

// managed has the statements of AWS managed policies (AWS managed policy
// reference, March 2026) by the last part of their ARN. It has only the actions
// of the services that are guarded here, so the statements of some policies are
// nil.
var managed = map[string][]Statement{
	"AdministratorAccess": {allow("*")},
	"PowerUserAccess": {{
		Effect:    "Allow",
		NotAction: []string{"iam:*", "organizations:*", "account:*"},
		Resource:  anyResource,
	}},

	"AWSLambdaBasicExecutionRole":          nil,
	"AWSLambdaVPCAccessExecutionRole":      nil,
	"AWSLambdaENIManagementAccess":         nil,
	"AWSLambdaSQSQueueExecutionRole":       nil,
	"AWSLambdaKinesisExecutionRole":        nil,
	"AWSLambdaMSKExecutionRole":            nil,
	"AWSLambdaExecute":                     nil,
	"AWSLambdaRole":                        {allow("lambda:InvokeFunction")},
	"AWSLambdaDynamoDBExecutionRole":       {allow(readStream...)},
	"AWSLambdaInvocation-DynamoDB":         {allow("lambda:InvokeFunction"), allow(readStream...)},
	"AWSLambda_FullAccess":                 {allow("kms:DescribeKey", "kms:ListAliases", "lambda:*")},
	"AWSLambda_ReadOnlyAccess":             {allow("kms:ListAliases", "lambda:Get*", "lambda:List*")},
	"AWSXRayDaemonWriteAccess":             nil,
	"AWSXrayWriteOnlyAccess":               nil,
	"AWSXrayFullAccess":                    nil,
	"AWSStepFunctionsFullAccess":           nil,
	"CloudWatchLogsFullAccess":             nil,
	"CloudWatchLogsReadOnlyAccess":         nil,
	"CloudWatchFullAccess":                 nil,
	"AmazonAPIGatewayAdministrator":        nil,
	"AmazonAPIGatewayPushToCloudWatchLogs": nil,
	"AmazonAPIGatewayInvokeFullAccess": {{
		Effect:   "Allow",
		Action:   []string{"execute-api:Invoke", "execute-api:ManageConnections"},
		Resource: []string{"arn:aws:execute-api:*:*:*"},
	}},
	"AmazonDynamoDBFullAccess": {allow("dynamodb:*", "kms:DescribeKey", "kms:ListAliases",
		"lambda:CreateFunction", "lambda:ListFunctions",
		"lambda:ListEventSourceMappings", "lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping",
		"lambda:GetFunctionConfiguration", "lambda:DeleteFunction")},
	"AmazonDynamoDBFullAccess_v2": {allow("dynamodb:*", "kms:DescribeKey", "kms:ListAliases",
		"lambda:ListEventSourceMappings", "lambda:ListFunctions")},
	"AmazonDynamoDBReadOnlyAccess": {allow("dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:List*",
		"dynamodb:GetAbacStatus",
		"dynamodb:GetItem", "dynamodb:GetResourcePolicy", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQLSelect",
		"kms:DescribeKey", "kms:ListAliases", "lambda:ListFunctions", "lambda:ListEventSourceMappings",
		"lambda:GetFunctionConfiguration")},
	"AWSKeyManagementServicePowerUser": {allow("kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias",
		"kms:Describe*", "kms:GenerateRandom",
		"kms:Get*", "kms:List*", "kms:TagResource", "kms:UntagResource")},
	"SecretsManagerReadWrite": {allow("kms:DescribeKey", "kms:ListAliases", "kms:ListKeys", "lambda:ListFunctions"),
		{
			Effect: "Allow",
			Action: []string{"lambda:AddPermission", "lambda:CreateFunction", "lambda:GetFunction",
				"lambda:InvokeFunction",
				"lambda:UpdateFunctionConfiguration"},
			Resource: []string{"arn:aws:lambda:*:*:function:SecretsManager*"},
		}},
	"AmazonCognitoPowerUser":                                {allow("lambda:GetPolicy", "lambda:ListFunctions")},
	"AmazonEventBridgeFullAccess":                           nil,
	"AmazonS3FullAccess":                                    nil,
	"AmazonS3ReadOnlyAccess":                                nil,
	"AmazonSESFullAccess":                                   nil,
	"AmazonSNSFullAccess":                                   nil,
	"AmazonSQSFullAccess":                                   nil,
	"AmazonSQSReadOnlyAccess":                               nil,
	"AmazonSSMReadOnlyAccess":                               nil,
	"CloudWatchLambdaInsightsExecutionRolePolicy":           nil,
	"CloudWatchLambdaApplicationSignalsExecutionRolePolicy": nil,
}

var (
	anyResource = []string{"*"}
	readStream  = []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
		"dynamodb:ListStreams"}
)

// allow returns a statement that allows actions on all resources.
func allow(actions ...string) Statement {
	return Statement{Version: version2012, Effect: "Allow", Action: actions, Resource: anyResource}
}

// managedPolicy returns the statements of an AWS managed policy and whether
// they are known. The ARN ends in the policy's name, which may follow a path.
func managedPolicy(arn string) ([]*statement, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" || parts[4] != "aws" || !strings.HasPrefix(parts[5], "policy/") {
		return nil, false // a policy of a customer
	}
	list, ok := managed[arn[strings.LastIndexByte(arn, '/')+1:]]
	compiled, err := compileAll(list, true)
	if err != nil {
		panic(err) // cannot happen: a test compiles them all
	}
	return compiled, ok
}
