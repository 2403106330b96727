package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

func (f *fixture) setStream(t testing.TB, table string,
	spec *types.StreamSpecification) (*types.TableDescription, error) {
	t.Helper()
	out, err := f.UpdateTable(t.Context(), &sdk.UpdateTableInput{TableName: &table, StreamSpecification: spec})
	if err != nil {
		return nil, err
	}
	return out.TableDescription, nil
}

func (f *fixture) streamStatus(t testing.TB, arn string) string {
	t.Helper()
	out, err := f.streamsClient().DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.StreamDescription.StreamStatus)
}

func TestUpdateStream(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "table", "pk S", nil, nil)
	on := func(view types.StreamViewType) *types.StreamSpecification {
		return &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}
	}
	off := &types.StreamSpecification{StreamEnabled: aws.Bool(false)}

	if d := f.describe(t, "table"); d.StreamSpecification != nil || d.LatestStreamArn != nil ||
		d.LatestStreamLabel != nil {
		t.Errorf("got %s, want no stream", dump(d))
	}
	_, err := f.setStream(t, "table", off)
	wantError(t, err, "ValidationException", "Table has no stream to disable: TableName: table")
	_, err = f.setStream(t, "table", on(""))
	wantError(t, err, "ValidationException", "If stream is being enabled then UpdateViewType is required")
	_, err = f.setStream(t, "table", on("ALL"))
	wantError(t, err, "ValidationException",
		"Value 'ALL' at 'streamSpecification.streamViewType' failed to satisfy constraint: Member must satisfy enum value set")
	f.put(t, "table", item{"pk": str("before")})

	d, err := f.setStream(t, "table", on("NEW_IMAGE"))
	if err != nil {
		t.Fatal(err)
	}
	first := aws.ToString(d.LatestStreamArn)
	same(t, "status", string(d.TableStatus), "UPDATING")
	same(t, "arn", first, "arn:aws:dynamodb:us-east-1:000000000000:table/table/stream/"+
		aws.ToString(d.LatestStreamLabel))
	f.put(t, "table", item{"pk": str("during")})
	for _, view := range []types.StreamViewType{"NEW_IMAGE", "OLD_IMAGE"} {
		_, err = f.setStream(t, "table", on(view))
		wantError(t, err, "ValidationException", "Table already has an enabled stream: TableName: table")
	}
	_, err = f.setStream(t, "table", &types.StreamSpecification{
		StreamEnabled:  aws.Bool(false),
		StreamViewType: "NEW_IMAGE",
	})
	wantError(t, err, "ValidationException", "If stream is being disabled, then UpdateViewType must not be specified")

	if _, err = f.setStream(t, "table", off); err != nil {
		t.Fatal(err)
	}
	f.put(t, "table", item{"pk": str("after")})
	disabled := f.describe(t, "table")
	if disabled.StreamSpecification != nil {
		t.Errorf("got the StreamSpecification %s of a disabled stream, want none", dump(disabled.StreamSpecification))
	}
	same(t, "latest stream", aws.ToString(disabled.LatestStreamArn), first)
	same(t, "status", f.streamStatus(t, first), "DISABLED")
	same(t, "records, to the end of the closed shard", briefs(f.readAll(t, first)),
		[]string{"INSERT [pk=during] [] > [pk=during]"})

	d, err = f.setStream(t, "table", on("KEYS_ONLY"))
	if err != nil {
		t.Fatal(err)
	}
	second := aws.ToString(d.LatestStreamArn)
	if second == first {
		t.Error("the second stream has the ARN of the first, want another")
	}
	f.put(t, "table", item{"pk": str("again")})
	same(t, "records", briefs(f.readAll(t, second)), []string{"INSERT [pk=again] [] > []"})
	same(t, "view", string(f.describe(t, "table").StreamSpecification.StreamViewType), "KEYS_ONLY")
	same(t, "status of the first", f.streamStatus(t, first), "DISABLED")
}

// A template sets the label. The stream keeps its label and records through
// restarts and changes of the template.
func TestEnsureStream(t *testing.T) {
	const label, arn = "2026-01-01T00:00:00.000", "arn:aws:dynamodb:us-east-1:000000000000:table/ensured/stream/2026-01-01T00:00:00.000"
	dir := t.TempDir()
	var records []string
	for _, step := range []struct {
		name  string
		view  string // empty without a stream
		added string
	}{
		{"without a stream", "", ""},
		{"gains it", "KEYS_ONLY", "INSERT [pk=gains it] [] > []"},
		{"stays", "KEYS_ONLY", "INSERT [pk=stays] [] > []"},
		{"another view", "NEW_IMAGE", "INSERT [pk=another view] [] > [pk=another view]"},
		{"loses it", "", ""},
		{"is without it", "", ""},
		{"gains it again", "OLD_IMAGE", "INSERT [pk=gains it again] [] > []"},
	} {
		e, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		in := CreateTableInput{
			TableName:            aws.String("ensured"),
			BillingMode:          "PAY_PER_REQUEST",
			AttributeDefinitions: []AttributeDefinition{{"pk", "S"}},
			KeySchema:            []KeySchemaElement{{"pk", "HASH"}},
		}
		if step.view != "" {
			in.StreamSpecification = &StreamSpecification{StreamEnabled: true, StreamViewType: step.view, Label: label}
		}
		for range 2 { // the second call changes nothing
			if err := e.EnsureTable(t.Context(), in, ""); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
		}
		f := serveFixture(t, e)
		f.put(t, "ensured", item{"pk": str(step.name)})
		if step.added != "" {
			records = append(records, step.added)
		}
		if len(records) > 0 {
			same(t, step.name+": records", briefs(f.readAll(t, arn)), records)
			same(t, step.name+": latest", aws.ToString(f.describe(t, "ensured").LatestStreamArn), arn)
			want := "ENABLED"
			if step.view == "" {
				want = "DISABLED"
			}
			same(t, step.name+": status", f.streamStatus(t, arn), want)
		}
		if step.name == "gains it again" {
			d, err := f.streamsClient().DescribeStream(t.Context(),
				&streams.DescribeStreamInput{StreamArn: aws.String(arn)})
			if err != nil {
				t.Fatal(err)
			}
			shards := d.StreamDescription.Shards
			if len(shards) != 2 || aws.ToString(shards[1].ParentShardId) != *shards[0].ShardId ||
				shards[0].SequenceNumberRange.EndingSequenceNumber == nil ||
				shards[1].SequenceNumberRange.EndingSequenceNumber != nil {
				t.Errorf("shards: %s\nwant a closed one and its open child", dump(shards))
			}
		}
		f.server.Close()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
