package dynamodb

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (f *fixture) describe(t testing.TB, table string) *types.TableDescription {
	t.Helper()
	out, err := f.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	return out.Table
}

func TestTableLifecycle(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f := open(t, Options{Region: "eu-central-1", Now: func() time.Time { return now }})
	in := tableInput("orders", "pk S, sk N", []index{{"by-a", "a S", "x y"}},
		[]index{{"by-b", "pk S, b B", "KEYS_ONLY"}})
	in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("chat")}}
	in.DeletionProtectionEnabled = aws.Bool(true)
	if _, err := f.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := f.CreateTable(t.Context(), in)
	wantError(t, err, "ResourceInUseException", "Table already exists: orders")

	f.put(t, "orders", item{"pk": str("p"), "sk": num(1), "a": str("a"), "x": num(1), "z": num(1)},
		item{"pk": str("p"), "sk": num(2), "b": bin("b")})
	d := f.describe(t, "orders")
	if d.TableStatus != types.TableStatusActive || *d.ItemCount != 2 || !d.CreationDateTime.Equal(now) ||
		*d.TableArn != "arn:aws:dynamodb:eu-central-1:000000000000:table/orders" ||
		d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("got the description %s, want an active on-demand table of 2 items created at %v", dump(d), now)
	}
	same(t, "key", d.KeySchema, in.KeySchema)
	same(t, "attributes", len(d.AttributeDefinitions), 4)
	same(t, "projection", d.GlobalSecondaryIndexes[0].Projection, in.GlobalSecondaryIndexes[0].Projection)
	same(t, "items of the global index", *d.GlobalSecondaryIndexes[0].ItemCount, int64(1))
	// pk=p has 3 bytes, sk=1 4, a=a 2, x=1 3; z is not projected.
	same(t, "bytes of the global index", *d.GlobalSecondaryIndexes[0].IndexSizeBytes, int64(3+4+2+3))
	same(t, "items of the local index", *d.LocalSecondaryIndexes[0].ItemCount, int64(1))

	_, err = f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("orders")})
	wantError(t, err, "ValidationException", "currently protected against deletion")
	if _, err := f.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName:                 aws.String("orders"),
		DeletionProtectionEnabled: aws.Bool(false),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("orders")}); err != nil {
		t.Fatal(err)
	}
	_, err = f.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: aws.String("orders")})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found: Table: orders not found")

	f.createTable(t, "orders", "pk S, sk N", []index{{"by-a", "a S", "ALL"}}, nil)
	d = f.describe(t, "orders")
	if *d.ItemCount != 0 || *d.TableSizeBytes != 0 || *d.GlobalSecondaryIndexes[0].ItemCount != 0 {
		t.Errorf("got %d items in a table that was created again, want 0", *d.ItemCount)
	}
	if got := f.get(t, "orders", item{"pk": str("p"), "sk": num(1)}); got != nil {
		t.Errorf("got %v in a table that was created again, want no item", got)
	}
}

