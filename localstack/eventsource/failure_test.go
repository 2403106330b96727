package eventsource_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sotto-chat/sotto/localstack/eventsource"
)

// failOn returns a handler that fails for batches with a record of the item.
func failOn(pk string) func(int, []string) (eventsource.Response, error) {
	return func(_ int, batch []string) (eventsource.Response, error) {
		if slices.ContainsFunc(batch, func(r string) bool { return strings.HasPrefix(r, pk+"=") }) {
			return failed, nil
		}
		return eventsource.Response{}, nil
	}
}

// E12: by default a failing batch is retried until it succeeds, and later
// records wait.
func TestE12_RetriesUntilSuccess(t *testing.T) {
	s := newStack(t)
	s.put("a", "b", "c")
	s.handle = func(call int, _ []string) (eventsource.Response, error) {
		switch {
		case call < 3:
			return failed, nil
		case call < 5:
			return eventsource.Response{}, errNotRun // throttled
		}
		return eventsource.Response{}, nil
	}
	s.start(s.mapping(func(c *eventsource.Config) { c.BatchSize = 2 }))
	first := "a=0 b=1"
	s.waitForCalls(first, first, first, first, first, first, "c=2")
}

// E12: by default a failing batch is retried until it is 24 hours old.
func TestE12_RetriesUntilExpiry(t *testing.T) {
	s := newStack(t)
	var elapsed atomic.Int64
	s.opts.Now = func() time.Time { return time.Now().Add(time.Duration(elapsed.Load())) }
	s.handle = failOn("bad")
	s.put("bad")
	s.start(s.mapping(func(c *eventsource.Config) { c.OnFailure = "arn:aws:sqs:us-east-1:000000000000:q" }))
	s.waitFor("some attempts", func() bool { return len(s.calls()) > 8 })
	if d := s.discards(); len(d) != 0 {
		t.Errorf("got the discards %v, want none", d)
	}
	elapsed.Store(int64(24 * time.Hour))
	s.waitFor("the batch is discarded", func() bool { return len(s.discards()) == 1 })
	if d := s.discards()[0]; !strings.Contains(d, `"condition":"RecordAgeExceeded"`) {
		t.Errorf("got the document %s, want the condition RecordAgeExceeded", d)
	}
	elapsed.Store(0)
	s.put("good")
	s.waitFor("the next record", func() bool { return slices.Contains(s.calls(), "good=0") })
}

func TestE12_MaximumRecordAge(t *testing.T) {
	s := newStack(t)
	s.opts.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	s.put("old")
	s.start(s.mapping(func(c *eventsource.Config) {
		c.MaximumRecordAge, c.OnFailure = time.Minute, "arn:aws:sns:us-east-1:000000000000:t"
	}))
	s.waitFor("the batch is discarded", func() bool { return len(s.discards()) == 1 })
	if d := s.discards()[0]; !strings.Contains(d, `"approximateInvokeCount":0`) ||
		strings.Contains(d, "responseContext") || len(s.calls()) != 0 {
		t.Errorf("got the document %s after the calls %v, want one without an invocation", d, s.calls())
	}
}

func TestE12_MaximumRetryAttempts(t *testing.T) {
	const destination = "arn:aws:sqs:us-east-1:000000000000:failures"
	s := newStack(t)
	s.put("bad", "b", "c")
	refused := 0
	s.handle = func(call int, batch []string) (eventsource.Response, error) {
		if call == 1 && refused == 0 { // does not count as an attempt
			refused++
			return eventsource.Response{}, errNotRun
		}
		return failOn("bad")(call, batch)
	}
	s.start(s.mapping(func(c *eventsource.Config) {
		c.BatchSize, c.MaximumRetryAttempts, c.OnFailure = 2, 2, destination
	}))
	first := "bad=0 b=1"
	s.waitForCalls(first, first, first, first, "c=2")
	s.waitFor("the batch is discarded", func() bool { return len(s.discards()) == 1 })

	var event events.DynamoDBEvent
	if err := json.Unmarshal(s.payloads[0], &event); err != nil {
		t.Fatal(err)
	}
	to, document, _ := strings.Cut(s.discards()[0], " ")
	if to != destination {
		t.Errorf("got the destination %s, want %s", to, destination)
	}
	var parts map[string]any
	if err := json.Unmarshal([]byte(document), &parts); err != nil {
		t.Fatal(err)
	}
	member := func(part, name string) any {
		m, _ := parts[part].(map[string]any)
		return m[name]
	}
	for _, tt := range []struct {
		part, member string
		want         any
	}{
		{"requestContext", "requestId", failed.RequestID},
		{"requestContext", "functionArn", "arn:aws:lambda:us-east-1:000000000000:function:f"},
		{"requestContext", "condition", "RetryAttemptsExhausted"},
		{"requestContext", "approximateInvokeCount", 3.0},
		{"responseContext", "statusCode", 200.0},
		{"responseContext", "executedVersion", "$LATEST"},
		{"responseContext", "functionError", "Unhandled"},
		{"DDBStreamBatchInfo", "startSequenceNumber", event.Records[0].Change.SequenceNumber},
		{"DDBStreamBatchInfo", "endSequenceNumber", event.Records[1].Change.SequenceNumber},
		{"DDBStreamBatchInfo", "batchSize", 2.0},
		{"DDBStreamBatchInfo", "streamArn", s.stream},
	} {
		if v := member(tt.part, tt.member); v != tt.want {
			t.Errorf("%s.%s: got %v, want %v", tt.part, tt.member, v, tt.want)
		}
	}
	if shard, _ := member("DDBStreamBatchInfo", "shardId").(string); !strings.HasPrefix(shard, "shardId-") {
		t.Errorf("got the shard %q, want one that starts with shardId-", shard)
	}
}

