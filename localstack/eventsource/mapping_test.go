package eventsource_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sotto-chat/sotto/localstack/eventsource"
)

func TestE12_BatchSize(t *testing.T) {
	s := newStack(t)
	s.put("a", "b", "c", "d", "e")
	s.start(s.mapping(func(c *eventsource.Config) { c.BatchSize = 2 }))
	s.waitForCalls("a=0 b=1", "c=2 d=3", "e=4")
	s.put("f") // wakes the idle poller
	s.waitForCalls("a=0 b=1", "c=2 d=3", "e=4", "f=0")
}

func TestE12_BatchingWindowFillsBatches(t *testing.T) {
	s := newStack(t)
	s.start(s.mapping(func(c *eventsource.Config) { c.BatchSize, c.MaximumBatchingWindow = 4, 300*time.Second }))
	s.put("a", "b", "c", "d", "e", "f", "g", "h")
	s.waitForCalls("a=0 b=1 c=2 d=3", "e=4 f=5 g=6 h=7")
}

func TestE12_BatchingWindowEnds(t *testing.T) {
	s := newStack(t)
	s.put("a", "b")
	s.start(s.mapping(func(c *eventsource.Config) { c.MaximumBatchingWindow = 50 * time.Millisecond }))
	s.waitForCalls("a=0 b=1")
}

// E12: an event has at most 6 MB of JSON, in which a control character takes
// six bytes.
func TestE12_PayloadLimit(t *testing.T) {
	s := newStack(t)
	for _, pk := range names("large", 5) {
		s.putValue(pk, strings.Repeat("\x01", 390_000))
	}
	s.start(s.mapping(nil))
	s.waitFor("all records", func() bool { return len(s.seen()) == 5 })
	var sizes []int
	for _, batch := range s.batches {
		sizes = append(sizes, len(batch))
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("got batches of %v records, want [2 2 1]", sizes)
	}
	for i, payload := range s.payloads {
		if len(payload) > 6<<20 {
			t.Errorf("payload %d: got %d bytes, want at most %d", i, len(payload), 6<<20)
		}
	}
}

// E12: the changes of an item arrive in order, those of other items
// concurrently.
func TestE12_ParallelizationFactor(t *testing.T) {
	const factor, items, versions = 4, 12, 5
	s := newStack(t)
	for v := range versions {
		for _, pk := range names("item", items) {
			s.putValue(pk, fmt.Sprint(v))
		}
	}
	s.parallel = true
	arrived := make(chan struct{}, items*versions)
	s.handle = func(call int, _ []string) (eventsource.Response, error) {
		arrived <- struct{}{}
		if call == 0 { // waits for its own arrival and another one
			for range 2 {
				select {
				case <-arrived:
				case <-time.After(longEnough):
					t.Error("timed out waiting for a batch that runs concurrently with the first")
				}
			}
		}
		return eventsource.Response{}, nil
	}
	s.start(s.mapping(func(c *eventsource.Config) { c.BatchSize, c.ParallelizationFactor = 3, factor }))
	s.waitFor("all records", func() bool { return len(s.seen()) == items*versions })
	next := make(map[string]int)
	for _, record := range s.seen() {
		pk, v, _ := strings.Cut(record, "=")
		if want := fmt.Sprint(next[pk]); v != want {
			t.Errorf("%s: got version %s, want %s", pk, v, want)
		}
		next[pk]++
	}
}

func TestE12_StartingPosition(t *testing.T) {
	for _, tt := range []struct {
		position string
		want     []string
	}{
		{eventsource.TrimHorizon, []string{"before=0", "after=0"}},
		{eventsource.Latest, []string{"after=0"}},
	} {
		t.Run(tt.position, func(t *testing.T) {
			s := newStack(t)
			s.put("before")
			s.start(s.mapping(func(c *eventsource.Config) { c.StartingPosition, c.BatchSize = tt.position, 1 }))
			s.put("after")
			s.waitForCalls(tt.want...)
		})
	}
}

