// Package attr holds DynamoDB attribute values: what they are, how they read
// and write as DynamoDB JSON, how they compare, how large DynamoDB counts
// them, and how they are laid out in an ordered byte store.
//
// Use it wherever a request, a stored item or an expression handles a value.
// It knows nothing of tables, key schemas or expressions, does no I/O, and
// never panics on input: what DynamoDB would refuse comes back as a
// [*ValidationError] or a [*SerializationError] with DynamoDB's own text.
package attr
