// Package expr reads and evaluates DynamoDB's expressions: condition, filter,
// projection, update and key condition expressions.
//
// A request's expressions share one [Context], which holds the request's
// ExpressionAttributeNames and ExpressionAttributeValues: parse each expression
// with it, then call [Context.CheckUnused], then evaluate. What has been parsed
// does not change and may be evaluated by several goroutines at once.
//
// The package knows neither tables nor key schemas: it tells which attributes
// an expression touches, and the engine decides whether it may. It never
// changes an item that it is given. Errors are [*attr.ValidationError] values
// with DynamoDB's own texts, but for the envelope that some operations put
// around them ("1 validation error detected: "), which is the engine's.
package expr