// The event has exactly the members that aws-lambda-go decodes.
func TestE12_EventShape(t *testing.T) {
	s := newStack(t)
	s.put("a", "a")
	s.start(s.mapping(nil))
	s.waitForCalls("a=0 a=1")
	var event events.DynamoDBEvent
	if err := json.Unmarshal(s.payloads[0], &event); err != nil {
		t.Fatal(err)
	}
	var raw struct{ Records []map[string]json.RawMessage }
	if err := json.Unmarshal(s.payloads[0], &raw); err != nil {
		t.Fatal(err)
	}
	for i, r := range event.Records {
		want := []string{"awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN",
			"eventVersion"}
		var got []string
		for name := range raw.Records[i] {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got the members %v, want %v", got, want)
		}
		s.checkRecord(i, r)
	}
}

// checkRecord checks the i-th record of an item: its INSERT or its MODIFY.
func (s *stack) checkRecord(i int, r events.DynamoDBEventRecord) {
	s.t.Helper()
	if name := []string{"INSERT", "MODIFY"}[i]; r.EventName != name || r.EventVersion != "1.1" ||
		r.EventSource != "aws:dynamodb" || r.AWSRegion != "us-east-1" || r.EventSourceArn != s.stream ||
		len(r.EventID) != 32 || r.UserIdentity != nil {
		s.t.Errorf("got the record %+v, want the %s of stream %s", r, name, s.stream)
	}
	change := r.Change
	if time.Since(change.ApproximateCreationDateTime.Time) > time.Hour ||
		change.StreamViewType != "NEW_AND_OLD_IMAGES" || len(change.SequenceNumber) < 21 ||
		change.SizeBytes == 0 || change.Keys["pk"].String() != "a" ||
		change.NewImage["v"].String() != fmt.Sprint(i) || len(change.OldImage) != 2*i {
		s.t.Errorf("got the change %+v, want change %d of item a", change, i)
	}
}

func TestE12_FilterCriteria(t *testing.T) {
	s := newStack(t)
	s.start(s.mapping(func(c *eventsource.Config) {
		c.BatchSize = 1
		c.FilterPatterns = []string{
			`{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"pk": {"S": [{"prefix": "order#"}]}}}}`,
			`{"dynamodb": {"NewImage": {"v": {"S": ["last"]}}}}`,
		}
	}))
	s.putValue("user#1", "0")
	s.putValue("order#1", "1")
	s.putValue("order#1", "2")
	s.putValue("user#1", "last")
	s.waitForCalls("order#1=1", "user#1=last")
}

func TestInvalidConfigs(t *testing.T) {
	s := newStack(t)
	service, _ := s.start()
	for _, tt := range []struct {
		change func(*eventsource.Config)
		want   string
	}{
		{func(c *eventsource.Config) { c.UUID = "../x" }, "UUID"},
		{func(c *eventsource.Config) { c.StreamARN = "" }, "StreamARN"},
		{func(c *eventsource.Config) { c.StreamARN = s.stream + "1" }, "not found"},
		{func(c *eventsource.Config) { c.Function = "" }, "Function"},
		{func(c *eventsource.Config) { c.StartingPosition = "AT_TIMESTAMP" }, "StartingPosition"},
		{func(c *eventsource.Config) { c.BatchSize = 10_001 }, "BatchSize"},
		{func(c *eventsource.Config) { c.MaximumBatchingWindow = 301 * time.Second }, "MaximumBatchingWindow"},
		{func(c *eventsource.Config) { c.ParallelizationFactor = 11 }, "ParallelizationFactor"},
		{func(c *eventsource.Config) { c.MaximumRetryAttempts = 10_001 }, "MaximumRetryAttempts"},
		{func(c *eventsource.Config) { c.MaximumRecordAge = 59 * time.Second }, "MaximumRecordAge"},
		{func(c *eventsource.Config) { c.FilterPatterns = []string{`{"a": 1}`} }, "a value is not in a list"},
	} {
		if err := service.Set([]eventsource.Config{s.mapping(tt.change)}); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error with %s", err, tt.want)
		}
	}
	if err := service.Set([]eventsource.Config{s.mapping(nil), s.mapping(nil)}); err == nil ||
		!strings.Contains(err.Error(), "twice") {
		t.Errorf("the same mapping twice: got %v, want an error with \"twice\"", err)
	}
	s.put("a")
	if err := service.Set([]eventsource.Config{s.mapping(nil)}); err != nil {
		t.Fatal(err)
	}
	s.waitForCalls("a=0")
}
