package dynamodb

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// createUnwaited creates a table over the API.
func (f *fixture) createUnwaited(t *testing.T, name string) types.TableStatus {
	t.Helper()
	out, err := f.CreateTable(t.Context(), tableInput(name, "pk S", []index{{"by-a", "a S", "ALL"}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return out.TableDescription.TableStatus
}

func TestTableIsCreating(t *testing.T) {
	f := open(t, Options{TableDelay: time.Hour})
	name := aws.String("new")
	if got := f.createUnwaited(t, "new"); got != types.TableStatusCreating {
		t.Errorf("got the status %s from CreateTable, want CREATING", got)
	}
	d := f.describe(t, "new")
	if d.TableStatus != types.TableStatusCreating ||
		d.GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusCreating {
		t.Errorf("got the table %s and its index %s, want CREATING", d.TableStatus,
			d.GlobalSecondaryIndexes[0].IndexStatus)
	}
	key := item{"pk": str("a")}
	const missing, used = "ResourceNotFoundException", "ResourceInUseException"
	for operation, c := range map[string]struct {
		call          func() error
		code, message string
	}{
		"PutItem": {func() error {
			_, err := f.PutItem(t.Context(), &sdk.PutItemInput{TableName: name, Item: key})
			return err
		}, missing, "Requested resource not found"},
		"GetItem": {func() error {
			_, err := f.GetItem(t.Context(), &sdk.GetItemInput{TableName: name, Key: key})
			return err
		}, missing, "Requested resource not found"},
		"Scan": {func() error {
			_, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: name})
			return err
		}, missing, "Requested resource not found"},
		"TransactWriteItems": {func() error {
			_, err := f.transact(t, nil, txPut("new", key, ""))
			return err
		}, missing, "Requested resource not found"},
		"BatchWriteItem": {func() error {
			_, err := f.BatchWriteItem(t.Context(),
				&sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
					"new": {{PutRequest: &types.PutRequest{Item: key}}}}})
			return err
		}, missing, "Requested resource not found"},
		"ExecuteStatement": {func() error {
			_, err := f.ExecuteStatement(t.Context(),
				&sdk.ExecuteStatementInput{Statement: aws.String(`SELECT * FROM "new"`)})
			return err
		}, missing, "Requested resource not found"},
		"CreateTable": {func() error {
			_, err := f.CreateTable(t.Context(), tableInput("new", "pk S", nil, nil))
			return err
		}, used, "Table already exists: new"},
		"UpdateTable": {func() error {
			_, err := f.UpdateTable(t.Context(),
				&sdk.UpdateTableInput{TableName: name, DeletionProtectionEnabled: aws.Bool(true)})
			return err
		}, used, "Attempt to change a resource which is still in use: Table is being created: new"},
		"DeleteTable": {func() error {
			_, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: name})
			return err
		}, used, "Attempt to change a resource which is still in use: Table is being created: new"},
		"UpdateTimeToLive": {func() error {
			_, err := f.UpdateTimeToLive(t.Context(), &sdk.UpdateTimeToLiveInput{
				TableName: name,
				TimeToLiveSpecification: &types.TimeToLiveSpecification{
					AttributeName: aws.String("t"),
					Enabled:       aws.Bool(true),
				},
			})
			return err
		}, used, "Table is being created: new"},
		"DescribeTimeToLive": {func() error {
			_, err := f.DescribeTimeToLive(t.Context(), &sdk.DescribeTimeToLiveInput{TableName: name})
			return err
		}, "ValidationException", "Current table state is CREATING"},
	} {
		t.Run(operation, func(t *testing.T) { wantError(t, c.call(), c.code, c.message) })
	}
	if tables, err := f.engine.Tables(); err != nil || len(tables) != 1 || tables[0].Status != "CREATING" {
		t.Errorf("got the snapshot %v, %v, want one table that is CREATING", tables, err)
	}
}

func TestIndexIsCreating(t *testing.T) {
	f := open(t, Options{TableDelay: time.Hour})
	if err := f.engine.EnsureTable(t.Context(), CreateTableInput{
		TableName:            aws.String("kept"),
		AttributeDefinitions: []AttributeDefinition{{"pk", "S"}},
		KeySchema:            []KeySchemaElement{{"pk", "HASH"}},
		BillingMode:          "PAY_PER_REQUEST",
	}, ""); err != nil {
		t.Fatal(err)
	}
	name := aws.String("kept")
	f.put(t, "kept", item{"pk": str("a"), "a": str("x")}) // EnsureTable has no delay
	create := func(index, attribute string) *sdk.UpdateTableInput {
		action := &types.CreateGlobalSecondaryIndexAction{
			IndexName:  &index,
			KeySchema:  []types.KeySchemaElement{{AttributeName: &attribute, KeyType: "HASH"}},
			Projection: &types.Projection{ProjectionType: "ALL"},
		}
		return &sdk.UpdateTableInput{
			TableName:                   name,
			AttributeDefinitions:        []types.AttributeDefinition{{AttributeName: &attribute, AttributeType: "S"}},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: action}},
		}
	}
	if _, err := f.UpdateTable(t.Context(), create("by-a", "a")); err != nil {
		t.Fatal(err)
	}
	d := f.describe(t, "kept")
	if d.TableStatus != types.TableStatusUpdating ||
		d.GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusCreating {
		t.Errorf("got the table %s and its index %s, want UPDATING and CREATING", d.TableStatus,
			d.GlobalSecondaryIndexes[0].IndexStatus)
	}
	f.put(t, "kept", item{"pk": str("b"), "a": str("x")}) // the table itself stays usable
	_, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: name, IndexName: aws.String("by-a")})
	wantError(t, err, "ValidationException", "Cannot read from backfilling global secondary index: by-a")
	_, err = f.UpdateTable(t.Context(), create("by-b", "b"))
	wantError(t, err, "LimitExceededException",
		"Only 1 online index can be created or deleted simultaneously per table")
	_, err = f.UpdateTable(t.Context(), &sdk.UpdateTableInput{TableName: name, TableClass: "STANDARD"})
	wantError(t, err, "ResourceInUseException", "Table is being updated: kept")
	_, err = f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: name})
	wantError(t, err, "ResourceInUseException", "Table is being updated: kept")
}

func TestTableBecomesActive(t *testing.T) {
	f := open(t, Options{TableDelay: time.Millisecond})
	f.createUnwaited(t, "soon")
	eventually(t, "the table is active", func() bool {
		return f.describe(t, "soon").TableStatus == types.TableStatusActive
	})
	f.put(t, "soon", item{"pk": str("a"), "a": str("x")})
	if _, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("soon")}); err != nil {
		t.Fatal(err)
	}
	f.createUnwaited(t, "soon")
	eventually(t, "the new table is active", func() bool {
		_, err := f.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("soon"), Key: item{"pk": str("a")}})
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !missing {
			t.Fatal(err)
		}
		return err == nil
	})
}
