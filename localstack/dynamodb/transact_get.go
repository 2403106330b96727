package dynamodb

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

type transactGetInput struct {
	TransactItems          []transactGetItem
	ReturnConsumedCapacity string
}

type transactGetItem struct {
	Get *struct {
		TableName                *string
		Key                      attr.Item
		ProjectionExpression     *string
		ExpressionAttributeNames expr.Names
	}
}

type transactGetOutput struct {
	Responses        []itemResponse
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

type itemResponse struct {
	Item attr.Item `json:",omitzero"`
}

// transactRead is one validated action of a TransactGetItems.
type transactRead struct {
	table      *store.Table
	row        []byte
	projection *expr.Projection
}

// transactGetItems reads all items from one snapshot of the store. It cannot
// conflict with a transaction: the snapshot has all of its changes or none.
func (e *Engine) transactGetItems(ctx context.Context, in *transactGetInput) (out *transactGetOutput, err error) {
	reads, reasons, err := e.planTransactGet(ctx, in)
	if err == nil && reasons.anyFailed() {
		err = cancelledFor(reasons)
	}
	if err != nil {
		return nil, err
	}
	tables := make([]*store.Table, len(reads))
	for i, r := range reads {
		tables[i] = r.table
	}
	view, err := e.store.View(tables...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	out = &transactGetOutput{Responses: make([]itemResponse, len(reads))}
	ms := meters{transactional: true}
	bytes := 0
	for i, r := range reads {
		item, err := view.Get(r.table, r.row)
		if err != nil {
			return nil, err
		}
		if bytes += sizeOf(item); bytes > maxTransactionBytes {
			return nil, invalid("The aggregate size of the items in the transaction exceeds %d bytes",
				maxTransactionBytes)
		}
		ms.forTable(r.table.Definition().Name).read(nil, readUnits(sizeOf(item), true))
		// Unlike GetItem, a projection that finds nothing returns no Item.
		if projected := project(r.projection, item); len(projected) > 0 {
			out.Responses[i].Item = projected
		}
	}
	out.ConsumedCapacity = ms.report(ctx, in.ReturnConsumedCapacity)
	return out, nil
}

func (e *Engine) planTransactGet(ctx context.Context, in *transactGetInput) ([]transactRead, reasons, error) {
	const at = "transactItems.member.get"
	var c checks
	c.required("transactItems", in.TransactItems != nil)
	if in.TransactItems != nil {
		c.count("transactItems", len(in.TransactItems), 1, maxTransaction)
	}
	c.returnModes(in.ReturnConsumedCapacity, "")
	names := make([]string, len(in.TransactItems))
	for i, item := range in.TransactItems {
		c.required(at, item.Get != nil)
		if item.Get != nil {
			names[i] = c.table(at+".tableName", item.Get.TableName)
			c.required(at+".key", item.Get.Key != nil)
		}
	}
	if err := c.err(); err != nil {
		return nil, nil, err
	}
	reads, refused := make([]transactRead, len(names)), make(reasons, len(names))
	var distinct distinctItems
	for i, item := range in.TransactItems {
		var err error
		if reads[i].projection, err = parseProjection(item.Get.ExpressionAttributeNames,
			item.Get.ProjectionExpression, nil); err != nil {
			return nil, nil, err
		}
	}
	for i, item := range in.TransactItems {
		r := &reads[i]
		var err error
		if r.table, err = e.findItemTable(ctx, names[i]); err != nil {
			return nil, nil, err
		}
		def := r.table.Definition()
		if err := checkProjection(def, r.projection); err != nil {
			return nil, nil, err
		}
		refused[i] = reasonOf(checkKey(def, item.Get.Key))
		if refused[i].failed() {
			continue
		}
		r.row = def.Row(item.Get.Key)
		if err := distinct.add(r.table, r.row); err != nil {
			return nil, nil, err
		}
	}
	return reads, refused, nil
}
