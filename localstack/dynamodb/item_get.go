package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

type getItemInput struct {
	TableName                *string
	Key                      attr.Item
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ReturnConsumedCapacity   string
	AttributesToGet          []string
}

type getItemOutput struct {
	Item             attr.Item
	ConsumedCapacity *consumedCapacity
}

func (e *Engine) getItem(ctx context.Context, in *getItemInput) (*getItemOutput, error) {
	var c checks
	table := c.table("tableName", in.TableName)
	c.required("key", in.Key != nil)
	c.returnModes(in.ReturnConsumedCapacity, "")
	c.attributesToGet("attributesToGet", in.AttributesToGet)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := parseProjection(in.ExpressionAttributeNames, in.ProjectionExpression, in.AttributesToGet)
	if err != nil {
		return nil, err
	}
	t, err := e.findItemTable(ctx, table)
	if err != nil {
		return nil, err
	}
	def := t.Definition()
	if err := checkKey(def, in.Key); err != nil {
		return nil, err
	}
	if err := checkProjection(def, p); err != nil {
		return nil, err
	}
	item, err := e.store.Get(t, def.Row(in.Key))
	if err != nil {
		return nil, err
	}
	m := meter{table: def.Name}
	m.read(nil, readUnits(sizeOf(item), in.ConsistentRead))
	return &getItemOutput{project(p, item), m.report(ctx, in.ReturnConsumedCapacity)}, nil
}

func (o *getItemOutput) appendJSON() ([]byte, error) {
	a := newResponse(sizeOf(o.Item))
	a.item("Item", o.Item)
	a.add("ConsumedCapacity", o.ConsumedCapacity != nil, o.ConsumedCapacity)
	return a.finish()
}
