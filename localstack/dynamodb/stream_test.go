package dynamodb

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// streamsClient returns an SDK client for the streams of f's engine.
func (f *fixture) streamsClient() *streams.Client {
	return streams.New(streams.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(f.server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: plainBody{http.DefaultTransport}},
	})
}

// createStreamed creates a table with a stream and returns the stream's ARN.
func (f *fixture) createStreamed(t testing.TB, name, primary string, view types.StreamViewType) string {
	t.Helper()
	in := tableInput(name, primary, nil, nil)
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}
	out, err := f.CreateTable(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.TableDescription.LatestStreamArn)
}

// onlyShard returns the id of the only shard of a stream.
func (f *fixture) onlyShard(t testing.TB, arn string) *string {
	t.Helper()
	out, err := f.streamsClient().DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.StreamDescription.Shards) != 1 {
		t.Fatalf("got the shards %s, want one", dump(out.StreamDescription.Shards))
	}
	return out.StreamDescription.Shards[0].ShardId
}

func (f *fixture) iterator(t testing.TB, in *streams.GetShardIteratorInput) *string {
	t.Helper()
	out, err := f.streamsClient().GetShardIterator(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ShardIterator
}

// readAll reads all shards of a stream in order, from the oldest record.
func (f *fixture) readAll(t testing.TB, arn string) []streamtypes.Record {
	t.Helper()
	client := f.streamsClient()
	d, err := client.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var all []streamtypes.Record
	for _, shard := range d.StreamDescription.Shards {
		next := f.iterator(t, &streams.GetShardIteratorInput{
			StreamArn:         &arn,
			ShardId:           shard.ShardId,
			ShardIteratorType: "TRIM_HORIZON",
		})
		for next != nil {
			out, err := client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: next})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, out.Records...)
			if next = out.NextShardIterator; len(out.Records) == 0 && next != nil {
				break // the shard is open and read to its current end
			}
		}
	}
	return all
}

// attributes formats the strings and numbers of an item or image: "pk=a v=1".
func attributes(image map[string]streamtypes.AttributeValue) string {
	var parts []string
	for name, v := range image {
		switch v := v.(type) {
		case *streamtypes.AttributeValueMemberS:
			parts = append(parts, name+"="+v.Value)
		case *streamtypes.AttributeValueMemberN:
			parts = append(parts, name+"="+v.Value)
		default:
			parts = append(parts, fmt.Sprintf("%s=%T", name, v))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// brief formats a record: "MODIFY [keys] [old] > [new]".
func brief(r streamtypes.Record) string {
	d := r.Dynamodb
	return fmt.Sprintf("%s [%s] [%s] > [%s]", r.EventName, attributes(d.Keys), attributes(d.OldImage),
		attributes(d.NewImage))
}

func briefs(records []streamtypes.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, brief(r))
	}
	return out
}

func (f *fixture) mustUpdate(t testing.TB, table string, key item, expression string, values item) {
	t.Helper()
	if _, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName:                 &table,
		Key:                       key,
		UpdateExpression:          &expression,
		ExpressionAttributeValues: values,
	}); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) mustDelete(t testing.TB, table string, key item) {
	t.Helper()
	if _, err := f.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Fatal(err)
	}
}

