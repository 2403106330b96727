package dynamodb

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func TestListStreams(t *testing.T) {
	f := open(t, Options{})
	client := f.streamsClient()
	f.createTable(t, "none", "pk S", nil, nil)
	var want []string
	for _, name := range []string{"one", "three", "two"} {
		want = append(want, f.createStreamed(t, name, "pk S", "KEYS_ONLY"))
	}
	var got []string
	in := &streams.ListStreamsInput{Limit: aws.Int32(2)}
	for pages := 1; ; pages++ {
		out, err := client.ListStreams(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.Streams {
			got = append(got, *s.StreamArn)
			same(t, "arn", *s.StreamArn, "arn:aws:dynamodb:us-east-1:000000000000:table/"+*s.TableName+
				"/stream/"+*s.StreamLabel)
		}
		if in.ExclusiveStartStreamArn = out.LastEvaluatedStreamArn; out.LastEvaluatedStreamArn == nil {
			same(t, "pages", pages, 2)
			break
		}
	}
	same(t, "streams", got, want)
	for table, n := range map[string]int{"two": 1, "none": 0} {
		out, err := client.ListStreams(t.Context(), &streams.ListStreamsInput{TableName: aws.String(table)})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "streams of "+table, len(out.Streams), n)
	}
	_, err := client.ListStreams(t.Context(), &streams.ListStreamsInput{Limit: aws.Int32(0)})
	wantError(t, err, "ValidationException",
		"Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
}

func TestDescribeStream(t *testing.T) {
	f := open(t, Options{})
	arn := f.createStreamed(t, "described", "pk S, sk N", "NEW_IMAGE")
	client := f.streamsClient()
	out, err := client.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	d := out.StreamDescription
	same(t, "names", []string{*d.StreamArn, *d.TableName, string(d.StreamStatus),
		string(d.StreamViewType)}, []string{arn, "described", "ENABLED", "NEW_IMAGE"})
	same(t, "label", arn, "arn:aws:dynamodb:us-east-1:000000000000:table/described/stream/"+*d.StreamLabel)
	same(t, "key", []string{*d.KeySchema[0].AttributeName, string(d.KeySchema[0].KeyType),
		*d.KeySchema[1].AttributeName, string(d.KeySchema[1].KeyType)}, []string{"pk", "HASH", "sk", "RANGE"})
	if d.CreationRequestDateTime == nil || time.Since(*d.CreationRequestDateTime) > time.Hour {
		t.Errorf("got the creation time %v, want now", d.CreationRequestDateTime)
	}
	shard := d.Shards[0]
	if n := len(*shard.ShardId); n < 28 || n > 65 || !strings.HasPrefix(*shard.ShardId, "shardId-") {
		t.Errorf("got the shard id %s, want shardId-… of 28 to 65 characters", *shard.ShardId)
	}
	if shard.SequenceNumberRange.EndingSequenceNumber != nil ||
		len(*shard.SequenceNumberRange.StartingSequenceNumber) < 21 {
		t.Errorf("got the range %s, want an open one", dump(shard.SequenceNumberRange))
	}
	after, err := client.DescribeStream(t.Context(), &streams.DescribeStreamInput{
		StreamArn:             &arn,
		ExclusiveStartShardId: shard.ShardId,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "shards after the last", len(after.StreamDescription.Shards), 0)
	children, err := client.DescribeStream(t.Context(), &streams.DescribeStreamInput{
		StreamArn:   &arn,
		ShardFilter: &streamtypes.ShardFilter{Type: "CHILD_SHARDS", ShardId: shard.ShardId},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "children of the open shard", len(children.StreamDescription.Shards), 0)

	_, err = client.DescribeStream(t.Context(),
		&streams.DescribeStreamInput{StreamArn: aws.String("a-text-of-thirty-seven-characters-at-least")})
	wantError(t, err, "ValidationException", "Invalid StreamArn")
	_, err = client.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: aws.String("short")})
	wantError(t, err, "ValidationException",
		"Value 'short' at 'streamArn' failed to satisfy constraint: Member must have length greater than or equal to 37")
	other := strings.Replace(arn, "described", "another", 1)
	_, err = client.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: &other})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found: Stream: "+other+" not found")
	if _, ok := errors.AsType[*streamtypes.ResourceNotFoundException](err); !ok {
		t.Errorf("got an error of type %T, want a ResourceNotFoundException of the streams SDK", err)
	}
}

