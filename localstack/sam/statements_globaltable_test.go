package sam

import (
	"fmt"
	"strings"
	"testing"
)

const globalTable = `
Parameters: {Other: {Type: String, Default: eu-west-1}}
Resources:
  World:
    Type: AWS::DynamoDB::GlobalTable
    Properties:
      TableName: world
      BillingMode: PROVISIONED
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}, {AttributeName: at, AttributeType: N}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      SSESpecification: {SSEEnabled: true, SSEType: KMS}
      TimeToLiveSpecification: {AttributeName: ends, Enabled: true}
      WriteProvisionedThroughputSettings: &writes
        WriteCapacityAutoScalingSettings: {MinCapacity: 3, MaxCapacity: 9, TargetTrackingScalingPolicyConfiguration: {TargetValue: 70}}
      GlobalSecondaryIndexes:
        - IndexName: byTime
          KeySchema: [{AttributeName: at, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
          WriteProvisionedThroughputSettings: *writes
      Replicas:
        - Region: !Ref AWS::Region
          TableClass: STANDARD_INFREQUENT_ACCESS
          DeletionProtectionEnabled: true
          PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
          SSESpecification: {KMSMasterKeyId: alias/world}
          Tags: [{Key: a, Value: b}]
          ReadProvisionedThroughputSettings: {ReadCapacityUnits: 7}
          GlobalSecondaryIndexes:
            - IndexName: byTime
              ReadProvisionedThroughputSettings: {ReadCapacityAutoScalingSettings: {MinCapacity: 5, MaxCapacity: 9, TargetTrackingScalingPolicyConfiguration: {TargetValue: 70}}}
Outputs:
  Name: {Value: !Ref World}
  Arn: {Value: !GetAtt World.Arn}
  Stream: {Value: !GetAtt World.StreamArn}
`

func TestF5_1_AGlobalTableIsATable(t *testing.T) {
	p := mustLoad(t, globalTable)
	w := p.Tables[0]
	const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/world"
	got := fmt.Sprint(w.Name, w.ARN, w.StreamView, w.TTLAttribute, w.BillingMode, *w.ProvisionedThroughput,
		w.DeletionProtection, w.GlobalSecondaryIndexes[0].Name, *w.GlobalSecondaryIndexes[0].ProvisionedThroughput)
	want := fmt.Sprint("world", arn, "NEW_IMAGE", "ends", "PROVISIONED", Throughput{Read: 7, Write: 3}, true, "byTime",
		Throughput{Read: 5, Write: 3})
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := outputs(p), "Name=world Arn="+arn+" Stream="+w.StreamARN; got != want || w.StreamARN == "" {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(p.Notes) > 0 {
		t.Errorf("got the notes %+v, want none", p.Notes)
	}
}

func TestF5_2_ReplicasOfAGlobalTable(t *testing.T) {
	const replicas = `
Resources:
  World:
    Type: AWS::DynamoDB::GlobalTable
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      Replicas: [REPLICAS]
`
	for list, want := range map[string]string{
		"{Region: us-east-1}": "",
		"{Region: eu-west-1, DeletionProtectionEnabled: true}, {Region: us-east-1}, {Region: sa-east-1}": "only the replica in us-east-1 is run, not those in eu-west-1, sa-east-1",
		"{Region: eu-west-1}": "no replica is in us-east-1, as AWS demands in this region; the table runs with the settings of the first one",
	} {
		p := mustLoad(t, strings.Replace(replicas, "REPLICAS", list, 1))
		got := ""
		for _, n := range p.Notes {
			got += n.Reason
		}
		if got != want || len(p.Tables) != 1 || p.Tables[0].DeletionProtection {
			t.Errorf("%s: got the note %q and the tables %+v, want %q and one table that can be deleted",
				list, got, p.Tables, want)
		}
	}
	refused(t, strings.Replace(replicas, "REPLICAS", "", 1),
		"10:17: World.Replicas: the list is empty; add a replica with Region: !Ref AWS::Region")
	refused(t, strings.Replace(strings.Replace(replicas, "REPLICAS", "{Region: us-east-1}, {Region: eu-west-1}", 1),
		"      StreamSpecification: {StreamViewType: NEW_IMAGE}\n", "", 1),
		"9:17: World.Replicas: a table with several replicas needs a stream; add a StreamSpecification")
}

func TestGlobalTableMistakes(t *testing.T) {
	cut := func(old, replacement string) string {
		if !strings.Contains(globalTable, old) {
			t.Fatalf("the template has no %q", old)
		}
		return strings.Replace(globalTable, old, replacement, 1)
	}
	refused(t, cut("          ReadProvisionedThroughputSettings: {ReadCapacityUnits: 7}\n", ""),
		"22:11: World.Replicas[0]: ReadProvisionedThroughputSettings is missing; add it, or set BillingMode to PAY_PER_REQUEST")
	refused(t, cut("          WriteProvisionedThroughputSettings: *writes\n", ""),
		"17:11: World.GlobalSecondaryIndexes[0]: WriteProvisionedThroughputSettings is missing; add it, or set BillingMode to PAY_PER_REQUEST")
	refused(t, cut("TableClass: STANDARD_INFREQUENT_ACCESS", "TabelClass: STANDARD"),
		"23:11: World.Replicas[0].TabelClass: unknown property of AWS::DynamoDB::GlobalTable.Replicas; did you mean TableClass?")
	refused(t, cut("      TableName: world\n", "      TableName: world\n      ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}\n"),
		"8:7: World.ProvisionedThroughput: unknown property of AWS::DynamoDB::GlobalTable; remove it")
}