func TestStreamViews(t *testing.T) {
	f := open(t, Options{})
	for view, want := range map[types.StreamViewType][]string{
		"KEYS_ONLY": {"INSERT [pk=a] [] > []", "MODIFY [pk=a] [] > []", "REMOVE [pk=a] [] > []"},
		"NEW_IMAGE": {"INSERT [pk=a] [] > [pk=a v=1]", "MODIFY [pk=a] [] > [pk=a v=2]",
			"REMOVE [pk=a] [] > []"},
		"OLD_IMAGE": {"INSERT [pk=a] [] > []", "MODIFY [pk=a] [pk=a v=1] > []",
			"REMOVE [pk=a] [pk=a v=2] > []"},
		"NEW_AND_OLD_IMAGES": {"INSERT [pk=a] [] > [pk=a v=1]", "MODIFY [pk=a] [pk=a v=1] > [pk=a v=2]",
			"REMOVE [pk=a] [pk=a v=2] > []"},
	} {
		t.Run(string(view), func(t *testing.T) {
			arn := f.createStreamed(t, string(view), "pk S", view)
			f.put(t, string(view), item{"pk": str("a"), "v": num(1)}, item{"pk": str("a"), "v": num(2)})
			f.mustDelete(t, string(view), item{"pk": str("a")})
			records := f.readAll(t, arn)
			same(t, "records", briefs(records), want)
			for _, r := range records {
				same(t, "view", string(r.Dynamodb.StreamViewType), string(view))
			}
		})
	}
}

// A write that does not change the item makes no record, nor does one that
// fails.
func TestStreamOnlyChanges(t *testing.T) {
	f := open(t, Options{})
	arn := f.createStreamed(t, "changes", "pk S, sk N", "NEW_AND_OLD_IMAGES")
	a := item{"pk": str("a"), "sk": num(1), "v": num(1)}
	key := item{"pk": str("a"), "sk": num(1)}
	table := aws.String("changes")
	f.put(t, "changes", a, a, item{"pk": str("a"), "sk": num("1.0"), "v": num("1.00")})
	f.mustUpdate(t, "changes", key, "SET v = :v", item{":v": num(1)})
	f.mustDelete(t, "changes", item{"pk": str("none"), "sk": num(0)})
	_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:           table,
		Item:                item{"pk": str("a"), "sk": num(1), "v": num(9)},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	wantError(t, err, "ConditionalCheckFailedException", "")
	_, err = f.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: table, Item: item{"pk": str("b"), "sk": num(1)}}},
		{ConditionCheck: &types.ConditionCheck{
			TableName:           table,
			Key:                 item{"pk": str("c"), "sk": num(1)},
			ConditionExpression: aws.String("attribute_exists(pk)"),
		}},
	}})
	wantError(t, err, "TransactionCanceledException", "")
	f.mustUpdate(t, "changes", key, "SET v = :v", item{":v": num(2)})
	same(t, "records", briefs(f.readAll(t, arn)), []string{
		"INSERT [pk=a sk=1] [] > [pk=a sk=1 v=1]", "MODIFY [pk=a sk=1] [pk=a sk=1 v=1] > [pk=a sk=1 v=2]"})
}

func TestStreamOfBatchesAndTransactions(t *testing.T) {
	f := open(t, Options{})
	arn := f.createStreamed(t, "many", "pk S", "NEW_IMAGE")
	f.createTable(t, "quiet", "pk S", nil, nil)
	var requests []types.WriteRequest
	for i := range 5 {
		requests = append(requests, putRequests(item{"pk": str(fmt.Sprint("b", i))})...)
	}
	if _, err := f.BatchWriteItem(t.Context(),
		&sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"many": requests}}); err != nil {
		t.Fatal(err)
	}
	table := aws.String("many")
	in := &sdk.TransactWriteItemsInput{ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: table, Item: item{"pk": str("t0")}}},
		{Put: &types.Put{TableName: aws.String("quiet"), Item: item{"pk": str("t0")}}},
		{Delete: &types.Delete{TableName: table, Key: item{"pk": str("b0")}}},
		{Update: &types.Update{
			TableName:                 table,
			Key:                       item{"pk": str("b1")},
			UpdateExpression:          aws.String("SET v = :v"),
			ExpressionAttributeValues: item{":v": num(1)},
		}},
		{Update: &types.Update{ // creates nothing
			TableName:        table,
			Key:              item{"pk": str("missing")},
			UpdateExpression: aws.String("REMOVE v"),
		}},
	}}
	f.mustUpdate(t, *table, item{"pk": str("missing")}, "REMOVE v, m.x", nil)
	for range 2 { // the second transaction changes nothing
		if _, err := f.TransactWriteItems(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "records", briefs(f.readAll(t, arn)), []string{
		"INSERT [pk=b0] [] > [pk=b0]", "INSERT [pk=b1] [] > [pk=b1]", "INSERT [pk=b2] [] > [pk=b2]",
		"INSERT [pk=b3] [] > [pk=b3]", "INSERT [pk=b4] [] > [pk=b4]",
		"INSERT [pk=t0] [] > [pk=t0]", "REMOVE [pk=b0] [] > []", "MODIFY [pk=b1] [] > [pk=b1 v=1]"})
}

