package eventsource

import (
	"encoding/json"
	"time"
)

// failure is the document for a destination (Lambda Developer Guide, "Retain
// discarded records for a DynamoDB event source in Lambda").
type failure struct {
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *failureResponse `json:"responseContext,omitempty"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	Batch           struct {
		ShardID                         string `json:"shardId"`
		StartSequenceNumber             string `json:"startSequenceNumber"`
		EndSequenceNumber               string `json:"endSequenceNumber"`
		ApproximateArrivalOfFirstRecord string `json:"approximateArrivalOfFirstRecord"`
		ApproximateArrivalOfLastRecord  string `json:"approximateArrivalOfLastRecord"`
		BatchSize                       int    `json:"batchSize"`
		StreamARN                       string `json:"streamArn"`
	} `json:"DDBStreamBatchInfo"`
}

type failureResponse struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// discard logs discarded records of a part, passes their document on and
// settles them.
func (p *poller) discard(t part, records []Record, condition string) {
	first, last := records[0], records[len(records)-1]
	p.s.log.Error("batch of stream records discarded", "mapping", p.config.UUID, "function", p.config.Function,
		"condition", condition, "records", len(records), "first", first.SequenceNumber, "last", last.SequenceNumber,
		"invocations", t.invoked, "destination", p.config.OnFailure)
	if p.config.OnFailure != "" && p.s.opts.Discarded != nil {
		document, err := json.Marshal(p.failure(t, records, condition))
		if err != nil {
			p.s.log.Error("failed to encode the document for a destination", "mapping", p.config.UUID, "err", err)
		} else {
			p.s.opts.Discarded(p.config.OnFailure, document)
		}
	}
	p.settle(records)
}

// failure returns the document about discarded records.
func (p *poller) failure(t part, records []Record, condition string) *failure {
	first, last := records[0], records[len(records)-1]
	f := &failure{Version: "1.0", Timestamp: p.s.opts.Now().UTC().Format("2006-01-02T15:04:05.000Z")}
	f.RequestContext.RequestID = t.response.RequestID
	f.RequestContext.FunctionARN = p.config.Function
	f.RequestContext.Condition = condition
	f.RequestContext.ApproximateInvokeCount = t.invoked
	if t.invoked > 0 {
		f.ResponseContext = &failureResponse{
			StatusCode:      200,
			ExecutedVersion: "$LATEST",
			FunctionError:   t.response.FunctionError,
		}
	}
	f.Batch.ShardID = first.ShardID
	f.Batch.StartSequenceNumber, f.Batch.EndSequenceNumber = first.SequenceNumber, last.SequenceNumber
	f.Batch.ApproximateArrivalOfFirstRecord = first.Created.UTC().Format(time.RFC3339)
	f.Batch.ApproximateArrivalOfLastRecord = last.Created.UTC().Format(time.RFC3339)
	f.Batch.BatchSize = len(records)
	f.Batch.StreamARN = p.config.StreamARN
	return f
}
