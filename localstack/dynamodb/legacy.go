package dynamodb

import (
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

// parameter is an optional member of a request.
type parameter struct {
	name    string
	present bool
}

// presentNames returns the names of the parameters that are present.
func presentNames(parameters []parameter) string {
	var names []string
	for _, p := range parameters {
		if p.present {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// checkUnmixed refuses a request that has both expressions and legacy
// parameters.
func checkUnmixed(legacy, expressions []parameter) error {
	old, now := presentNames(legacy), presentNames(expressions)
	if old == "" || now == "" {
		return nil
	}
	return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}", old, now)
}

// conditional are the legacy parameters of writes (API reference, "Legacy
// conditional parameters").
type conditional struct {
	Expected            expr.LegacyConditions
	ConditionalOperator string
}

func (l *conditional) parameters() []parameter {
	return []parameter{{"Expected", l.Expected != nil}, {"ConditionalOperator", l.ConditionalOperator != ""}}
}

func (l *conditional) check(c *checks) {
	c.conditionalOperator(l.ConditionalOperator)
	c.legacyConditions("expected", l.Expected)
}

// condition returns the condition that Expected stands for, or nil.
func (l *conditional) condition() (*expr.Condition, error) {
	return combine(l.Expected, l.ConditionalOperator)
}

// combine joins conditions by a ConditionalOperator, by AND if it is empty.
func combine(conditions expr.LegacyConditions, operator string) (*expr.Condition, error) {
	switch {
	case operator == "":
	case len(conditions) == 0:
		return nil, invalidParameter("ConditionalOperator cannot be used without Filter or Expected")
	case len(conditions) == 1:
		return nil, invalidParameter("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return conditions.Condition(operator == "OR")
}

func (c *checks) conditionalOperator(operator string) {
	c.oneOf("conditionalOperator", operator, "OR", "AND")
}

func (c *checks) legacyConditions(member string, conditions expr.LegacyConditions) {
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		c.oneOf(member+"."+name+".member.comparisonOperator", conditions[name].ComparisonOperator,
			expr.LegacyOperators...)
	}
}

// readConditions checks KeyConditions, QueryFilter or ScanFilter. Unlike
// Expected, they have ComparisonOperator and AttributeValueList only; Value and
// Exists are unknown members there, which AWS ignores.
func (c *checks) readConditions(member string, conditions expr.LegacyConditions) {
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		condition := conditions[name]
		c.required(member+"."+name+".member.comparisonOperator", condition.ComparisonOperator != "")
		conditions[name] = expr.LegacyCondition{
			ComparisonOperator: condition.ComparisonOperator,
			AttributeValueList: condition.AttributeValueList,
		}
	}
	c.legacyConditions(member, conditions)
}

// legacyRead are the legacy parameters of Query and Scan.
type legacyRead struct {
	AttributesToGet     []string
	ConditionalOperator string
}

func (l *legacyRead) check(c *checks) {
	c.conditionalOperator(l.ConditionalOperator)
	c.attributesToGet("attributesToGet", l.AttributesToGet)
}

func (c *checks) attributesToGet(member string, names []string) {
	if names != nil {
		c.count(member, len(names), 1, 0)
	}
}

// attributesToGet returns the projection that AttributesToGet stands for, or
// nil for all attributes.
func attributesToGet(names []string) (*expr.Projection, error) {
	if names == nil {
		return nil, nil
	}
	return expr.LegacyProjection(names)
}