func TestStreamRecordMembers(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 987e6, time.UTC)
	f := open(t, Options{Region: "eu-central-1", Now: func() time.Time { return at }})
	arn := f.createStreamed(t, "members", "Id N", "NEW_IMAGE")
	f.put(t, "members", item{"Id": num(101), "Message": str("New item!")},
		item{"Id": num(102), "Message": str("New item!")})
	records := f.readAll(t, arn)
	r := records[0]
	same(t, "version", aws.ToString(r.EventVersion), "1.1")
	same(t, "source", aws.ToString(r.EventSource), "aws:dynamodb")
	same(t, "region", aws.ToString(r.AwsRegion), "eu-central-1")
	same(t, "time, in whole seconds", r.Dynamodb.ApproximateCreationDateTime.UTC(), at.Truncate(time.Second))
	// The numbers of the example in the Lambda Developer Guide ("Using Lambda
	// with DynamoDB").
	same(t, "size", aws.ToInt64(r.Dynamodb.SizeBytes), int64(26))
	if id := aws.ToString(r.EventID); len(id) != 32 || id == aws.ToString(records[1].EventID) ||
		id != aws.ToString(f.readAll(t, arn)[0].EventID) {
		t.Errorf("got the event id %s, want 32 digits, the same in every read and different for other records", id)
	}
	first, second := aws.ToString(r.Dynamodb.SequenceNumber), aws.ToString(records[1].Dynamodb.SequenceNumber)
	if len(first) < 21 || len(first) > 40 || first >= second {
		t.Errorf("got the sequence numbers %s, %s; want 21 to 40 digits, ascending", first, second)
	}
	if r.UserIdentity != nil {
		t.Errorf("got the identity %s of a client's write, want none", dump(r.UserIdentity))
	}
}

// E10: the record of an expired item's deletion names the service as the
// principal.
func TestE10_StreamRecordOfExpiry(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f := open(t, Options{SweepInterval: time.Millisecond, Now: func() time.Time { return start }})
	arn := f.createStreamed(t, "sessions", "pk S", "OLD_IMAGE")
	if _, err := f.UpdateTimeToLive(t.Context(), &sdk.UpdateTimeToLiveInput{TableName: aws.String("sessions"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String("ttl"),
			Enabled:       aws.Bool(true),
		}}); err != nil {
		t.Fatal(err)
	}
	f.put(t, "sessions", item{"pk": str("kept"), "ttl": num(start.Unix() + 60)},
		item{"pk": str("due"), "ttl": num(start.Unix() - 60)})
	f.mustDelete(t, "sessions", item{"pk": str("kept")})
	var records []streamtypes.Record
	eventually(t, "the deletion is recorded", func() bool { records = f.readAll(t, arn); return len(records) == 4 })
	for _, r := range records {
		if r.EventName != "REMOVE" {
			continue
		}
		if attributes(r.Dynamodb.Keys) == "pk=kept" {
			if r.UserIdentity != nil {
				t.Errorf("got the identity %s of a client's deletion, want none", dump(r.UserIdentity))
			}
			continue
		}
		if r.UserIdentity == nil {
			t.Fatal("got no identity of the deletion by expiry, want the service")
		}
		same(t, "type", aws.ToString(r.UserIdentity.Type), "Service")
		same(t, "principal", aws.ToString(r.UserIdentity.PrincipalId), "dynamodb.amazonaws.com")
		same(t, "old image", attributes(r.Dynamodb.OldImage), fmt.Sprintf("pk=due ttl=%d", start.Unix()-60))
	}
}

