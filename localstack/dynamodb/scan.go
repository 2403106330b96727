package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxSegments bounds TotalSegments (API reference, Scan).
const maxSegments = 1_000_000

type scanInput struct {
	Segment       *int64
	TotalSegments *int64
	ScanFilter    expr.LegacyConditions
	readOptions
}

func (e *Engine) scan(ctx context.Context, in *scanInput) (*readOutput, error) {
	var c checks
	table := in.check(&c)
	c.value("limit", in.Limit, 1, 0)
	c.readConditions("scanFilter", in.ScanFilter)
	c.value("segment", in.Segment, 0, maxSegments-1)
	c.value("totalSegments", in.TotalSegments, 1, maxSegments)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := e.planScan(ctx, table, in)
	if err != nil {
		return nil, err
	}
	return e.read(ctx, p, in.ReturnConsumedCapacity)
}

func (e *Engine) planScan(ctx context.Context, table string, in *scanInput) (*readPlan, error) {
	if err := in.checkSegment(); err != nil {
		return nil, err
	}
	parsed, err := in.parse(nil, in.ScanFilter, nil, parameter{"ScanFilter", in.ScanFilter != nil})
	if err != nil {
		return nil, err
	}
	p, err := e.newReadPlan(ctx, table, &in.readOptions, parsed)
	if err != nil {
		return nil, err
	}
	if err := p.applySelect(&in.readOptions); err != nil {
		return nil, err
	}
	if in.Segment != nil {
		p.lower, p.upper = store.Segment(int(*in.Segment), int(*in.TotalSegments))
	}
	return p, p.startAfter(in.ExclusiveStartKey, func(position []byte) error {
		if p.contains(position) {
			return nil
		}
		return invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
			*in.TotalSegments, *in.Segment)
	})
}

func (in *scanInput) checkSegment() error {
	switch {
	case in.Segment == nil && in.TotalSegments == nil:
		return nil
	case in.TotalSegments == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *in.Segment >= *in.TotalSegments:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			*in.Segment, *in.TotalSegments)
	}
	return nil
}
