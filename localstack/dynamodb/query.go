package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

type readOutput struct {
	Items            []attr.Item
	json             *response // instead of Items: the response, which starts with the items
	Count            int
	ScannedCount     int
	LastEvaluatedKey attr.Item
	ConsumedCapacity *consumedCapacity
	bytes            int // approximate size of the items
}

func (o *readOutput) appendJSON() ([]byte, error) {
	a := o.json
	if a == nil {
		a = newResponse(o.bytes)
		a.items("Items", o.Items)
	} else {
		a.end()
	}
	a.number("Count", o.Count)
	a.number("ScannedCount", o.ScannedCount)
	a.item("LastEvaluatedKey", o.LastEvaluatedKey)
	a.add("ConsumedCapacity", o.ConsumedCapacity != nil, o.ConsumedCapacity)
	return a.finish()
}

// read runs a plan and builds the response.
func (e *Engine) read(ctx context.Context, p *readPlan, report string) (*readOutput, error) {
	p.asText = true
	g, err := e.readPage(ctx, p)
	if err != nil {
		return nil, err
	}
	if !p.countOnly && g.items == nil {
		g.items = []attr.Item{}
	}
	m := meter{table: p.def.Name}
	g.charge(&m, p)
	return &readOutput{g.items, g.json, g.count, g.scanned, g.last, m.report(ctx, report), g.bytes}, nil
}

type queryInput struct {
	KeyConditionExpression *string
	ScanIndexForward       *bool
	KeyConditions          expr.LegacyConditions
	QueryFilter            expr.LegacyConditions
	readOptions
}

func (e *Engine) query(ctx context.Context, in *queryInput) (*readOutput, error) {
	var c checks
	table := in.check(&c)
	if in.Limit != nil && *in.Limit < 1 {
		// Unlike Scan's, Query's message has a capital letter and no value.
		c.violations = append(c.violations,
			"Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}
	c.readConditions("keyConditions", in.KeyConditions)
	c.readConditions("queryFilter", in.QueryFilter)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := e.planQuery(ctx, table, in)
	if err != nil {
		return nil, err
	}
	return e.read(ctx, p, in.ReturnConsumedCapacity)
}

// parse parses the expressions or legacy parameters. KeyConditions goes with
// every expression but KeyConditionExpression.
func (in *queryInput) parse() (readExpressions, error) {
	out, err := in.readOptions.parse(in.KeyConditionExpression, in.QueryFilter,
		[]parameter{{"KeyConditionExpression", in.KeyConditionExpression != nil}},
		parameter{"QueryFilter", in.QueryFilter != nil},
		parameter{"KeyConditions", in.KeyConditions != nil && in.KeyConditionExpression != nil})
	switch {
	case err != nil:
		return out, err
	case in.KeyConditionExpression == nil && in.KeyConditions == nil:
		return out, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	case in.KeyConditions != nil:
		out.key, err = in.KeyConditions.KeyCondition()
	}
	return out, err
}

func (e *Engine) planQuery(ctx context.Context, table string, in *queryInput) (*readPlan, error) {
	parsed, err := in.parse()
	if err != nil {
		return nil, err
	}
	p, err := e.newReadPlan(ctx, table, &in.readOptions, parsed)
	if err != nil {
		return nil, err
	}
	p.reverse = in.ScanIndexForward != nil && !*in.ScanIndexForward
	if err := p.applySelect(&in.readOptions); err != nil {
		return nil, err
	}
	if err := p.bind(parsed.key); err != nil {
		return nil, err
	}
	if err := p.filterAvoidsKey(in.QueryFilter != nil); err != nil {
		return nil, err
	}
	return p, p.startAfter(in.ExclusiveStartKey, func(position []byte) error {
		switch {
		case p.contains(position):
			return nil
		case len(parsed.key) == len(p.key().Hashes()):
			return invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		return invalid("The provided starting key does not match the range key predicate")
	})
}

// filterAvoidsKey refuses a filter on the key: such conditions belong to the
// key condition.
func (p *readPlan) filterAvoidsKey(legacy bool) error {
	if p.filter == nil {
		return nil
	}
	for _, path := range p.filter.Paths() {
		switch name := path.Attribute(); {
		case !p.key().Has(name):
		case legacy:
			return invalid("QueryFilter can only contain non-primary key attributes: Primary key attribute: %s", name)
		default:
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s",
				name)
		}
	}
	return nil
}