// E12: a reader that follows the stream during concurrent writes sees every
// change of an item, in order.
func TestE12_StreamOrderPerItem(t *testing.T) {
	const writers, items, steps = 8, 3, 25
	f := open(t, Options{})
	arn := f.createStreamed(t, "order", "pk S", "NEW_AND_OLD_IMAGES")
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for i := range steps {
				key := item{"pk": str(fmt.Sprint("item", (w+i)%items))}
				if _, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
					TableName:                 aws.String("order"),
					Key:                       key,
					UpdateExpression:          aws.String("ADD v :one"),
					ExpressionAttributeValues: item{":one": num(1)},
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var ended atomic.Bool
	go func() { running.Wait(); ended.Store(true) }()
	next := f.iterator(t, &streams.GetShardIteratorInput{
		StreamArn:         &arn,
		ShardId:           f.onlyShard(t, arn),
		ShardIteratorType: "TRIM_HORIZON",
	})
	client, versions, read := f.streamsClient(), make(map[string]int), 0
	eventually(t, "all changes are read", func() bool {
		last := ended.Load()
		out, err := client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(7)})
		if err != nil {
			t.Fatal(err)
		}
		next = out.NextShardIterator
		for _, r := range out.Records {
			read++
			pk := attributes(r.Dynamodb.Keys)
			versions[pk]++
			if got, want := attributes(r.Dynamodb.NewImage), fmt.Sprintf("%s v=%d", pk, versions[pk]); got != want {
				t.Fatalf("record %d: got %s, want %s", read, got, want)
			}
		}
		return last && len(out.Records) == 0
	})
	same(t, "records", read, writers*steps)
}

// E12: records stay for 24 hours, also those of a disabled stream.
func TestE12_Retention24Hours(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var elapsed atomic.Int64
	f := open(t, Options{
		SweepInterval: time.Millisecond,
		Now:           func() time.Time { return start.Add(time.Duration(elapsed.Load())) },
	})
	arn := f.createStreamed(t, "kept", "pk S", "KEYS_ONLY")
	shard, client := f.onlyShard(t, arn), f.streamsClient()
	f.put(t, "kept", item{"pk": str("first")})
	at := &streams.GetShardIteratorInput{
		StreamArn:         &arn,
		ShardId:           shard,
		ShardIteratorType: "AT_SEQUENCE_NUMBER",
		SequenceNumber:    f.readAll(t, arn)[0].Dynamodb.SequenceNumber,
	}

	elapsed.Store(int64(24*time.Hour - time.Minute))
	old := f.iterator(t, at)
	f.put(t, "kept", item{"pk": str("second")})
	same(t, "records", len(f.readAll(t, arn)), 2)

	elapsed.Store(int64(24*time.Hour + time.Minute))
	eventually(t, "the first record is trimmed", func() bool {
		// Reading meanwhile could meet the trimming.
		_, err := client.GetShardIterator(t.Context(), at)
		return err != nil
	})
	same(t, "left", briefs(f.readAll(t, arn)), []string{"INSERT [pk=second] [] > []"})
	_, err := client.GetShardIterator(t.Context(), at)
	wantError(t, err, "TrimmedDataAccessException", "past the oldest stream record")
	_, err = client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: old})
	wantError(t, err, "TrimmedDataAccessException", "past the oldest stream record")

	if _, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("kept")}); err != nil {
		t.Fatal(err)
	}
	elapsed.Store(int64(47 * time.Hour))
	same(t, "left of the deleted table", briefs(f.readAll(t, arn)), []string{"INSERT [pk=second] [] > []"})
	elapsed.Store(int64(49 * time.Hour))
	eventually(t, "the stream is removed", func() bool {
		_, err := client.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &arn})
		return err != nil
	})
	_, err = client.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &arn})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found: Stream: "+arn+" not found")
}
