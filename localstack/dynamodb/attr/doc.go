// Package attr implements DynamoDB attribute values: the values themselves,
// their DynamoDB JSON, their order, their size as DynamoDB counts it, and their
// encodings as keys and items in an ordered byte store.
//
// Use it for the values of requests, stored items and expressions. It has no
// notion of tables, key schemas or expressions, does no I/O and does not panic
// on any input. Input that DynamoDB refuses is a [*ValidationError] or a
// [*SerializationError] with DynamoDB's own text.
package attr
