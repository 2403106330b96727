package dynamodb

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// StreamRecord is a record of a stream that is read in process, as Lambda's
// event source mappings do.
type StreamRecord struct {
	SequenceNumber string
	ShardID        string
	Created        time.Time
	// Item identifies the changed item: it is the same for all records of one
	// item and differs between items.
	Item string
	// Event is the record as JSON, as in the Records of a function's event
	// ("Using Lambda with Amazon DynamoDB").
	Event []byte
}

// lambdaIdentity is streamIdentity with Lambda's member names.
type lambdaIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// lambdaRecord is streamRecord in a function's event.
type lambdaRecord struct {
	EventID        string          `json:"eventID"`
	EventName      string          `json:"eventName"`
	EventVersion   string          `json:"eventVersion"`
	EventSource    string          `json:"eventSource"`
	AWSRegion      string          `json:"awsRegion"`
	DynamoDB       changeRecord    `json:"dynamodb"`
	UserIdentity   *lambdaIdentity `json:"userIdentity,omitzero"`
	EventSourceARN string          `json:"eventSourceARN"`
}

// ReadStream reads records of a stream from all its shards in order, at most
// limit of them and about 1 MB. It starts after the sequence number after, or
// at the oldest record if after is empty or the next records are trimmed.
func (e *Engine) ReadStream(arn, after string, limit int) ([]StreamRecord, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	st, err := e.findStream(arn)
	if err != nil {
		return nil, err
	}
	number, ok := parseSequenceNumber(after)
	if !ok && after != "" {
		return nil, fmt.Errorf("read stream: %q is not a sequence number", after)
	}
	number = max(number, st.Definition().Trimmed)
	records, err := e.store.ReadStream(st, number, math.MaxUint64, limit, maxRecordBytes)
	for errors.Is(err, store.ErrTrimmed) { // trimmed since Definition
		records, err = e.store.ReadStream(st, st.Definition().Trimmed, math.MaxUint64, limit, maxRecordBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read stream: %w", err)
	}
	out := make([]StreamRecord, len(records))
	for i, r := range records {
		if out[i], err = e.sourceRecord(st, arn, &r); err != nil {
			return nil, fmt.Errorf("read stream: %w", err)
		}
	}
	return out, nil
}

func (e *Engine) sourceRecord(st *store.Stream, arn string, r *store.StreamRecord) (StreamRecord, error) {
	s := e.streamRecord(arn, r)
	event := lambdaRecord{s.EventID, s.EventName, s.EventVersion, s.EventSource, s.AWSRegion, s.DynamoDB, nil, arn}
	if r.Expired {
		event.UserIdentity = &lambdaIdentity{Type: "Service", PrincipalID: expiryPrincipal}
	}
	text, err := json.Marshal(event)
	if err != nil {
		return StreamRecord{}, fmt.Errorf("encode record: %w", err)
	}
	shards := st.Definition().Shards
	at := slices.IndexFunc(shards, func(s store.Shard) bool { return s.Last == 0 || r.Number <= s.Last })
	return StreamRecord{
		SequenceNumber: s.DynamoDB.SequenceNumber,
		ShardID:        shards[at].ID,
		Created:        r.Created,
		Item:           string(r.Keys.AppendBinary(nil)),
		Event:          text,
	}, nil
}

// StreamEnd returns the sequence number of the latest record.
// [Engine.ReadStream] after it returns only later records.
func (e *Engine) StreamEnd(arn string) (string, error) {
	leave, err := e.enter()
	if err != nil {
		return "", err
	}
	defer leave()
	st, err := e.findStream(arn)
	if err != nil {
		return "", err
	}
	return sequenceNumber(st.End()), nil
}

// StreamChanged returns a channel that is closed when the stream gets another
// record. Call it before [Engine.ReadStream], so that no record is missed in
// between.
func (e *Engine) StreamChanged(arn string) (<-chan struct{}, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	st, err := e.findStream(arn)
	if err != nil {
		return nil, err
	}
	return st.Changed(), nil
}
