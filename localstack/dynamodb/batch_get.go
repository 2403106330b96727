package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

const (
	maxBatchGet   = 100
	maxBatchBytes = 16 << 20 // of all items that one BatchGetItem returns
)

type batchGetInput struct {
	RequestItems           map[string]*keysAndAttributes
	ReturnConsumedCapacity string
}

type keysAndAttributes struct {
	Keys                     []attr.Item
	ConsistentRead           bool       `json:",omitzero"`
	ProjectionExpression     *string    `json:",omitzero"`
	ExpressionAttributeNames expr.Names `json:",omitzero"`
	AttributesToGet          []string   `json:",omitempty"`
}

type batchGetOutput struct {
	Responses        map[string][]attr.Item
	UnprocessedKeys  map[string]*keysAndAttributes
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// batchTable is the validated part of a BatchGetItem for one table.
type batchTable struct {
	name       string // as in the request: a name or an ARN
	table      *store.Table
	projection *expr.Projection
	want       *keysAndAttributes
	rows       [][]byte
}

func (e *Engine) batchGetItem(ctx context.Context, in *batchGetInput) (*batchGetOutput, error) {
	batch, err := e.planBatchGet(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &batchGetOutput{
		Responses:       make(map[string][]attr.Item, len(batch)),
		UnprocessedKeys: make(map[string]*keysAndAttributes),
	}
	var ms meters
	bytes := 0
	for _, b := range batch {
		m := ms.forTable(b.table.Definition().Name)
		out.Responses[b.name] = []attr.Item{}
		for i, row := range b.rows {
			if bytes >= maxBatchBytes {
				rest := *b.want
				rest.Keys = b.want.Keys[i:]
				out.UnprocessedKeys[b.name] = &rest
				break
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			item, err := e.store.Get(b.table, row)
			if err != nil {
				return nil, err
			}
			m.read(nil, readUnits(sizeOf(item), b.want.ConsistentRead))
			if item == nil {
				continue
			}
			bytes += item.Size()
			out.Responses[b.name] = append(out.Responses[b.name], project(b.projection, item))
		}
	}
	out.ConsumedCapacity = ms.report(ctx, in.ReturnConsumedCapacity)
	return out, nil
}

func (e *Engine) planBatchGet(ctx context.Context, in *batchGetInput) ([]batchTable, error) {
	var c checks
	c.required("requestItems", in.RequestItems != nil)
	c.returnModes(in.ReturnConsumedCapacity, "")
	total := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		want := in.RequestItems[name]
		if want == nil {
			c.required("requestItems."+name+".member", false)
			continue
		}
		c.keys("RequestItems."+name+".member.Keys", len(want.Keys))
		c.attributesToGet("requestItems."+name+".member.attributesToGet", want.AttributesToGet)
		total += len(want.Keys)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	switch {
	case len(in.RequestItems) == 0:
		return nil, invalid("The requestItems parameter is required for BatchGetItem")
	case total > maxBatchGet:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	var batch []batchTable
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		want := in.RequestItems[name]
		p, err := parseProjection(want.ExpressionAttributeNames, want.ProjectionExpression, want.AttributesToGet)
		if err != nil {
			return nil, err
		}
		batch = append(batch, batchTable{name: name, want: want, projection: p})
	}
	for i := range batch {
		if err := e.planBatchTable(ctx, &batch[i]); err != nil {
			return nil, err
		}
	}
	return batch, nil
}

// keys bounds the number of keys of one table. Unlike other constraints,
// DynamoDB's message for this one shows no value.
func (c *checks) keys(member string, n int) {
	switch {
	case n < 1:
		c.violations = append(c.violations, "Value at '"+member+
			"' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case n > maxBatchGet:
		c.violations = append(c.violations,
			fmt.Sprintf("Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d",
				member, maxBatchGet))
	}
}

// planBatchTable finds the table and checks the keys.
func (e *Engine) planBatchTable(ctx context.Context, b *batchTable) (err error) {
	var c checks
	short := c.table(fmt.Sprintf("requestItems.%s.member", b.name), &b.name)
	if err := c.err(); err != nil {
		return err
	}
	if b.table, err = e.findItemTable(ctx, short); err != nil {
		return err
	}
	def := b.table.Definition()
	if err := checkProjection(def, b.projection); err != nil {
		return err
	}
	seen := make(map[string]bool, len(b.want.Keys))
	for _, key := range b.want.Keys {
		if err := checkKey(def, key); err != nil {
			return err
		}
		row := def.Row(key)
		if seen[string(row)] {
			return invalid("Provided list of item keys contains duplicates")
		}
		seen[string(row)] = true
		b.rows = append(b.rows, row)
	}
	return nil
}
