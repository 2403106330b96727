package sam

import (
	"slices"
	"strings"
)

// policyTemplates are SAM's policy templates that are resolved to statements:
// the parameter, the actions, and the resources with ${P} for the parameter.
var policyTemplates = map[string]struct {
	parameter string
	actions   []string
	resources []string
}{
	"DynamoDBCrudPolicy": {"TableName", []string{"dynamodb:GetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:Query",
		"dynamodb:UpdateItem", "dynamodb:BatchWriteItem", "dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:ConditionCheckItem"},
		tableAndIndexes},
	"DynamoDBReadPolicy": {"TableName", []string{"dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:DescribeTable"},
		tableAndIndexes},
	"DynamoDBWritePolicy": {"TableName", []string{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"}, tableAndIndexes},
	"LambdaInvokePolicy": {"FunctionName", []string{"lambda:InvokeFunction"},
		[]string{"arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${P}*"}},
	"KMSDecryptPolicy": {"KeyId", []string{"kms:Decrypt"}, []string{"arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/${P}"}},
	"KMSEncryptPolicy": {"KeyId", []string{"kms:Encrypt"}, []string{"arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/${P}"}},
}

var tableAndIndexes = []string{
	"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${P}",
	"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${P}/index/*",
}

// otherTemplates exist in SAM too, for services that are not run locally.
var otherTemplates = strings.Fields(`
AMIDescribePolicy AWSSecretsManagerGetSecretValuePolicy AWSSecretsManagerRotationPolicy AcmGetCertificatePolicy AthenaQueryPolicy
CloudFormationDescribeStacksPolicy CloudWatchDashboardPolicy CloudWatchDescribeAlarmHistoryPolicy CloudWatchPutMetricPolicy CodeCommitCrudPolicy
CodeCommitReadPolicy CodePipelineLambdaExecutionPolicy CodePipelineReadOnlyPolicy ComprehendBasicAccessPolicy CostExplorerReadOnlyPolicy
DynamoDBBackupFullAccessPolicy DynamoDBReconfigurePolicy DynamoDBRestoreFromBackupPolicy DynamoDBStreamReadPolicy EC2CopyImagePolicy
EC2DescribePolicy EFSWriteAccessPolicy EKSDescribePolicy EcsRunTaskPolicy ElasticMapReduceAddJobFlowStepsPolicy
ElasticMapReduceCancelStepsPolicy ElasticMapReduceModifyInstanceFleetPolicy ElasticMapReduceModifyInstanceGroupsPolicy
ElasticMapReduceSetTerminationProtectionPolicy ElasticMapReduceTerminateJobFlowsPolicy ElasticsearchHttpPostPolicy EventBridgePutEventsPolicy
FilterLogEventsPolicy FirehoseCrudPolicy FirehoseWritePolicy KMSEncryptPolicy_v2 KinesisCrudPolicy KinesisStreamReadPolicy
MobileAnalyticsWriteOnlyAccessPolicy OrganizationsListAccountsPolicy PinpointEndpointAccessPolicy PollyFullAccessPolicy
RekognitionDetectOnlyPolicy RekognitionFacesManagementPolicy RekognitionFacesPolicy RekognitionLabelsPolicy RekognitionNoDataAccessPolicy
RekognitionReadPolicy RekognitionWriteOnlyAccessPolicy Route53ChangeResourceRecordSetsPolicy S3CrudPolicy S3FullAccessPolicy S3ReadPolicy
S3WritePolicy SESBulkTemplatedCrudPolicy SESBulkTemplatedCrudPolicy_v2 SESCrudPolicy SESEmailTemplateCrudPolicy SESSendBouncePolicy
SNSCrudPolicy SNSPublishMessagePolicy SQSPollerPolicy SQSSendMessagePolicy SSMParameterReadPolicy SSMParameterWithSlashPrefixReadPolicy
SageMakerCreateEndpointConfigPolicy SageMakerCreateEndpointPolicy ServerlessRepoReadWriteAccessPolicy StepFunctionsCallbackPolicy
StepFunctionsExecutionPolicy StepFunctionsExecutionPolicy_v2 TextractDetectAnalyzePolicy TextractGetResultPolicy TextractPolicy VPCAccessPolicy`)

// policyTemplate turns {DynamoDBCrudPolicy: {TableName: …}} into a document,
// or returns nil if it is noted or wrong.
func (l *loader) policyTemplate(role *resource, item *value) *value {
	f := item.fields[0]
	t, ok := policyTemplates[f.key]
	if !ok {
		if slices.Contains(otherTemplates, f.key) {
			role.unresolvedTemplates = append(role.unresolvedTemplates, f.key)
			l.note(item, role.id, f.key, "the policy template is not resolved to statements")
		} else {
			l.failKey(item, f, "unknown policy template", suggest(f.key, append(sortedKeys(policyTemplates), otherTemplates...), "", "write a map with a Statement"))
		}
		return nil
	}
	before := len(l.errs)
	l.check(f.value, objectOf(props{t.parameter: must(str)}), f.key)
	if f.value.kind != object || len(l.errs) > before {
		return nil
	}
	at := f.value
	var actions, resources []*value
	for _, a := range t.actions {
		actions = append(actions, at.newText(a))
	}
	for _, r := range t.resources {
		vars := at.newObject(with("P", at.get(t.parameter)))
		resources = append(resources, at.newCall("Fn::Sub", at.newList(at.newText(r), vars)))
	}
	return at.newObject(with("Statement", at.newList(at.newObject(with("Effect", at.newText("Allow")),
		with("Action", at.newList(actions...)), with("Resource", at.newList(resources...))))))
}
