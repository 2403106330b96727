package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// Limits of one GetRecords (API reference).
const (
	maxRecords     = 1000
	maxRecordBytes = 1 << 20
)

type getRecordsInput struct {
	ShardIterator *string
	Limit         *int64
}

type getRecordsOutput struct {
	Records           []streamRecord
	NextShardIterator string `json:",omitempty"`
}

// streamRecord is Record on the wire.
type streamRecord struct {
	EventID      string          `json:"eventID"`
	EventName    string          `json:"eventName"`
	EventVersion string          `json:"eventVersion"`
	EventSource  string          `json:"eventSource"`
	AWSRegion    string          `json:"awsRegion"`
	DynamoDB     changeRecord    `json:"dynamodb"`
	UserIdentity *streamIdentity `json:"userIdentity,omitzero"`
}

// changeRecord is StreamRecord on the wire. Its time is in whole Unix seconds.
type changeRecord struct {
	ApproximateCreationDateTime int64
	Keys                        attr.Item
	NewImage                    attr.Item `json:",omitzero"`
	OldImage                    attr.Item `json:",omitzero"`
	SequenceNumber              string
	SizeBytes                   int
	StreamViewType              string
}

// streamIdentity is the Identity of a change that the service made.
type streamIdentity struct {
	PrincipalID string `json:"PrincipalId"`
	Type        string `json:"Type"`
}

func (e *Engine) getRecords(ctx context.Context, in *getRecordsInput) (*getRecordsOutput, error) {
	var c checks
	c.required("shardIterator", in.ShardIterator != nil)
	c.length("shardIterator", in.ShardIterator, 1, 2048)
	c.value("limit", in.Limit, 1, 0)
	if err := c.err(); err != nil {
		return nil, err
	}
	limit := maxRecords
	if in.Limit != nil {
		if *in.Limit > maxRecords {
			return nil, clientError("LimitExceededException",
				"The limit of records must not be greater than %d", maxRecords)
		}
		limit = int(*in.Limit)
	}
	arn, it, err := parseIterator(*in.ShardIterator)
	if err != nil {
		return nil, err
	}
	st, err := e.findStream(arn)
	if err != nil {
		return nil, err
	}
	observationOf(ctx).setResource(st.Definition().Table)
	now := e.opts.Now()
	if !now.Before(it.expires) {
		return nil, clientError("ExpiredIteratorException",
			"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			it.expires.Add(-iteratorLifetime).UTC().Format("Mon Jan 02 15:04:05 MST 2006"),
			now.UTC().Format("Mon Jan 02 15:04:05 MST 2006"), iteratorLifetime.Milliseconds())
	}
	records, ended, err := e.readShard(st, &it, limit)
	if err != nil {
		return nil, err
	}
	out := &getRecordsOutput{Records: make([]streamRecord, len(records))}
	for i, r := range records {
		out.Records[i] = e.streamRecord(arn, &r)
		if r.Expired {
			out.Records[i].UserIdentity = &streamIdentity{PrincipalID: expiryPrincipal, Type: "Service"}
		}
	}
	if !ended {
		it.expires = now.Add(iteratorLifetime)
		out.NextShardIterator = it.text(arn)
	}
	return out, nil
}

// readShard reads records at an iterator and advances it. ended reports that
// the shard is closed and read to its end, so that no record will follow.
func (e *Engine) readShard(st *store.Stream, it *iterator,
	limit int) (records []store.StreamRecord, ended bool, err error) {
	shards := st.Definition().Shards
	at := slices.IndexFunc(shards, func(s store.Shard) bool { return s.First == it.shard })
	if at < 0 {
		return nil, false, invalid("Invalid ShardIterator")
	}
	upTo := uint64(math.MaxUint64)
	if shards[at].Last != 0 {
		upTo = shards[at].Last
	}
	records, err = e.store.ReadStream(st, it.after, upTo, limit, maxRecordBytes)
	if errors.Is(err, store.ErrTrimmed) {
		return nil, false, trimmedData()
	}
	if err != nil {
		return nil, false, err
	}
	if len(records) > 0 {
		it.after = records[len(records)-1].Number
	}
	return records, it.after >= upTo || len(records) == 0 && upTo != math.MaxUint64, nil
}

// expiryPrincipal is the principal that deletes expired items ("DynamoDB
// Streams and Time to Live" in the Developer Guide).
const expiryPrincipal = "dynamodb.amazonaws.com"

func (e *Engine) streamRecord(arn string, r *store.StreamRecord) streamRecord {
	number := sequenceNumber(r.Number)
	// The id is the same for every read and differs between records.
	id := sha256.Sum256([]byte(arn + "/" + number))
	return streamRecord{
		EventID:      hex.EncodeToString(id[:16]),
		EventName:    r.Event.String(),
		EventVersion: "1.1",
		EventSource:  "aws:dynamodb",
		AWSRegion:    e.opts.Region,
		DynamoDB: changeRecord{
			ApproximateCreationDateTime: r.Created.Unix(),
			Keys:                        r.Keys,
			NewImage:                    r.New,
			OldImage:                    r.Old,
			SequenceNumber:              number,
			SizeBytes:                   r.Size,
			StreamViewType:              r.View,
		},
	}
}
