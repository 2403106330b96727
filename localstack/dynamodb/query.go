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
	legacyRead
}

// check judges them and returns the table's name.
func (o *readOptions) check(c *checks) (table string) {
	table = c.table("tableName", o.TableName)
	if o.IndexName != nil {
		c.name("indexName", o.IndexName)
	}
	c.reports(o.ReturnConsumedCapacity, "")
	c.oneOf("select", o.Select, selectSpecific, selectCount, selectAll, selectProjected)
	o.legacyRead.check(c)
	return table
}

// parsed are the expressions of a Query or a Scan, or what they replaced.
type parsed struct {
	key        expr.KeyCondition // of a Query
	filter     *expr.Condition
	projection *expr.Projection
}

// parse reads what Query and Scan share, and the key condition if there is one.
// filter is QueryFilter or ScanFilter; own and legacy are the expressions and
// the older parameters that only the one or the other has.
func (o *readOptions) parse(key *string, filter expr.LegacyConditions, own []parameter,
	legacy ...parameter) (out parsed, err error) {
	legacy = append([]parameter{{"AttributesToGet", o.AttributesToGet != nil}}, legacy...)
	legacy = append(legacy, parameter{"ConditionalOperator", o.ConditionalOperator != ""})
	projects := parameter{"ProjectionExpression", o.ProjectionExpression != nil}
	valued := append([]parameter{{"FilterExpression", o.FilterExpression != nil}}, own...)
	if err := unmixed(legacy, append([]parameter{projects}, valued...)); err != nil {
		return out, err
	}
	c, err := o.context(valued, projects)
	if err != nil {
		return out, err
	}
	if key != nil {
		if out.key, err = c.ParseKeyCondition(*key); err != nil {
			return out, err
		}
	}
	if out.filter, err = condition(c, "FilterExpression", o.FilterExpression); err != nil {
		return out, err
	}
	if out.projection, err = projection(c, o.ProjectionExpression); err != nil {
		return out, err
	}
	if err := c.CheckUnused(); err != nil {
		return out, err
	}
	if o.AttributesToGet != nil {
		out.projection, err = attributesToGet(o.AttributesToGet)
	}
	if err == nil && o.FilterExpression == nil {
		out.filter, err = combine(filter, o.ConditionalOperator)
	}
	return out, err
}

type readOutput struct {
	Items            []attr.Item
	written          *answer // instead of Items: an answer that they begin
	Count            int
	ScannedCount     int
	LastEvaluatedKey attr.Item
	ConsumedCapacity *consumedCapacity
	bytes            int // about the size of the items
}

// read runs a plan and shapes the answer.
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
	return &readOutput{g.items, g.written, g.count, g.scanned, g.last, m.report(ctx, report), g.bytes}, nil
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
		// Unlike Scan, Query names the member as the API does, and no value.
		c.found = append(c.found, "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}
	c.legacyConditions("keyConditions", in.KeyConditions)
	c.legacyConditions("queryFilter", in.QueryFilter)
	if err := c.err(); err != nil {
		return nil, err
	}
	p, err := e.planQuery(ctx, table, in)
	if err != nil {
		return nil, err
	}
	return e.read(ctx, p, in.ReturnConsumedCapacity)
}

func (in *queryInput) parse() (parsed, error) {
	out, err := in.readOptions.parse(in.KeyConditionExpression, in.QueryFilter,
		[]parameter{{"KeyConditionExpression", in.KeyConditionExpression != nil}},
		parameter{"QueryFilter", in.QueryFilter != nil}, parameter{"KeyConditions", in.KeyConditions != nil})
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
	if err := p.choose(&in.readOptions); err != nil {
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
		case p.within(position):
			return nil
		case len(parsed.key) == 1:
			return invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		return invalid("The provided starting key does not match the range key predicate")
	})
}

// filterAvoidsKey refuses a filter on the key: that is the key condition's
// work.
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
