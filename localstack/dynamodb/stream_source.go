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

// StreamRecord is a record of a stream for those who read it in process, as
// Lambda does for its event source mappings.
type StreamRecord struct {
	SequenceNumber string
	ShardID        string
	Created        time.Time
	// Item is the same for all records of one item, and no other.
	Item string
	// Event is the record's JSON in the events that functions get: an element
	// of Records ("Using Lambda with Amazon DynamoDB").
	Event []byte
}

// lambdaIdentity is streamIdentity as Lambda spells it.
type lambdaIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// lambdaRecord is streamRecord for functions.
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

// ReadStream reads up to limit records of a stream, about 1 MB at the most,
// from all its shards in order: those after a sequence number, or from the
// oldest on if after is empty or the records that followed it are gone.
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
		return nil, fmt.Errorf("read stream: %q is no sequence number", after)
	}
	number = max(number, st.Definition().Trimmed)
	records, err := e.store.ReadStream(st, number, math.MaxUint64, limit, maxRecordBytes)
	for errors.Is(err, store.ErrTrimmed) { // a moment ago
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

// StreamEnd is the sequence number of the latest record: ReadStream after it
// finds only what comes later.
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

// StreamChanged returns a channel that is closed when the stream has another
// record. Ask for it before reading, so that nothing comes between.
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
