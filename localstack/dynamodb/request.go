package dynamodb

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// The values of ReturnValues and ReturnValuesOnConditionCheckFailure.
const (
	returnNone       = "NONE"
	returnAllOld     = "ALL_OLD"
	returnAllNew     = "ALL_NEW"
	returnUpdatedOld = "UPDATED_OLD"
	returnUpdatedNew = "UPDATED_NEW"
)

// legacy are the parameters from before expressions. They change what a
// request means, so they are refused rather than ignored.
type legacy struct {
	AttributesToGet     jsontext.Value
	AttributeUpdates    jsontext.Value
	ConditionalOperator jsontext.Value
	Expected            jsontext.Value
	KeyConditions       jsontext.Value
	QueryFilter         jsontext.Value
	ScanFilter          jsontext.Value
}

func (l *legacy) refuse() error {
	for _, p := range []struct {
		name, instead string
		value         jsontext.Value
	}{
		{"AttributesToGet", "ProjectionExpression", l.AttributesToGet},
		{"AttributeUpdates", "UpdateExpression", l.AttributeUpdates},
		{"ConditionalOperator", "an expression", l.ConditionalOperator},
		{"Expected", "ConditionExpression", l.Expected},
		{"KeyConditions", "KeyConditionExpression", l.KeyConditions},
		{"QueryFilter", "FilterExpression", l.QueryFilter},
		{"ScanFilter", "FilterExpression", l.ScanFilter},
	} {
		if p.value != nil && p.value.Kind() != jsontext.KindNull {
			return invalid("The legacy parameter %s is not supported by this engine: use %s", p.name, p.instead)
		}
	}
	return nil
}

// placeholders are the names and values that a request's expressions share.
type placeholders struct {
	ExpressionAttributeNames  expr.Names
	ExpressionAttributeValues expr.Values
}

// context prepares the parsing of expressions. used says whether the request
// has any expression: placeholders without one are refused.
func (p *placeholders) context(used bool) (*expr.Context, error) {
	if !used {
		if p.ExpressionAttributeNames != nil {
			return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
		}
		if p.ExpressionAttributeValues != nil {
			return nil, invalid("ExpressionAttributeValues can only be specified when using expressions")
		}
	}
	return expr.NewContext(p.ExpressionAttributeNames, p.ExpressionAttributeValues)
}

// condition parses an optional condition; nil if there is none.
func condition(c *expr.Context, field string, src *string) (*expr.Condition, error) {
	if src == nil {
		return nil, nil
	}
	return c.ParseCondition(field, *src)
}

// projection parses an optional projection; nil if there is none.
func projection(c *expr.Context, src *string) (*expr.Projection, error) {
	if src == nil {
		return nil, nil
	}
	return c.ParseProjection(*src)
}

// parseProjection parses an optional projection that is a read's only expression.
func parseProjection(names expr.Names, src *string) (*expr.Projection, error) {
	p := placeholders{ExpressionAttributeNames: names}
	c, err := p.context(src != nil)
	if err != nil {
		return nil, err
	}
	out, err := projection(c, src)
	if err != nil {
		return nil, err
	}
	return out, c.CheckUnused()
}

// project cuts item down, if there is a projection.
func project(p *expr.Projection, item attr.Item) attr.Item {
	if p == nil || item == nil {
		return item
	}
	return p.Apply(item)
}

// target finds the table of an item operation.
func (e *Engine) target(ctx context.Context, name string) (*store.Table, error) {
	observationOf(ctx).names(name)
	t, err := e.store.Table(name)
	if errors.Is(err, store.ErrNoTable) {
		return nil, noTable()
	}
	return t, err
}

// writeOne commits one plain write.
func (e *Engine) writeOne(ctx context.Context, m store.Mutation) (store.Change, error) {
	changes, err := e.store.Write(ctx, m)
	if err != nil {
		return store.Change{}, err
	}
	chargeRefused(ctx, m, changes[0])
	return changes[0], changes[0].Err
}

// chargeRefused counts a write whose condition failed: it costs what the item
// that is there would have cost ("Condition expressions" in the Developer Guide).
func chargeRefused(ctx context.Context, m store.Mutation, c store.Change) {
	var api *apiError
	if !errors.As(c.Err, &api) || api.code != "ConditionalCheckFailedException" {
		return
	}
	refused := meter{table: m.Table.Definition().Name}
	refused.write(c)
	refused.report(ctx, reportNone)
}
