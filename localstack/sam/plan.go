package sam

import (
	"encoding/json"
	"time"
)

// Options selects the template and the values it is resolved with.
type Options struct {
	// Path is the template file, YAML or JSON, or its folder: then it is the
	// file that samconfig.toml's template_file names, else template.yaml,
	// template.yml or template.json. It is printed in errors as given.
	Path string
	// Parameters are explicit values of template parameters. They win over
	// samconfig.toml, which wins over the parameter's Default.
	Parameters map[string]string
	// ConfigEnv names the environment to read of the samconfig.toml (or .yaml
	// or .yml) beside the template, such as "default". Empty means that it is
	// not read at all.
	ConfigEnv string
	// Region, Account and StackName are what AWS::Region, AWS::AccountId and
	// AWS::StackName give. Empty means samconfig.toml's value if it is read,
	// else us-east-1, 000000000000 and "local".
	Region, Account, StackName string
	// Check looks for mistakes that this package knows nothing of, so that they
	// are told together with its own. With those, whole is false and the plan
	// lacks what they stand for. nil checks nothing.
	Check func(plan *Plan, whole bool) Errors
}

// Plan is a resolved template.
type Plan struct {
	// Path is the template as given in [Options]; Dir is its folder, absolute.
	Path, Dir string
	// Files are what was read: the template, a configuration file, and what the
	// template includes.
	Files []string
	// StackName, Region and Account are the values that the plan was resolved
	// with.
	StackName, Region, Account string

	// APIs has one entry per WebSocket API and stage.
	APIs      []WebSocketAPI
	Functions []Function
	Tables    []Table
	Keys      []Key
	Schedules []Schedule
	// EventSources are the table streams that feed functions.
	EventSources []EventSource
	Outputs      []Output
	// Notes lists what the template has and a local stack passes over, in the
	// template's order.
	Notes []Note
}

// Function returns the function with that logical id, name or ARN (with or
// without a qualifier), or nil.
func (p *Plan) Function(id string) *Function {
	name := functionName(id)
	for i := range p.Functions {
		if f := &p.Functions[i]; f.LogicalID == id || f.Name == name {
			return f
		}
	}
	return nil
}

// Function is a Lambda function.
type Function struct {
	origin
	LogicalID, Name, ARN string
	// CodeURI is the absolute path of the source folder or of the built
	// artifact.
	CodeURI string
	Handler string
	// Runtime is provided.al2023 or provided.al2.
	Runtime string
	// Architectures holds x86_64 (Lambda's default) or arm64.
	Architectures []string
	// Timeout is the longest one invocation may run, 1 s to 900 s.
	Timeout time.Duration
	// MemoryMB is 128 to 10,240 MB.
	MemoryMB    int
	Environment map[string]string
	// BuildMethod is Metadata.BuildMethod: "go1.x", "makefile", or "" if the
	// template does not say.
	BuildMethod string
	// BuildProperties is Metadata.BuildProperties, such as TrimGoPath: "true".
	BuildProperties map[string]string
	// ReservedConcurrency is the most invocations at once; nil is unlimited,
	// zero refuses every invocation.
	ReservedConcurrency *int
	// Async is what happens to asynchronous invocations.
	Async AsyncConfig
	// Role is the execution role with every policy the template attaches to it.
	Role Role
	// Permissions is the resource-based policy: who may invoke the function.
	Permissions []Permission
}

// AsyncConfig governs asynchronous invocations (Lambda event invoke config).
type AsyncConfig struct {
	// MaxAge is how long an event may wait, 60 s to 6 h (Lambda's default).
	MaxAge time.Duration
	// Retries is how often a failed event is tried again, 0 to 2 (the default).
	Retries int
	// OnSuccess and OnFailure are destination ARNs, DeadLetter is the ARN of
	// the function's dead-letter queue; empty if not given.
	OnSuccess, OnFailure, DeadLetter string
}

// Role is an IAM role. A role given by an ARN from outside the template has
// only an ARN and a name.
type Role struct {
	// LogicalID is empty for a role that is not in the template.
	LogicalID, Name, ARN string
	// ManagedPolicies are ARNs of AWS's own policies and of policies outside
	// the template, whose statements are not known here.
	ManagedPolicies []string
	// Policies are the inline and in-template managed policies.
	Policies []Policy
	// PermissionsBoundary is the ARN of the policy that bounds the role; empty
	// if nothing does.
	PermissionsBoundary string
}

// Policy is an IAM policy document.
type Policy struct {
	Name string
	// Version is 2012-10-17, or 2008-10-17, which a document without one has
	// and which knows no policy variables (IAM user guide, "Version").
	Version    string
	Statements []Statement
}

// Statement is one IAM statement, with scalars widened to lists.
type Statement struct {
	Sid string
	// Effect is Allow or Deny.
	Effect                                   string
	Action, NotAction, Resource, NotResource []string
	// Principal and NotPrincipal map AWS, Service, Federated or CanonicalUser
	// to names; * alone stands as AWS: *. Only policies of resources have them.
	Principal, NotPrincipal map[string][]string
	// Condition maps operator, then condition key, to the accepted values.
	Condition map[string]map[string][]string
}

