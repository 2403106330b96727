package plan

import (
	"encoding/json"
	"time"
)

// Schedule invokes a function at given times.
type Schedule struct {
	LogicalID, Name string
	// Source is aws.events for an EventBridge rule and aws.scheduler for a
	// schedule of EventBridge Scheduler.
	Source string
	// Expression is rate(…), cron(…) or, for the Scheduler, at(…).
	Expression string
	// Timezone is an IANA name; empty is UTC.
	Timezone                       string
	FunctionLogicalID, FunctionARN string
	// Input is the JSON of the event; nil stands for the service's own event.
	Input   []byte
	Enabled bool
	// Permitted is set if the service may invoke the function.
	Permitted bool
}

// EventSource sends batches of records of a table's stream to a function
// (AWS::Lambda::EventSourceMapping, or SAM's event of type DynamoDB). The
// bounds are those of CreateEventSourceMapping.
type EventSource struct {
	Origin
	LogicalID string
	// ID is a UUID and part of ARN.
	ID, ARN                        string
	FunctionLogicalID, FunctionARN string
	// StreamARN is the stream of the table TableLogicalID.
	StreamARN, TableLogicalID string
	// StartingPosition is LATEST or TRIM_HORIZON.
	StartingPosition string
	// BatchSize is 1 to 10,000 records, by default 100.
	BatchSize int
	// MaximumBatchingWindow is how long a batch may grow, 0 s to 300 s.
	MaximumBatchingWindow time.Duration
	// ParallelizationFactor is the number of concurrent batches of a shard, 1
	// (the default) to 10.
	ParallelizationFactor int
	// MaximumRetryAttempts is 0 to 10,000. A negative value, the default,
	// retries until the record expires.
	MaximumRetryAttempts int
	// MaximumRecordAge is 60 s to 7 days. Zero, the default, leaves the limit
	// of the stream.
	MaximumRecordAge           time.Duration
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures is set if the function's response names the
	// records that failed.
	ReportBatchItemFailures bool
	// FilterPatterns are event patterns; a record has to match one of them. An
	// empty list accepts every record.
	FilterPatterns []json.RawMessage
	// OnFailure is the ARN of the destination of discarded batches, or empty.
	OnFailure string
	Enabled   bool
}
