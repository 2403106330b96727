package plan

// Table is a DynamoDB table.
type Table struct {
	Origin
	LogicalID, Name, ARN   string
	AttributeDefinitions   []AttributeDefinition
	KeySchema              []KeyElement
	GlobalSecondaryIndexes []Index
	LocalSecondaryIndexes  []Index
	// BillingMode is PAY_PER_REQUEST or PROVISIONED.
	BillingMode string
	// ProvisionedThroughput is nil for PAY_PER_REQUEST.
	ProvisionedThroughput *Throughput
	// TTLAttribute names the attribute with the expiry in Unix seconds; empty
	// if items do not expire.
	TTLAttribute string
	// StreamView is NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY, or
	// empty without a stream. StreamARN is empty with it.
	StreamView, StreamARN string
	DeletionProtection    bool
	// ResourcePolicy is nil if the table has none.
	ResourcePolicy *Policy
}

// AttributeDefinition gives the type of a key attribute: S, N or B.
type AttributeDefinition struct{ Name, Type string }

// KeyElement is one part of a key; Type is HASH or RANGE.
type KeyElement struct{ Name, Type string }

// Index is a secondary index. ProjectionType is ALL, KEYS_ONLY or INCLUDE; only
// INCLUDE has NonKeyAttributes. ProvisionedThroughput is nil for
// PAY_PER_REQUEST and for local indexes.
type Index struct {
	Name                  string
	KeySchema             []KeyElement
	ProjectionType        string
	NonKeyAttributes      []string
	ProvisionedThroughput *Throughput
}

// Throughput is capacity in units per second.
type Throughput struct{ Read, Write int }
