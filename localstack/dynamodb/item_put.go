package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// writeOptions are the members that PutItem, UpdateItem and DeleteItem share.
type writeOptions struct {
	TableName                           *string
	ConditionExpression                 *string
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	placeholders
	conditional
}

// check validates the members and returns the table's name.
func (o *writeOptions) check(c *checks) (table string) {
	table = c.table("tableName", o.TableName)
	c.oneOf("returnValues", o.ReturnValues, returnAllNew, returnUpdatedOld, returnAllOld, returnNone, returnUpdatedNew)
	c.oneOf("returnValuesOnConditionCheckFailure", o.ReturnValuesOnConditionCheckFailure, returnAllOld, returnNone)
	c.returnModes(o.ReturnConsumedCapacity, o.ReturnItemCollectionMetrics)
	o.conditional.check(c)
	return table
}

// checkReturnValues refuses the ReturnValues that only UpdateItem supports.
func (o *writeOptions) checkReturnValues() error {
	switch o.ReturnValues {
	case "", returnNone, returnAllOld:
		return nil
	}
	return invalid("ReturnValues can only be ALL_OLD or NONE")
}

// guard parses the condition of a request that has no other expression.
func (o *writeOptions) guard() (guard, error) {
	expressions := []parameter{{"ConditionExpression", o.ConditionExpression != nil}}
	if err := checkUnmixed(o.conditional.parameters(), expressions); err != nil {
		return guard{}, err
	}
	c, err := o.context(expressions)
	if err != nil {
		return guard{}, err
	}
	g, err := newGuard(c, o.ConditionExpression, o.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return guard{}, err
	}
	if o.ConditionExpression == nil {
		if g.condition, err = o.conditional.condition(); err != nil {
			return guard{}, err
		}
	}
	return g, c.CheckUnused()
}

type writeOutput struct {
	Attributes            attr.Item
	ConsumedCapacity      *consumedCapacity
	ItemCollectionMetrics *collectionMetrics
}

func (o *writeOutput) appendJSON() ([]byte, error) {
	a := newResponse(0)
	if len(o.Attributes) > 0 {
		a.item("Attributes", o.Attributes)
	}
	a.add("ConsumedCapacity", o.ConsumedCapacity != nil, o.ConsumedCapacity)
	a.add("ItemCollectionMetrics", o.ItemCollectionMetrics != nil, o.ItemCollectionMetrics)
	return a.finish()
}

// output builds the response of a write that returns attributes.
func (e *Engine) output(ctx context.Context, o *writeOptions, w store.Mutation, c store.Change,
	attributes attr.Item) (*writeOutput, error) {
	m := meter{table: w.Table.Definition().Name}
	m.write(c)
	out := &writeOutput{Attributes: attributes, ConsumedCapacity: m.report(ctx, o.ReturnConsumedCapacity)}
	sizes, err := e.collections(ctx, o.ReturnItemCollectionMetrics, []store.Mutation{w}, []store.Change{c})
	for _, metrics := range sizes {
		out.ItemCollectionMetrics = metrics[0]
	}
	return out, err
}

type putItemInput struct {
	Item attr.Item
	writeOptions
}

func (e *Engine) putItem(ctx context.Context, in *putItemInput) (*writeOutput, error) {
	var c checks
	table := in.check(&c)
	c.required("item", in.Item != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	return e.putOrDelete(ctx, &in.writeOptions, table, func(t *store.Table, g guard) (store.Mutation, error) {
		return planPut(t, in.Item, g)
	})
}

type deleteItemInput struct {
	Key attr.Item
	writeOptions
}

func (e *Engine) deleteItem(ctx context.Context, in *deleteItemInput) (*writeOutput, error) {
	var c checks
	table := in.check(&c)
	c.required("key", in.Key != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	return e.putOrDelete(ctx, &in.writeOptions, table, func(t *store.Table, g guard) (store.Mutation, error) {
		return planDelete(t, in.Key, g)
	})
}

// putOrDelete runs a write whose only expression is its condition.
func (e *Engine) putOrDelete(ctx context.Context, o *writeOptions, table string,
	plan func(*store.Table, guard) (store.Mutation, error)) (*writeOutput, error) {
	if err := o.checkReturnValues(); err != nil {
		return nil, enveloped(err)
	}
	g, err := o.guard()
	if err != nil {
		return nil, enveloped(err)
	}
	t, err := e.findItemTable(ctx, table)
	if err != nil {
		return nil, err
	}
	m, err := plan(t, g)
	if err != nil {
		return nil, err
	}
	change, err := e.writeOne(ctx, m)
	if err != nil {
		return nil, err
	}
	var attributes attr.Item
	if o.ReturnValues == returnAllOld {
		attributes = change.Old
	}
	return e.output(ctx, o, m, change, attributes)
}