func TestCreateTableValidation(t *testing.T) {
	f := open(t, Options{})
	change := func(c func(*sdk.CreateTableInput)) *sdk.CreateTableInput {
		in := tableInput("tables", "pk S, sk S", nil, nil)
		c(in)
		return in
	}
	for _, tt := range []struct {
		name    string
		in      *sdk.CreateTableInput
		message string
	}{
		{"undefined key", change(func(in *sdk.CreateTableInput) {
			in.AttributeDefinitions = in.AttributeDefinitions[:1]
		}),
			"Invalid KeySchema: Some index key attribute have no definition"},
		{"superfluous definition", change(func(in *sdk.CreateTableInput) { in.KeySchema = in.KeySchema[:1] }),
			"Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"},
		{"superfluous definition with an index", func() *sdk.CreateTableInput {
			in := tableInput("tables", "pk S", []index{{"gsi", "a S", "ALL"}}, nil)
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: aws.String("z"),
				AttributeType: "S",
			})
			return in
		}(), "Some AttributeDefinitions are not used. AttributeDefinitions: [a, pk, z], keys used: [a, pk]"},
		{"range first", change(func(in *sdk.CreateTableInput) { in.KeySchema[0].KeyType = "RANGE" }),
			"The first KeySchemaElement is not a HASH key type"},
		{"two hashes", change(func(in *sdk.CreateTableInput) { in.KeySchema[1].KeyType = "HASH" }),
			"The second KeySchemaElement is not a RANGE key type"},
		{"type of a key", change(func(in *sdk.CreateTableInput) {
			in.AttributeDefinitions[0].AttributeType = "BOOL"
		}), "Member must satisfy enum value set: [B, N, S]"},
		{"no throughput", change(func(in *sdk.CreateTableInput) { in.BillingMode = "" }),
			"ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{"throughput on demand", change(func(in *sdk.CreateTableInput) {
			in.ProvisionedThroughput = &types.ProvisionedThroughput{
				ReadCapacityUnits:  aws.Int64(1),
				WriteCapacityUnits: aws.Int64(1),
			}
		}), "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
		{"local index without range", tableInput("tables", "pk S", nil,
			[]index{{"lsi", "pk S, r S", "ALL"}}), "Table KeySchema does not have a range key"},
		{"local index of another hash", tableInput("tables", "pk S, sk S", nil,
			[]index{{"lsi", "r S, sk S", "ALL"}}),
			"does not have the same leading hash key as table KeySchema for index: lsi"},
		{"six local indexes", tableInput("tables", "pk S, sk S", nil,
			[]index{{"l-1", "pk S, a S", "ALL"}, {"l-2", "pk S, a S", "ALL"}, {"l-3", "pk S, a S", "ALL"},
				{"l-4", "pk S, a S", "ALL"}, {"l-5", "pk S, a S", "ALL"}, {"l-6", "pk S, a S", "ALL"}}),
			"LocalSecondaryIndexes exceeds per-table limit of 5"},
		{"index twice", tableInput("tables", "pk S", []index{{"gsi", "a S", "ALL"}, {"gsi", "a S", "ALL"}},
			nil), "Duplicate index name: gsi"},
		{"short name", tableInput("ta", "pk S", nil, nil),
			"Value 'ta' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"a stream without a view", change(func(in *sdk.CreateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true)}
		}), "If stream is being enabled then UpdateViewType is required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.CreateTable(t.Context(), tt.in)
			wantError(t, err, "ValidationException", tt.message)
		})
	}
}

func TestListTables(t *testing.T) {
	f := open(t, Options{})
	for _, name := range []string{"ccc", "aaa", "bbb", "ddd"} {
		f.createTable(t, name, "pk S", nil, nil)
	}
	var names []string
	var start *string
	for pages := 1; ; pages++ {
		out, err := f.ListTables(t.Context(), &sdk.ListTablesInput{Limit: aws.Int32(3), ExclusiveStartTableName: start})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, out.TableNames...)
		if start = out.LastEvaluatedTableName; start == nil {
			same(t, "pages", pages, 2)
			break
		}
	}
	same(t, "names", names, []string{"aaa", "bbb", "ccc", "ddd"})
}

func TestIndexIsFilledAndDropped(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "events", "pk S", nil, nil)
	const count = 700 // more than one step of the backfill
	for i := range count {
		f.put(t, "events", item{"pk": str(fmt.Sprint("e", i)), "kind": str([]string{"a", "b"}[i%2]),
			"at": num(i), "x": str("x")})
	}
	name, schema, definitions, projection := index{"by-kind", "kind S, at N", "KEYS_ONLY"}.parts()
	create := &sdk.UpdateTableInput{
		TableName:            aws.String("events"),
		AttributeDefinitions: definitions,
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
			Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName:  name,
				KeySchema:  schema,
				Projection: projection,
			},
		}},
	}
	if _, err := f.UpdateTable(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	// Write while the index is filled.
	f.put(t, "events", item{"pk": str("e0"), "kind": str("b"), "at": num(0)},
		item{"pk": str("late"), "kind": str("a"), "at": num(-1)})
	eventually(t, "the index is active", func() bool {
		return f.describe(t, "events").GlobalSecondaryIndexes[0].IndexStatus == types.IndexStatusActive
	})
	for kind, want := range map[string]int32{"a": count / 2, "b": count/2 + 1} {
		out, err := f.Query(t.Context(), &sdk.QueryInput{
			TableName:                 aws.String("events"),
			IndexName:                 aws.String("by-kind"),
			KeyConditionExpression:    aws.String("kind = :k"),
			ExpressionAttributeValues: item{":k": str(kind)},
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "entries of "+kind, out.Count, want)
		same(t, "first entry of "+kind, len(out.Items[0]), 3)
	}
	same(t, "counted entries", *f.describe(t, "events").GlobalSecondaryIndexes[0].ItemCount, int64(count+1))

	_, err := f.UpdateTable(t.Context(), create)
	wantError(t, err, "ValidationException", "already exists")
	if _, err := f.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: aws.String("events"),
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
			Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: name},
		}},
	}); err != nil {
		t.Fatal(err)
	}
	_, err = f.Query(t.Context(), &sdk.QueryInput{
		TableName:                 aws.String("events"),
		IndexName:                 aws.String("by-kind"),
		KeyConditionExpression:    aws.String("kind = :k"),
		ExpressionAttributeValues: item{":k": str("a")},
	})
	wantError(t, err, "ValidationException", "The table does not have the specified index: by-kind")
}

