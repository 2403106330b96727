package dynamodb

import (
	"context"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxStreams bounds the elements on a page of ListStreams and DescribeStream
// (API reference).
const maxStreams = 100

// pageOf returns the page of list that starts after the element with the key
// start and has at most limit elements. more reports whether elements follow.
func pageOf[T any](list []T, key func(T) string, start *string, limit *int64) (page []T, more bool) {
	if start != nil {
		list = list[slices.IndexFunc(list, func(x T) bool { return key(x) == *start })+1:]
	}
	most := maxStreams
	if limit != nil {
		most = int(min(*limit, maxStreams))
	}
	if len(list) > most {
		return list[:most], true
	}
	return list, false
}

type listStreamsInput struct {
	TableName               *string
	ExclusiveStartStreamArn *string
	Limit                   *int64
}

type streamSummary struct {
	StreamArn   string
	TableName   string
	StreamLabel string
}

type listStreamsOutput struct {
	Streams                []streamSummary
	LastEvaluatedStreamArn string `json:",omitempty"`
}

func (e *Engine) listStreams(_ context.Context, in *listStreamsInput) (*listStreamsOutput, error) {
	var c checks
	table := ""
	if in.TableName != nil {
		table = c.table("tableName", in.TableName)
	}
	c.value("limit", in.Limit, 1, 0)
	c.streamARN("exclusiveStartStreamArn", in.ExclusiveStartStreamArn)
	if err := c.err(); err != nil {
		return nil, err
	}
	all := []streamSummary{}
	for _, def := range e.store.Streams() {
		if table == "" || def.Table == table {
			all = append(all, streamSummary{e.streamARN(def.Table, def.Label), def.Table, def.Label})
		}
	}
	page, more := pageOf(all, func(s streamSummary) string { return s.StreamArn }, in.ExclusiveStartStreamArn, in.Limit)
	out := &listStreamsOutput{Streams: page}
	if more {
		out.LastEvaluatedStreamArn = page[len(page)-1].StreamArn
	}
	return out, nil
}

type describeStreamInput struct {
	StreamArn             *string
	ExclusiveStartShardID *string `json:"ExclusiveStartShardId"`
	Limit                 *int64
	ShardFilter           *struct {
		Type    string
		ShardID *string `json:"ShardId"`
	}
}

type describeStreamOutput struct{ StreamDescription streamDescription }

type streamDescription struct {
	StreamArn               string
	StreamLabel             string
	StreamStatus            string
	StreamViewType          string
	CreationRequestDateTime float64
	TableName               string
	KeySchema               []KeySchemaElement
	Shards                  []shardDescription
	LastEvaluatedShardID    string `json:"LastEvaluatedShardId,omitempty"`
}

type shardDescription struct {
	ShardID             string `json:"ShardId"`
	SequenceNumberRange sequenceNumberRange
	ParentShardID       string `json:"ParentShardId,omitempty"`
}

type sequenceNumberRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

func (e *Engine) describeStream(ctx context.Context, in *describeStreamInput) (*describeStreamOutput, error) {
	var c checks
	c.required("streamArn", in.StreamArn != nil)
	c.streamARN("streamArn", in.StreamArn)
	c.shardID("exclusiveStartShardId", in.ExclusiveStartShardID)
	c.value("limit", in.Limit, 1, 0)
	if f := in.ShardFilter; f != nil {
		c.oneOf("shardFilter.type", f.Type, "CHILD_SHARDS")
		c.shardID("shardFilter.shardId", f.ShardID)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	st, err := e.findStream(*in.StreamArn)
	if err != nil {
		return nil, err
	}
	def := st.Definition()
	observationOf(ctx).setResource(def.Table)
	shards := describeShards(def)
	if f := in.ShardFilter; f != nil && f.ShardID != nil {
		shards = slices.DeleteFunc(shards, func(s shardDescription) bool { return s.ParentShardID != *f.ShardID })
	}
	page, more := pageOf(shards, func(s shardDescription) string { return s.ShardID },
		in.ExclusiveStartShardID, in.Limit)
	d := streamDescription{
		StreamArn:               *in.StreamArn,
		StreamLabel:             def.Label,
		StreamStatus:            "ENABLED",
		StreamViewType:          def.View,
		CreationRequestDateTime: unixSeconds(def.Created),
		TableName:               def.Table,
		KeySchema:               keyElements(def.Key),
		Shards:                  page,
	}
	if !def.Closed.IsZero() {
		d.StreamStatus = "DISABLED"
	}
	if more {
		d.LastEvaluatedShardID = page[len(page)-1].ShardID
	}
	return &describeStreamOutput{d}, nil
}

// describeShards lists the shards that may have records. A closed shard whose
// records are all trimmed is left out, as on AWS.
func describeShards(def *store.StreamDefinition) []shardDescription {
	shards := []shardDescription{}
	for i, s := range def.Shards {
		if s.Last != 0 && s.Last <= def.Trimmed && s.Last >= s.First {
			continue
		}
		d := shardDescription{
			ShardID:             s.ID,
			SequenceNumberRange: sequenceNumberRange{StartingSequenceNumber: sequenceNumber(s.First)},
		}
		if s.Last != 0 {
			d.SequenceNumberRange.EndingSequenceNumber = sequenceNumber(max(s.First, s.Last))
		}
		if i > 0 {
			d.ParentShardID = def.Shards[i-1].ID
		}
		shards = append(shards, d)
	}
	return shards
}