// streamOfFour returns a stream whose records 0 to 3 were written at start and
// one, two and three seconds later.
func streamOfFour(t *testing.T, start time.Time) (f *fixture, arn string) {
	var elapsed atomic.Int64
	f = open(t, Options{Now: func() time.Time { return start.Add(time.Duration(elapsed.Load())) }})
	arn = f.createStreamed(t, "read", "pk S", "KEYS_ONLY")
	for i := range 4 {
		f.put(t, "read", item{"pk": str(fmt.Sprint(i))})
		elapsed.Add(int64(time.Second))
	}
	return f, arn
}

func TestShardIterators(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f, arn := streamOfFour(t, start)
	shard, client := f.onlyShard(t, arn), f.streamsClient()
	records := f.readAll(t, arn)
	read := func(in *streams.GetShardIteratorInput) string {
		t.Helper()
		in.StreamArn, in.ShardId = &arn, shard
		out, err := client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: f.iterator(t, in)})
		if err != nil {
			t.Fatal(err)
		}
		if out.NextShardIterator == nil {
			t.Error("got no next iterator, want one for an open shard")
		}
		var got []string
		for _, r := range out.Records {
			got = append(got, strings.TrimPrefix(attributes(r.Dynamodb.Keys), "pk="))
		}
		return strings.Join(got, " ")
	}
	number := func(i int) *string { return records[i].Dynamodb.SequenceNumber }
	at := func(d time.Duration) *time.Time { return aws.Time(start.Add(d)) }
	for _, tt := range []struct {
		in   streams.GetShardIteratorInput
		want string
	}{
		{streams.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"}, "0 1 2 3"},
		{streams.GetShardIteratorInput{ShardIteratorType: "LATEST"}, ""},
		{streams.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", SequenceNumber: number(1)}, "1 2 3"},
		{streams.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: number(1)}, "2 3"},
		{streams.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: number(3)}, ""},
		{streams.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: at(2 * time.Second)}, "2 3"},
		{streams.GetShardIteratorInput{
			ShardIteratorType: "AT_TIMESTAMP",
			Timestamp:         at(1500 * time.Millisecond),
		}, "2 3"},
		{streams.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: at(-time.Hour)}, "0 1 2 3"},
	} {
		same(t, fmt.Sprint(tt.in.ShardIteratorType, aws.ToString(tt.in.SequenceNumber)), read(&tt.in), tt.want)
	}
}

func TestShardIteratorRefusals(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f, arn := streamOfFour(t, start)
	shard, client := f.onlyShard(t, arn), f.streamsClient()
	for _, tt := range []struct {
		in            streams.GetShardIteratorInput
		code, message string
	}{
		{streams.GetShardIteratorInput{ShardIteratorType: "OLDEST"}, "ValidationException",
			"Value 'OLDEST' at 'shardIteratorType'"},
		{streams.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER"}, "ValidationException",
			"SequenceNumber is required"},
		{streams.GetShardIteratorInput{
			ShardIteratorType: "AT_SEQUENCE_NUMBER",
			SequenceNumber:    aws.String("1"),
		}, "ValidationException", "Value '1' at 'sequenceNumber'"},
		{streams.GetShardIteratorInput{
			ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
			SequenceNumber:    aws.String(strings.Repeat("9", 21)),
		}, "ValidationException", "Invalid SequenceNumber"},
		{streams.GetShardIteratorInput{
			ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
			SequenceNumber:    aws.String("1" + strings.Repeat("0", 20)),
		}, "TrimmedDataAccessException", ""},
		{streams.GetShardIteratorInput{
			ShardIteratorType: "AT_TIMESTAMP",
			Timestamp:         aws.Time(start.Add(time.Hour)),
		}, "ValidationException", "Timestamp"},
		{streams.GetShardIteratorInput{
			ShardIteratorType: "LATEST",
			ShardId:           aws.String("shardId-00000000000000000000-00000000"),
		}, "ResourceNotFoundException", "shardId-00000000000000000000-00000000"},
	} {
		in := tt.in
		if in.StreamArn = &arn; in.ShardId == nil {
			in.ShardId = shard
		}
		_, err := client.GetShardIterator(t.Context(), &in)
		wantError(t, err, tt.code, tt.message)
	}
}

