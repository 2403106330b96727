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

// context returns the context for parsing expressions. valued are the
// expressions that may contain values, others those that contain only names. It
// refuses placeholders without an expression that could use them.
func (p *placeholders) context(valued []parameter, others ...parameter) (*expr.Context, error) {
	if p.ExpressionAttributeNames != nil && presentNames(slices.Concat(valued, others)) == "" {
		return nil, errNamesOnly
	}
	if p.ExpressionAttributeValues != nil && presentNames(valued) == "" {
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions%s",
			missingNames(valued))
	}
	return expr.NewContext(p.ExpressionAttributeNames, p.ExpressionAttributeValues)
}

var errNamesOnly = invalid("ExpressionAttributeNames can only be specified when using expressions")

// missingNames returns the end of DynamoDB's message for missing parameters.
func missingNames(parameters []parameter) string {
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

// condition parses an optional condition. It returns nil if src is nil.
func condition(c *expr.Context, field string, src *string) (*expr.Condition, error) {
	if src == nil {
		return nil, nil
	}
	return c.ParseCondition(field, *src)
}

// projection parses an optional projection. It returns nil if src is nil.
func projection(c *expr.Context, src *string) (*expr.Projection, error) {
	if src == nil {
		return nil, nil
	}
	return c.ParseProjection(*src)
}

// parseProjection parses the optional projection of a read that has no other
// expression, or its legacy form AttributesToGet.
func parseProjection(names expr.Names, src *string, toGet []string) (*expr.Projection, error) {
	if err := checkUnmixed([]parameter{{"AttributesToGet", toGet != nil}},
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

// project applies a projection to an item; a nil projection returns all of it.
func project(p *expr.Projection, item attr.Item) attr.Item {
	if p == nil || item == nil {
		return item
	}
	return p.Apply(item)
}

// findItemTable finds the table of an operation on items. A table that is being
// created has none yet. The error, as DynamoDB's, does not name the table; see
// findTable.
func (e *Engine) findItemTable(ctx context.Context, name string) (*store.Table, error) {
	observationOf(ctx).setResource(name)
	t, err := e.store.Table(name)
	if errors.Is(err, store.ErrNoTable) {
		return nil, noTable()
	}
	if err == nil && e.pending.has(t, "") {
		return nil, noTable()
	}
	return t, err
}

// writeOne commits a write that is not part of a batch or a transaction.
func (e *Engine) writeOne(ctx context.Context, m store.Mutation) (store.Change, error) {
	changes, err := e.store.Write(ctx, m)
	if err != nil {
		return store.Change{}, err
	}
	chargeRefused(ctx, m, changes[0])
	return changes[0], changes[0].Err
}

// chargeRefused charges a write whose condition failed. It costs the write
// units of the existing item ("Condition expressions" in the Developer Guide).
func chargeRefused(ctx context.Context, m store.Mutation, c store.Change) {
	api, ok := errors.AsType[*apiError](c.Err)
	if !ok || api.code != "ConditionalCheckFailedException" {
		return
	}
	refused := meter{table: m.Table.Definition().Name}
	refused.write(c)
	refused.report(ctx, reportNone)
}
