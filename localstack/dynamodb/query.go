package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

// The values of Select.
const (
	selectAll       = "ALL_ATTRIBUTES"
	selectProjected = "ALL_PROJECTED_ATTRIBUTES"
	selectSpecific  = "SPECIFIC_ATTRIBUTES"
	selectCount     = "COUNT"
)

// readOptions are the members that Query and Scan share.
type readOptions struct {
	TableName              *string
	IndexName              *string
	ConsistentRead         bool
	ExclusiveStartKey      attr.Item
	FilterExpression       *string
	ProjectionExpression   *string
	Limit                  *int64
	ReturnConsumedCapacity string
	Select                 string
	placeholders
	legacy
}

// check judges them and returns the table's name.
func (o *readOptions) check(c *checks) (table string) {
	table = c.table("tableName", o.TableName)
	if o.IndexName != nil {
		c.name("indexName", o.IndexName)
	}
	c.value("limit", o.Limit, 1, 0)
	c.reports(o.ReturnConsumedCapacity, "")
	c.oneOf("select", o.Select, selectSpecific, selectCount, selectAll, selectProjected)
	return table
}

// parse reads the filter and the projection into p.
func (o *readOptions) parse(c *expr.Context, p *readPlan) (err error) {
	if p.filter, err = condition(c, "FilterExpression", o.FilterExpression); err != nil {
		return err
	}
	p.projection, err = projection(c, o.ProjectionExpression)
	return err
}

type readOutput struct {
	Items            []attr.Item `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey attr.Item         `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitzero"`
}

// read runs a plan and shapes the answer.
func (e *Engine) read(ctx context.Context, p *readPlan, report string) (*readOutput, error) {
	g, err := e.readPage(ctx, p)
	if err != nil {
		return nil, err
	}
	if !p.countOnly && g.items == nil {
		g.items = []attr.Item{}
	}
	return &readOutput{g.items, g.count, g.scanned, g.last, g.cost(p).report(ctx, report)}, nil
}

type queryInput struct {
	KeyConditionExpression *string
	ScanIndexForward       *bool
	readOptions
}

func (e *Engine) query(ctx context.Context, in *queryInput) (*readOutput, error) {
	var c checks
	table := in.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.refuse(); err != nil {
		return nil, err
	}
	p, err := e.planQuery(ctx, table, in)
	if err != nil {
		return nil, err
	}
	return e.read(ctx, p, in.ReturnConsumedCapacity)
}

func (e *Engine) planQuery(ctx context.Context, table string, in *queryInput) (*readPlan, error) {
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	c, err := in.context(true)
	if err != nil {
		return nil, err
	}
	key, err := c.ParseKeyCondition(*in.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	var parsed readPlan
	if err := in.parse(c, &parsed); err != nil {
		return nil, err
	}
	if err := c.CheckUnused(); err != nil {
		return nil, err
	}
	p, err := e.newReadPlan(ctx, table, &in.readOptions)
	if err != nil {
		return nil, err
	}
	p.filter, p.projection = parsed.filter, parsed.projection
	p.reverse = in.ScanIndexForward != nil && !*in.ScanIndexForward
	if err := p.choose(in.Select); err != nil {
		return nil, err
	}
	if err := p.bind(key); err != nil {
		return nil, err
	}
	if err := p.filterAvoidsKey(); err != nil {
		return nil, err
	}
	return p, p.startAfter(in.ExclusiveStartKey, func(position []byte) error {
		switch {
		case p.within(position):
			return nil
		case len(key) == 1:
			return invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		return invalid("The provided starting key does not match the range key predicate")
	})
}

// filterAvoidsKey refuses a filter on the key: that is the key condition's work.
func (p *readPlan) filterAvoidsKey() error {
	if p.filter == nil {
		return nil
	}
	for _, path := range p.filter.Paths() {
		if name := path.Attribute(); p.key().Has(name) {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
		}
	}
	return nil
}
