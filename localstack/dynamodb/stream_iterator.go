package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// iteratorLifetime is how long a shard iterator is valid (API reference,
// GetShardIterator).
const iteratorLifetime = 15 * time.Minute

// Sequence numbers have 21 digits, the least that DynamoDB allows (API
// reference: 21 to 40). Their order as strings is their order as numbers.
const (
	sequenceDigits    = 21
	maxSequenceDigits = 40
)

func sequenceNumber(n uint64) string { return fmt.Sprintf("1%020d", n) }

func parseSequenceNumber(text string) (uint64, bool) {
	if len(text) != sequenceDigits || text[0] != '1' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[1:], 10, 64)
	return n, err == nil
}

// iterator is a position in a shard.
type iterator struct {
	shard   uint64 // the shard's first sequence number
	after   uint64 // the last sequence number that was read
	expires time.Time
}

// text encodes the iterator: the stream's ARN and a part that only the engine
// reads.
func (i iterator) text(arn string) string {
	b := binary.BigEndian.AppendUint64(nil, i.shard)
	b = binary.BigEndian.AppendUint64(b, i.after)
	b = binary.BigEndian.AppendUint64(b, uint64(i.expires.UnixMilli()))
	return arn + "|1|" + base64.StdEncoding.EncodeToString(append(b, iteratorSum(arn, b)...))
}

// iteratorSum is a checksum that detects a damaged iterator. It needs no key: a
// caller who may read a stream may read all of it.
func iteratorSum(arn string, b []byte) []byte {
	h := fnv.New64a()
	h.Write([]byte(arn))
	h.Write(b)
	return h.Sum(nil)
}

func parseIterator(text string) (arn string, i iterator, err error) {
	parts := strings.Split(text, "|")
	bad := invalid("Invalid ShardIterator")
	if len(parts) != 3 {
		return "", i, bad
	}
	b, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(b) != 32 || string(b[24:]) != string(iteratorSum(parts[0], b[:24])) {
		return "", i, bad
	}
	return parts[0], iterator{
		shard:   binary.BigEndian.Uint64(b),
		after:   binary.BigEndian.Uint64(b[8:]),
		expires: time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:]))),
	}, nil
}

type getShardIteratorInput struct {
	StreamArn         *string
	ShardID           *string `json:"ShardId"`
	ShardIteratorType string
	SequenceNumber    *string
	Timestamp         *float64
}

type getShardIteratorOutput struct{ ShardIterator string }

func (in *getShardIteratorInput) check() error {
	var c checks
	c.required("streamArn", in.StreamArn != nil)
	c.streamARN("streamArn", in.StreamArn)
	c.required("shardId", in.ShardID != nil)
	c.shardID("shardId", in.ShardID)
	c.required("shardIteratorType", in.ShardIteratorType != "")
	c.oneOf("shardIteratorType", in.ShardIteratorType, "AT_TIMESTAMP", "AFTER_SEQUENCE_NUMBER",
		"TRIM_HORIZON", "AT_SEQUENCE_NUMBER", "LATEST")
	c.length("sequenceNumber", in.SequenceNumber, sequenceDigits, maxSequenceDigits)
	if err := c.err(); err != nil {
		return err
	}
	byNumber := strings.HasSuffix(in.ShardIteratorType, "_SEQUENCE_NUMBER")
	switch {
	case byNumber && in.SequenceNumber == nil:
		return invalid("SequenceNumber is required for the ShardIteratorType %s", in.ShardIteratorType)
	case !byNumber && in.SequenceNumber != nil:
		return invalid("SequenceNumber cannot be used with the ShardIteratorType %s", in.ShardIteratorType)
	case (in.ShardIteratorType == "AT_TIMESTAMP") != (in.Timestamp != nil):
		return invalid("Timestamp goes with the ShardIteratorType AT_TIMESTAMP")
	}
	return nil
}

func (e *Engine) getShardIterator(ctx context.Context, in *getShardIteratorInput) (*getShardIteratorOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	st, err := e.findStream(*in.StreamArn)
	if err != nil {
		return nil, err
	}
	def := st.Definition()
	observationOf(ctx).setResource(def.Table)
	at := slices.IndexFunc(def.Shards, func(s store.Shard) bool { return s.ID == *in.ShardID })
	if at < 0 {
		return nil, clientError("ResourceNotFoundException",
			"Requested resource not found: Shard: %s in Stream: %s not found", *in.ShardID, *in.StreamArn)
	}
	shard := def.Shards[at]
	i := iterator{shard: shard.First, expires: e.opts.Now().Add(iteratorLifetime)}
	if i.after, err = e.iteratorStart(st, shard, in); err != nil {
		return nil, err
	}
	return &getShardIteratorOutput{i.text(*in.StreamArn)}, nil
}

// iteratorStart returns the sequence number after which a new iterator starts.
func (e *Engine) iteratorStart(st *store.Stream, shard store.Shard, in *getShardIteratorInput) (uint64, error) {
	def := st.Definition()
	oldest := max(shard.First-1, def.Trimmed)
	latest := st.End()
	if shard.Last != 0 {
		latest = shard.Last
	}
	latest = max(latest, oldest)
	switch in.ShardIteratorType {
	case "TRIM_HORIZON":
		return oldest, nil
	case "LATEST":
		return latest, nil
	case "AT_TIMESTAMP":
		since := time.UnixMilli(int64(math.Round(*in.Timestamp * 1000)))
		if since.After(e.opts.Now()) {
			return 0, invalid("Timestamp is in the future")
		}
		last, err := e.store.LastBefore(st, since)
		return min(max(oldest, last), latest), err
	}
	n, ok := parseSequenceNumber(*in.SequenceNumber)
	switch {
	case ok && n >= shard.First && n <= def.Trimmed, ok && n < shard.First && shard.First-1 <= def.Trimmed:
		return 0, trimmedData()
	case !ok, n < shard.First, n > latest && n != shard.First:
		return 0, invalid("Invalid SequenceNumber %s for the shard %s", *in.SequenceNumber, shard.ID)
	case in.ShardIteratorType == "AT_SEQUENCE_NUMBER":
		return n - 1, nil
	}
	return n, nil
}

func trimmedData() *apiError {
	return clientError("TrimmedDataAccessException",
		"The operation attempted to read past the oldest stream record in a shard.")
}
