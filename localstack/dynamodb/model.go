package dynamodb

// The shapes of the table operations, named as in DynamoDB's API reference.

// CreateTableInput declares a table, for [Engine.EnsureTable] and CreateTable.
type CreateTableInput struct {
	TableName                 *string
	AttributeDefinitions      []AttributeDefinition
	KeySchema                 []KeySchemaElement
	BillingMode               string // PROVISIONED (default) or PAY_PER_REQUEST
	ProvisionedThroughput     *ProvisionedThroughput
	LocalSecondaryIndexes     []SecondaryIndex
	GlobalSecondaryIndexes    []SecondaryIndex
	TableClass                string
	DeletionProtectionEnabled bool
	StreamSpecification       *StreamSpecification
	SSESpecification          *SSESpecification
	OnDemandThroughput        *OnDemandThroughput
	Tags                      []Tag
}

// AttributeDefinition gives the type of a key attribute: S, N or B.
type AttributeDefinition struct {
	AttributeName string
	AttributeType string
}

// KeySchemaElement is one attribute of a key; KeyType is HASH or RANGE.
type KeySchemaElement struct {
	AttributeName string
	KeyType       string
}

// ProvisionedThroughput is stored and reported. The engine never throttles.
type ProvisionedThroughput struct {
	ReadCapacityUnits  int64
	WriteCapacityUnits int64
}

// SecondaryIndex declares a local or a global secondary index.
// ProvisionedThroughput is for global ones.
type SecondaryIndex struct {
	IndexName             *string
	KeySchema             []KeySchemaElement
	Projection            *Projection
	ProvisionedThroughput *ProvisionedThroughput
}

// Projection says which attributes an index holds: ProjectionType is ALL,
// KEYS_ONLY or, with NonKeyAttributes, INCLUDE.
type Projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

// StreamSpecification asks for a stream of the table's changes. StreamViewType
// says what the records hold besides keys: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or
// NEW_AND_OLD_IMAGES.
type StreamSpecification struct {
	StreamEnabled  bool
	StreamViewType string `json:",omitzero"`
	// Label is the last part of the stream's ARN, for a caller that needs the
	// ARN before the table is created. If it is empty, the label is the current
	// time. Requests cannot set it.
	Label string `json:"-"`
}

// SSESpecification asks for encryption at rest with a KMS key; SSEType is KMS.
// It is stored and reported; the data is not encrypted.
type SSESpecification struct {
	Enabled        bool
	SSEType        string
	KMSMasterKeyID string `json:"KMSMasterKeyId"` // key id, ARN or alias; default alias/aws/dynamodb
}

// OnDemandThroughput bounds the throughput of an on-demand table; -1 removes a
// bound. It is stored and reported. The engine never throttles.
type OnDemandThroughput struct {
	MaxReadRequestUnits  int64 `json:",omitzero"`
	MaxWriteRequestUnits int64 `json:",omitzero"`
}

// Tag is a label on a table.
type Tag struct {
	Key   string
	Value string
}

// The values of BillingMode.
const (
	billingProvisioned = "PROVISIONED"
	billingOnDemand    = "PAY_PER_REQUEST"
)

type tableOutput struct {
	TableDescription tableDescription
}

type tableDescription struct {
	TableName                 string
	TableStatus               string
	AttributeDefinitions      []AttributeDefinition `json:",omitempty"`
	KeySchema                 []KeySchemaElement    `json:",omitempty"`
	CreationDateTime          float64               `json:",omitzero"`
	ProvisionedThroughput     throughputDescription
	WarmThroughput            *warmThroughput `json:",omitzero"`
	TableSizeBytes            int64
	ItemCount                 int64
	TableArn                  string
	TableID                   string              `json:"TableId"`
	BillingModeSummary        *billingModeSummary `json:",omitzero"`
	TableClassSummary         *tableClassSummary  `json:",omitzero"`
	LocalSecondaryIndexes     []indexDescription  `json:",omitempty"`
	GlobalSecondaryIndexes    []indexDescription  `json:",omitempty"`
	DeletionProtectionEnabled bool
	StreamSpecification       *StreamSpecification `json:",omitzero"`
	LatestStreamLabel         string               `json:",omitempty"`
	LatestStreamArn           string               `json:",omitempty"`
	SSEDescription            *sseDescription      `json:",omitzero"`
	OnDemandThroughput        *OnDemandThroughput  `json:",omitzero"`
}

type throughputDescription struct {
	NumberOfDecreasesToday int64
	ReadCapacityUnits      int64
	WriteCapacityUnits     int64
}

// warmThroughput is the throughput that a table or an index supports at once
// (API reference, WarmThroughput).
type warmThroughput struct {
	ReadUnitsPerSecond  int64
	WriteUnitsPerSecond int64
	Status              string
}

type billingModeSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64 `json:",omitzero"`
}

type tableClassSummary struct{ TableClass string }

type indexDescription struct {
	IndexName             string
	KeySchema             []KeySchemaElement
	Projection            Projection
	IndexStatus           string                 `json:",omitempty"`
	Backfilling           bool                   `json:",omitzero"`
	ProvisionedThroughput *throughputDescription `json:",omitzero"`
	WarmThroughput        *warmThroughput        `json:",omitzero"`
	IndexSizeBytes        int64
	ItemCount             int64
	IndexArn              string
}

type sseDescription struct {
	Status          string
	SSEType         string
	KMSMasterKeyArn string
}