// E12: the halves of a batch are delivered before its retries, and a split does
// not count as a retry.
func TestE12_BisectBatchOnFunctionError(t *testing.T) {
	s := newStack(t)
	s.put("a", "b", "bad", "d", "e")
	s.handle = failOn("bad")
	s.start(s.mapping(func(c *eventsource.Config) {
		c.BisectBatchOnFunctionError, c.MaximumRetryAttempts = true, 1
		c.OnFailure = "arn:aws:sqs:us-east-1:000000000000:q"
	}))
	s.waitForCalls("a=0 b=1 bad=2 d=3 e=4", "a=0 b=1", "bad=2 d=3 e=4", "bad=2", "bad=2", "d=3 e=4")
	if d := s.discards(); len(d) != 1 || !strings.Contains(d[0], `"batchSize":1`) {
		t.Errorf("got the discards %v, want one of batch size 1", d)
	}
}

// E12: a partial response moves the position to the first record that failed.
func TestE12_ReportBatchItemFailures(t *testing.T) {
	all, none := "a=0 b=1 c=2 d=3", ""
	for _, tt := range []struct {
		name     string
		response string // %[1]s is the sequence number of a, %[2]s of b, …
		again    string // the records that are delivered again
	}{
		{"empty list", `{"batchItemFailures":[]}`, none},
		{"null list", `{"batchItemFailures":null}`, none},
		{"empty object", `{}`, none},
		{"null", `null`, none},
		{"nothing", ``, none},
		{"one", `{"batchItemFailures":[{"itemIdentifier":"%[3]s"}]}`, "c=2 d=3"},
		{"the lowest of several", `{"batchItemFailures":[{"itemIdentifier":"%[4]s"},{"itemIdentifier":"%[2]s"}]}`, "b=1 c=2 d=3"},
		{"the first", `{"batchItemFailures":[{"itemIdentifier":"%[1]s"}]}`, all},
		{"empty string", `{"batchItemFailures":[{"itemIdentifier":""}]}`, all},
		{"null item", `{"batchItemFailures":[{"itemIdentifier":null}]}`, all},
		{"another member", `{"batchItemFailures":[{"id":"%[2]s"}]}`, all},
		{"a record of another batch", `{"batchItemFailures":[{"itemIdentifier":"100000000000000000001"}]}`, all},
		{"another type", `"ok"`, all},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStack(t)
			s.put("a", "b", "c", "d")
			s.handle = func(call int, _ []string) (eventsource.Response, error) {
				if call > 0 {
					return eventsource.Response{Payload: []byte(`{"batchItemFailures":[]}`)}, nil
				}
				var event events.DynamoDBEvent
				if err := json.Unmarshal(s.payloads[0], &event); err != nil {
					return eventsource.Response{}, err
				}
				response := tt.response
				for i, r := range event.Records {
					response = strings.ReplaceAll(response, fmt.Sprintf("%%[%d]s", i+1), r.Change.SequenceNumber)
				}
				return eventsource.Response{Payload: []byte(response)}, nil
			}
			_, stop := s.start(s.mapping(func(c *eventsource.Config) { c.ReportBatchItemFailures = true }))
			want := []string{all}
			if tt.again != none {
				want = append(want, tt.again)
			}
			s.waitForCalls(want...)
			s.put("end")
			s.waitForCalls(append(want, "end=0")...)
			stop()
		})
	}
}

// With bisecting and partial responses, the records before the failure are
// settled and the rest is retried without a split.
func TestE12_BisectAtReportedRecord(t *testing.T) {
	s := newStack(t)
	s.put("a", "b", "c", "d")
	s.handle = func(call int, batch []string) (eventsource.Response, error) {
		if call > 0 {
			return eventsource.Response{}, nil
		}
		var event events.DynamoDBEvent
		if err := json.Unmarshal(s.payloads[0], &event); err != nil {
			return eventsource.Response{}, err
		}
		return eventsource.Response{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"` +
			event.Records[1].Change.SequenceNumber + `"}]}`)}, nil
	}
	s.start(s.mapping(func(c *eventsource.Config) {
		c.ReportBatchItemFailures, c.BisectBatchOnFunctionError = true, true
	}))
	s.waitForCalls("a=0 b=1 c=2 d=3", "b=1 c=2 d=3")
}