// Permission is one statement of a function's resource-based policy
// (AWS::Lambda::Permission).
type Permission struct {
	LogicalID string
	// Action is lambda:InvokeFunction or a pattern that covers it.
	Action string
	// Principal is a service such as apigateway.amazonaws.com, an account, an
	// ARN or *.
	Principal string
	// SourceARN may hold the wildcards * and ?; empty admits every source.
	SourceARN string
	// SourceAccount is empty if any account may be the source.
	SourceAccount string
}

// Table is a DynamoDB table.
type Table struct {
	origin
	LogicalID, Name, ARN   string
	AttributeDefinitions   []AttributeDefinition
	KeySchema              []KeyElement
	GlobalSecondaryIndexes []Index
	LocalSecondaryIndexes  []Index
	// BillingMode is PAY_PER_REQUEST or PROVISIONED.
	BillingMode string
	// ProvisionedThroughput is nil on demand.
	ProvisionedThroughput *Throughput
	// TTLAttribute is the number attribute with the expiry in Unix seconds;
	// empty if items do not expire.
	TTLAttribute string
	// StreamView is NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY, or
	// empty without a stream; StreamARN goes with it.
	StreamView, StreamARN string
	DeletionProtection    bool
	// ResourcePolicy is the table's own policy; nil if it has none.
	ResourcePolicy *Policy
}

// AttributeDefinition gives the type of a key attribute: S, N or B.
type AttributeDefinition struct{ Name, Type string }

// KeyElement is one part of a key; Type is HASH or RANGE.
type KeyElement struct{ Name, Type string }

// Index is a secondary index. ProjectionType is ALL, KEYS_ONLY or INCLUDE;
// NonKeyAttributes goes with INCLUDE. ProvisionedThroughput is nil on demand
// and for local indexes.
type Index struct {
	Name                  string
	KeySchema             []KeyElement
	ProjectionType        string
	NonKeyAttributes      []string
	ProvisionedThroughput *Throughput
}

// Throughput is capacity in units per second.
type Throughput struct{ Read, Write int }

// Key is a KMS key.
type Key struct {
	origin
	LogicalID string
	// ID is a UUID.
	ID, ARN string
	// Aliases start with "alias/".
	Aliases []string
	// Spec is such as SYMMETRIC_DEFAULT or RSA_3072.
	Spec string
	// Usage is ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC or
	// KEY_AGREEMENT.
	Usage          string
	EnableRotation bool
	Enabled        bool
	Description    string
	MultiRegion    bool
	// Policy is the key policy; nil if the template has none, which leaves
	// KMS's default: the account's IAM policies decide.
	Policy *Policy
}

// Schedule invokes a function at times.
type Schedule struct {
	LogicalID, Name string
	// Source is aws.events for a rule, aws.scheduler for an EventBridge
	// Scheduler schedule.
	Source string
	// Expression is rate(…), cron(…) or, for the Scheduler, at(…).
	Expression string
	// Timezone is an IANA name; empty is UTC.
	Timezone                       string
	FunctionLogicalID, FunctionARN string
	// Input is the event's JSON; nil leaves the service's own event.
	Input   []byte
	Enabled bool
	// Permitted says whether the service may invoke the function.
	Permitted bool
}

// EventSource feeds a function with batches of records of a table's stream
// (AWS::Lambda::EventSourceMapping, or an event of type DynamoDB). The bounds
// are Lambda's (CreateEventSourceMapping).
type EventSource struct {
	origin
	LogicalID string
	// ID is a UUID; ARN holds it.
	ID, ARN                        string
	FunctionLogicalID, FunctionARN string
	// StreamARN is that of the table TableLogicalID.
	StreamARN, TableLogicalID string
	// StartingPosition is LATEST or TRIM_HORIZON.
	StartingPosition string
	// BatchSize is 1 to 10,000 records, by default 100.
	BatchSize int
	// MaximumBatchingWindow is how long records are gathered, 0 s to 300 s.
	MaximumBatchingWindow time.Duration
	// ParallelizationFactor is 1 (the default) to 10 batches of a shard at
	// once.
	ParallelizationFactor int
	// MaximumRetryAttempts is 0 to 10,000; negative, the default, is until the
	// record expires.
	MaximumRetryAttempts int
	// MaximumRecordAge is 60 s to 7 days; zero, the default, is no limit but
	// the stream's own.
	MaximumRecordAge           time.Duration
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures is set if the function's answer names the records
	// that failed.
	ReportBatchItemFailures bool
	// FilterPatterns are event patterns, of which a record has to match one; no
	// patterns admit every record.
	FilterPatterns []json.RawMessage
	// OnFailure is the ARN of the destination for discarded batches, or empty.
	OnFailure string
	Enabled   bool
}

// Output is one of the template's outputs.
type Output struct {
	Name, Description, Value string
	// ExportName is empty if the output is not exported.
	ExportName string
}

// Note says that something in the template has no effect locally, and why.
type Note struct {
	LogicalID, Type string
	// Reason is one phrase.
	Reason string
	File   string
	// Line and Column count from 1.
	Line, Column int
}
