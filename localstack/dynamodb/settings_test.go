package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// restartable returns an engine and a function that opens it again on the same
// folder.
func restartable(t *testing.T) (f *fixture, restart func()) {
	dir := t.TempDir()
	f = open(t, Options{Dir: dir})
	return f, func() {
		if err := f.engine.Close(); err != nil {
			t.Fatal(err)
		}
		*f = *open(t, Options{Dir: dir})
	}
}

func TestContinuousBackupsAreStored(t *testing.T) {
	f, restart := restartable(t)
	f.createTable(t, "kept", "pk S", nil, nil)
	name := aws.String("kept")
	status := func() types.PointInTimeRecoveryDescription {
		t.Helper()
		out, err := f.DescribeContinuousBackups(t.Context(), &sdk.DescribeContinuousBackupsInput{TableName: name})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	}
	if got := status(); got.PointInTimeRecoveryStatus != "DISABLED" {
		t.Errorf("got %s at first, want DISABLED", dump(got))
	}
	if _, err := f.UpdateContinuousBackups(t.Context(), &sdk.UpdateContinuousBackupsInput{TableName: name,
		PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: aws.Bool(true),
			RecoveryPeriodInDays:       aws.Int32(7),
		}}); err != nil {
		t.Fatal(err)
	}
	restart()
	if got := status(); got.PointInTimeRecoveryStatus != "ENABLED" || *got.RecoveryPeriodInDays != 7 ||
		got.EarliestRestorableDateTime == nil {
		t.Errorf("got %s after a restart, want ENABLED with 7 days", dump(got))
	}
	_, err := f.DescribeContinuousBackups(t.Context(),
		&sdk.DescribeContinuousBackupsInput{TableName: aws.String("none")})
	wantError(t, err, "TableNotFoundException", "Table not found: none")
}

func TestResourcePolicyIsStored(t *testing.T) {
	f, restart := restartable(t)
	f.createTable(t, "kept", "pk S", nil, nil)
	arn := f.describe(t, "kept").TableArn
	get := func() (*sdk.GetResourcePolicyOutput, error) {
		return f.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{ResourceArn: arn})
	}
	_, err := get()
	wantError(t, err, "PolicyNotFoundException", "Resource-based policy not found")
	policy := aws.String(`{"Version":"2012-10-17","Statement":[]}`)
	put, err := f.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{
		ResourceArn:        arn,
		Policy:             policy,
		ExpectedRevisionId: aws.String("NO_POLICY"),
	})
	if err != nil {
		t.Fatal(err)
	}
	restart()
	got, err := get()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "policy", []*string{got.Policy, got.RevisionId}, []*string{policy, put.RevisionId})
	_, err = f.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{
		ResourceArn:        arn,
		Policy:             policy,
		ExpectedRevisionId: aws.String("NO_POLICY"),
	})
	wantError(t, err, "PolicyNotFoundException", "another revision")
	_, err = f.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{
		ResourceArn: arn,
		Policy:      aws.String("no JSON"),
	})
	wantError(t, err, "ValidationException", "not valid JSON")
	if _, err := f.DeleteResourcePolicy(t.Context(), &sdk.DeleteResourcePolicyInput{
		ResourceArn:        arn,
		ExpectedRevisionId: put.RevisionId,
	}); err != nil {
		t.Fatal(err)
	}
	_, err = get()
	wantError(t, err, "PolicyNotFoundException", "Resource-based policy not found")
}

