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
	writeOptions
}

func (e *Engine) updateItem(ctx context.Context, in *updateItemInput) (*writeOutput, error) {
	var c checks
	table := in.check(&c)
	c.present("key", in.Key != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.refuse(); err != nil {
		return nil, err
	}
	update, g, err := parseUpdate(in.placeholders, in.UpdateExpression, in.ConditionExpression, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, err
	}
	t, err := e.target(ctx, table)
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
	return in.output(ctx, t, change, in.returned(update, change)), nil
}

// parseUpdate parses an optional update and an optional condition together.
func parseUpdate(p placeholders, update, cond *string, onFailure string) (*expr.Update, guard, error) {
	c, err := p.context(update != nil || cond != nil)
	if err != nil {
		return nil, guard{}, err
	}
	var u *expr.Update
	if update != nil {
		if u, err = c.ParseUpdate(*update); err != nil {
			return nil, guard{}, err
		}
	}
	g, err := newGuard(c, cond, onFailure)
	if err != nil {
		return nil, guard{}, err
	}
	return u, g, c.CheckUnused()
}

// returned picks the attributes that ReturnValues asks for.
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