func TestGetRecords(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var elapsed atomic.Int64
	f := open(t, Options{Now: func() time.Time { return start.Add(time.Duration(elapsed.Load())) }})
	arn := f.createStreamed(t, "pages", "pk S", "NEW_IMAGE")
	shard, client := f.onlyShard(t, arn), f.streamsClient()
	latest := f.iterator(t, &streams.GetShardIteratorInput{
		StreamArn:         &arn,
		ShardId:           shard,
		ShardIteratorType: "LATEST",
	})
	for i := range 4 {
		f.put(t, "pages", item{"pk": str(fmt.Sprint(i)), "fill": str(long(300_000))})
	}
	pages := func(limit *int32) (sizes []int) {
		t.Helper()
		next := latest
		for {
			out, err := client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: next, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Records) == 0 {
				return sizes
			}
			sizes = append(sizes, len(out.Records))
			next = out.NextShardIterator
		}
	}
	same(t, "pages of 1 MB", pages(nil), []int{3, 1})
	same(t, "pages by limit", pages(aws.Int32(2)), []int{2, 2})

	_, err := client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: latest, Limit: aws.Int32(1001)})
	wantError(t, err, "LimitExceededException", "")
	_, err = client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: latest, Limit: aws.Int32(0)})
	wantError(t, err, "ValidationException", "Value '0' at 'limit'")
	for _, text := range []string{"x", *latest + "x", strings.Replace(*latest, "pages", "other", 1)} {
		_, err = client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: &text})
		wantError(t, err, "ValidationException", "Invalid ShardIterator")
	}
	elapsed.Store(int64(15*time.Minute - time.Second))
	same(t, "pages just before the iterator expires", len(pages(nil)), 2)
	elapsed.Store(int64(15 * time.Minute))
	_, err = client.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: latest})
	wantError(t, err, "ExpiredIteratorException", "Iterator expired")
}

// Reading in process continues over all shards, and a write wakes a waiting
// reader.
func TestReadStream(t *testing.T) {
	f := open(t, Options{})
	arn := f.createStreamed(t, "source", "pk S", "NEW_IMAGE")
	end, err := f.engine.StreamEnd(arn)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := f.engine.StreamChanged(arn)
	if err != nil {
		t.Fatal(err)
	}
	records, err := f.engine.ReadStream(arn, end, 10)
	if err != nil || len(records) != 0 {
		t.Fatalf("got the records %v, %v; want none before a write", records, err)
	}
	select {
	case <-changed:
		t.Fatal("the stream has changed before a write")
	default:
	}
	f.put(t, "source", item{"pk": str("a"), "v": num(1)}, item{"pk": str("a"), "v": num(2)}, item{"pk": str("b")})
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatal("the stream has not changed after a write")
	}
	records, err = f.engine.ReadStream(arn, end, 2)
	if err != nil || len(records) != 2 {
		t.Fatalf("got the records %v, %v; want the first two", records, err)
	}
	if records[0].Item != records[1].Item || records[0].ShardID != *f.onlyShard(t, arn) {
		t.Errorf("got the items %q, %q of shard %s, want the same item twice", records[0].Item,
			records[1].Item, records[0].ShardID)
	}
	rest, err := f.engine.ReadStream(arn, records[1].SequenceNumber, 10)
	if err != nil || len(rest) != 1 || rest[0].Item == records[0].Item {
		t.Fatalf("got the rest %v, %v; want one record of another item", rest, err)
	}
	if _, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("source")}); err != nil {
		t.Fatal(err)
	}
	all, err := f.engine.ReadStream(arn, "", 10)
	if err != nil || len(all) != 3 {
		t.Fatalf("got %v, %v after the table's deletion, want 3 records", all, err)
	}
	if _, err := f.engine.ReadStream(arn+"1", "", 10); err == nil {
		t.Error("got no error for a stream that does not exist")
	}
}
