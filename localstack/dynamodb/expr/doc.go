// Package expr parses and evaluates the expressions of DynamoDB: condition,
// filter, projection, update and key condition expressions.
//
// The expressions of a request share one [Context], which holds the request's
// ExpressionAttributeNames and ExpressionAttributeValues. Parse each expression
// with it, call [Context.CheckUnused], then evaluate. Parsed expressions are
// immutable and may be evaluated by several goroutines at once.
//
// The package has no notion of tables or key schemas. It returns the attributes
// that an expression uses, and the engine decides whether they are allowed. It
// never changes the items it gets. Errors are [*attr.ValidationError] values
// with DynamoDB's own texts. Some operations add a prefix ("1 validation error
// detected: "), which is left to the engine.
package expr
