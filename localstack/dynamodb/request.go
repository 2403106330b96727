package dynamodb

import (
	"context"
	"errors"
	"slices"
	"strings"

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

// placeholders are the names and values that a request's expressions share.
type placeholders struct {
	ExpressionAttributeNames  expr.Names
	ExpressionAttributeValues expr.Values
}

// context prepares the parsing of expressions: valued are those that may have
// values, others those that only have names. Placeholders without any are
// refused.
func (p *placeholders) context(valued []parameter, others ...parameter) (*expr.Context, error) {
	if p.ExpressionAttributeNames != nil && named(slices.Concat(valued, others)) == "" {
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if p.ExpressionAttributeValues != nil && named(valued) == "" {
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions%s", absent(valued))
	}
	return expr.NewContext(p.ExpressionAttributeNames, p.ExpressionAttributeValues)
}

// absent says which parameters are missing.
func absent(parameters []parameter) string {
	var names []string
	for _, p := range parameters {
		names = append(names, p.name)
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ": " + names[0] + " is null"
	}
	return ": " + strings.Join(names, " and ") + " are null"
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

// parseProjection parses an optional projection that is a read's only
// expression, or its predecessor AttributesToGet.
func parseProjection(names expr.Names, src *string, toGet []string) (*expr.Projection, error) {
	if err := unmixed([]parameter{{"AttributesToGet", toGet != nil}},
		[]parameter{{"ProjectionExpression", src != nil}}); err != nil {
		return nil, err
	}
	p := placeholders{ExpressionAttributeNames: names}
	c, err := p.context(nil, parameter{"ProjectionExpression", src != nil})
	if err != nil {
		return nil, err
	}
	if toGet != nil {
		return attributesToGet(toGet)
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
// that is there would have cost ("Condition expressions" in the Developer
// Guide).
func chargeRefused(ctx context.Context, m store.Mutation, c store.Change) {
	var api *apiError
	if !errors.As(c.Err, &api) || api.code != "ConditionalCheckFailedException" {
		return
	}
	refused := meter{table: m.Table.Definition().Name}
	refused.write(c)
	refused.report(ctx, reportNone)
}