func TestInsightsAndKinesisAreStored(t *testing.T) {
	f, restart := restartable(t)
	f.createTable(t, "kept", "pk S", []index{{"by-tag", "tag S", "ALL"}}, nil)
	name, by := aws.String("kept"), aws.String("by-tag")
	if _, err := f.UpdateContributorInsights(t.Context(), &sdk.UpdateContributorInsightsInput{
		TableName:                 name,
		IndexName:                 by,
		ContributorInsightsAction: "ENABLE",
	}); err != nil {
		t.Fatal(err)
	}
	stream := aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/changes")
	if _, err := f.EnableKinesisStreamingDestination(t.Context(), &sdk.EnableKinesisStreamingDestinationInput{
		TableName: name,
		StreamArn: stream,
	}); err != nil {
		t.Fatal(err)
	}
	restart()
	for index, want := range map[*string]types.ContributorInsightsStatus{by: "ENABLED", nil: "DISABLED"} {
		got, err := f.DescribeContributorInsights(t.Context(), &sdk.DescribeContributorInsightsInput{
			TableName: name,
			IndexName: index,
		})
		if err != nil || got.ContributorInsightsStatus != want {
			t.Errorf("insights of %q: got %s, %v; want %s", aws.ToString(index), dump(got), err, want)
		}
	}
	destinations := func() []types.KinesisDataStreamDestination {
		t.Helper()
		out, err := f.DescribeKinesisStreamingDestination(t.Context(),
			&sdk.DescribeKinesisStreamingDestinationInput{TableName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.KinesisDataStreamDestinations
	}
	if got := destinations(); len(got) != 1 || *got[0].StreamArn != *stream || got[0].DestinationStatus != "ACTIVE" {
		t.Errorf("got %s, want %s with the status ACTIVE", dump(got), *stream)
	}
	_, err := f.EnableKinesisStreamingDestination(t.Context(), &sdk.EnableKinesisStreamingDestinationInput{
		TableName: name,
		StreamArn: stream,
	})
	wantError(t, err, "ValidationException", "not in a valid state")
	if _, err := f.DisableKinesisStreamingDestination(t.Context(), &sdk.DisableKinesisStreamingDestinationInput{
		TableName: name,
		StreamArn: stream,
	}); err != nil {
		t.Fatal(err)
	}
	if got := destinations(); len(got) != 1 || got[0].DestinationStatus != "DISABLED" {
		t.Errorf("got %s, want one with the status DISABLED", dump(got))
	}
}

func TestEncryptionIsStored(t *testing.T) {
	f, restart := restartable(t)
	in := tableInput("kept", "pk S", nil, nil)
	in.SSESpecification = &types.SSESpecification{Enabled: aws.Bool(true), KMSMasterKeyId: aws.String("k-1")}
	in.OnDemandThroughput = &types.OnDemandThroughput{
		MaxReadRequestUnits:  aws.Int64(5),
		MaxWriteRequestUnits: aws.Int64(6),
	}
	if _, err := f.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	restart()
	d := f.describe(t, "kept")
	same(t, "encryption", d.SSEDescription, &types.SSEDescription{
		Status:          "ENABLED",
		SSEType:         "KMS",
		KMSMasterKeyArn: aws.String("arn:aws:kms:us-east-1:000000000000:key/k-1"),
	})
	same(t, "bounds", d.OnDemandThroughput, in.OnDemandThroughput)
	if _, err := f.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName:        aws.String("kept"),
		SSESpecification: &types.SSESpecification{Enabled: aws.Bool(false)},
	}); err != nil {
		t.Fatal(err)
	}
	if d := f.describe(t, "kept"); d.SSEDescription != nil || d.OnDemandThroughput == nil {
		t.Errorf("got %s after the update, want no SSEDescription and an OnDemandThroughput", dump(d))
	}
	provisioned := tableInput("other", "pk S", nil, nil)
	provisioned.BillingMode, provisioned.OnDemandThroughput = "PROVISIONED", in.OnDemandThroughput
	provisioned.ProvisionedThroughput = &types.ProvisionedThroughput{
		ReadCapacityUnits:  aws.Int64(1),
		WriteCapacityUnits: aws.Int64(1),
	}
	_, err := f.CreateTable(t.Context(), provisioned)
	wantError(t, err, "ValidationException",
		"MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED")
}