func TestTags(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "tagged", "pk S", nil, nil)
	arn := f.describe(t, "tagged").TableArn
	if _, err := f.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{
		{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.UntagResource(t.Context(), &sdk.UntagResourceInput{
		ResourceArn: arn,
		TagKeys:     []string{"b"},
	}); err != nil {
		t.Fatal(err)
	}
	out, err := f.ListTagsOfResource(t.Context(), &sdk.ListTagsOfResourceInput{ResourceArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tags", out.Tags, []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}})
}

func TestAccount(t *testing.T) {
	f := open(t, Options{})
	if _, err := f.DescribeLimits(t.Context(), &sdk.DescribeLimitsInput{}); err != nil {
		t.Error(err)
	}
	out, err := f.DescribeEndpoints(t.Context(), &sdk.DescribeEndpointsInput{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "endpoint", "http://"+*out.Endpoints[0].Address, f.server.URL)
}

func TestEnsureTable(t *testing.T) {
	f := open(t, Options{})
	declare := func(primary string, indexes ...SecondaryIndex) CreateTableInput {
		in := CreateTableInput{TableName: aws.String("rooms"), BillingMode: "PAY_PER_REQUEST"}
		schema, definitions := key(primary)
		for i := range schema {
			in.KeySchema = append(in.KeySchema, KeySchemaElement{*schema[i].AttributeName, string(schema[i].KeyType)})
			in.AttributeDefinitions = append(in.AttributeDefinitions,
				AttributeDefinition{*definitions[i].AttributeName, string(definitions[i].AttributeType)})
		}
		in.GlobalSecondaryIndexes = indexes
		return in
	}
	for range 2 { // the second call finds the table
		if err := f.engine.EnsureTable(t.Context(), declare("pk S, sk N"), "ttl"); err != nil {
			t.Fatal(err)
		}
	}
	ttl, err := f.DescribeTimeToLive(t.Context(), &sdk.DescribeTimeToLiveInput{TableName: aws.String("rooms")})
	if err != nil || ttl.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusEnabled ||
		*ttl.TimeToLiveDescription.AttributeName != "ttl" {
		t.Errorf("got the expiry %s, %v; want it enabled by ttl", dump(ttl), err)
	}
	f.put(t, "rooms", item{"pk": str("p"), "sk": num(1)})

	err = f.engine.EnsureTable(t.Context(), declare("pk S, sk S"), "ttl")
	if want := "table rooms: the table is declared with the key pk (S), sk (S), but exists with pk (S), sk (N): delete the table or choose another data folder"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	withIndex := declare("pk S, sk N", SecondaryIndex{
		IndexName:  aws.String("by-sk"),
		KeySchema:  []KeySchemaElement{{"sk", "HASH"}},
		Projection: &Projection{ProjectionType: "ALL"},
	})
	if err := f.engine.EnsureTable(t.Context(), withIndex, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the added index has the item", func() bool {
		return *f.describe(t, "rooms").GlobalSecondaryIndexes[0].ItemCount == 1
	})
	withIndex.GlobalSecondaryIndexes[0].Projection.ProjectionType = "KEYS_ONLY"
	if err := f.engine.EnsureTable(t.Context(), withIndex, ""); err == nil {
		t.Error("got no error for another projection, want one")
	}
	err = f.engine.EnsureTable(t.Context(), CreateTableInput{}, "")
	if _, ok := errors.AsType[*apiError](err); !ok {
		t.Errorf("an empty declaration: got %v, want an error of the API", err)
	}
}
