package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

type updateItemInput struct {
	Key              attr.Item
	UpdateExpression *string
	AttributeUpdates expr.LegacyUpdates
	writeOptions
}

func (e *Engine) updateItem(ctx context.Context, in *updateItemInput) (*writeOutput, error) {
	var c checks
	table := in.check(&c)
	c.required("key", in.Key != nil)
	for name, u := range in.AttributeUpdates {
		c.oneOf("attributeUpdates."+name+".member.action", u.Action, "ADD", "PUT", "DELETE")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	update, g, err := in.parse()
	if err != nil {
		return nil, enveloped(err)
	}
	t, err := e.findItemTable(ctx, table)
	if err != nil {
		return nil, err
	}
	m, err := planUpdate(t, in.Key, update, g)
	if err != nil {
		return nil, err
	}
	change, err := e.writeOne(ctx, m)
	if err != nil {
		return nil, err
	}
	return e.output(ctx, &in.writeOptions, m, change, in.returned(update, change))
}

// parse parses the update and the condition, given as expressions or as legacy
// parameters.
func (in *updateItemInput) parse() (*expr.Update, guard, error) {
	legacy := append([]parameter{{"AttributeUpdates", in.AttributeUpdates != nil}}, in.conditional.parameters()...)
	expressions := []parameter{{"UpdateExpression", in.UpdateExpression != nil},
		{"ConditionExpression", in.ConditionExpression != nil}}
	if err := checkUnmixed(legacy, expressions); err != nil {
		return nil, guard{}, err
	}
	update, g, err := parseUpdate(in.placeholders, in.UpdateExpression, in.ConditionExpression,
		in.ReturnValuesOnConditionCheckFailure)
	if err != nil || presentNames(expressions) != "" {
		return update, g, err
	}
	if in.AttributeUpdates != nil {
		if update, err = in.AttributeUpdates.Update(); err != nil {
			return nil, guard{}, err
		}
	}
	g.condition, err = in.conditional.condition()
	return update, g, err
}

// returned returns the attributes that ReturnValues asks for.
func (in *updateItemInput) returned(update *expr.Update, c store.Change) attr.Item {
	switch {
	case in.ReturnValues == returnAllOld:
		return c.Old
	case in.ReturnValues == returnAllNew:
		return c.New
	case in.ReturnValues == returnUpdatedOld && update != nil:
		return update.UpdatedOld(c.Old)
	case in.ReturnValues == returnUpdatedNew && update != nil:
		return update.UpdatedNew(c.New)
	}
	return nil
}
