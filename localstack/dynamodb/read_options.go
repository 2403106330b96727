package dynamodb

import (
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

// check validates the members and returns the table's name.
func (o *readOptions) check(c *checks) (table string) {
	table = c.table("tableName", o.TableName)
	if o.IndexName != nil {
		c.name("indexName", o.IndexName)
	}
	c.returnModes(o.ReturnConsumedCapacity, "")
	c.oneOf("select", o.Select, selectSpecific, selectCount, selectAll, selectProjected)
	o.legacyRead.check(c)
	return table
}

// readExpressions are the parsed expressions or legacy parameters of a Query or
// a Scan.
type readExpressions struct {
	key        expr.KeyCondition // of a Query
	filter     *expr.Condition
	projection *expr.Projection
}

// parse parses what Query and Scan share, and the key condition if there is
// one. filter is QueryFilter or ScanFilter; own and legacy are the expressions
// and the legacy parameters that only one of the two has.
func (o *readOptions) parse(key *string, filter expr.LegacyConditions, own []parameter,
	legacy ...parameter) (out readExpressions, err error) {
	legacy = append([]parameter{{"AttributesToGet", o.AttributesToGet != nil}}, legacy...)
	legacy = append(legacy, parameter{"ConditionalOperator", o.ConditionalOperator != ""})
	projects := parameter{"ProjectionExpression", o.ProjectionExpression != nil}
	valued := append([]parameter{{"FilterExpression", o.FilterExpression != nil}}, own...)
	if err := checkUnmixed(legacy, append([]parameter{projects}, valued...)); err != nil {
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
