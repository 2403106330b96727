package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

const maxBatchWrite = 25

type batchWriteInput struct {
	RequestItems                map[string][]writeRequest
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

type writeRequest struct {
	PutRequest    *putRequest    `json:",omitzero"`
	DeleteRequest *deleteRequest `json:",omitzero"`
}

type putRequest struct{ Item attr.Item }

type deleteRequest struct{ Key attr.Item }

type batchWriteOutput struct {
	UnprocessedItems map[string][]writeRequest
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`

	ItemCollectionMetrics map[string][]*collectionMetrics `json:",omitempty"`
}

// batchWriteItem commits all its writes together. AWS allows but does not
// promise that. Items that a transaction holds are returned as unprocessed.
func (e *Engine) batchWriteItem(ctx context.Context, in *batchWriteInput) (*batchWriteOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	type origin struct {
		table   string
		request writeRequest
	}
	var mutations []store.Mutation
	var origins []origin
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		planned, err := e.planBatchWrites(ctx, name, in.RequestItems[name])
		if err != nil {
			return nil, err
		}
		mutations = append(mutations, planned...)
		for _, r := range in.RequestItems[name] {
			origins = append(origins, origin{name, r})
		}
	}
	changes, err := e.store.Write(ctx, mutations...)
	if err != nil {
		return nil, err
	}
	out := &batchWriteOutput{UnprocessedItems: make(map[string][]writeRequest)}
	var ms meters
	for i, c := range changes {
		if c.Err != nil {
			o := origins[i]
			out.UnprocessedItems[o.table] = append(out.UnprocessedItems[o.table], o.request)
			continue
		}
		ms.forTable(mutations[i].Table.Definition().Name).write(c)
	}
	out.ConsumedCapacity = ms.report(ctx, in.ReturnConsumedCapacity)
	out.ItemCollectionMetrics, err = e.collections(ctx, in.ReturnItemCollectionMetrics, mutations, changes)
	return out, err
}

func (in *batchWriteInput) check() error {
	var c checks
	c.required("requestItems", in.RequestItems != nil)
	c.returnModes(in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics)
	total := 0
	var tables []string
	wrong := false
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		n := len(in.RequestItems[name])
		total += n
		wrong = wrong || n < 1 || n > maxBatchWrite
		tables = append(tables, fmt.Sprintf("%s=[%d requests]", name, n))
	}
	if wrong {
		c.fail("'{"+strings.Join(tables, ", ")+"}'", "requestItems",
			fmt.Sprintf("Map value must satisfy constraint: [Member must have length less than or equal to %d, Member must have length greater than or equal to 1]", maxBatchWrite))
	}
	if err := c.err(); err != nil {
		return err
	}
	switch {
	case len(in.RequestItems) == 0:
		return invalid("The requestItems parameter is required for BatchWriteItem")
	case total > maxBatchWrite:
		return invalid("Too many items requested for the BatchWriteItem call")
	}
	return nil
}

func (e *Engine) planBatchWrites(ctx context.Context, name string, requests []writeRequest) ([]store.Mutation, error) {
	var c checks
	short := c.table("requestItems", &name)
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := e.findItemTable(ctx, short)
	if err != nil {
		return nil, err
	}
	var mutations []store.Mutation
	seen := make(map[string]bool, len(requests))
	for _, r := range requests {
		m, err := r.plan(t)
		if err != nil {
			return nil, err
		}
		if seen[string(m.Row)] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		seen[string(m.Row)] = true
		mutations = append(mutations, m)
	}
	return mutations, nil
}

func (r writeRequest) plan(t *store.Table) (store.Mutation, error) {
	switch {
	case (r.PutRequest == nil) == (r.DeleteRequest == nil):
		return store.Mutation{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case r.PutRequest != nil:
		for _, a := range t.Definition().Key.Attributes() {
			if v, ok := r.PutRequest.Item[a.Name]; !ok || !a.Accepts(v) {
				return store.Mutation{}, keyMismatch() // PutItem's message names the key
			}
		}
		return planPut(t, r.PutRequest.Item, guard{})
	default:
		return planDelete(t, r.DeleteRequest.Key, guard{})
	}
}
