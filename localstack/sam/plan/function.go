package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// Function is a Lambda function.
type Function struct {
	Origin
	LogicalID, Name, ARN string
	// Versions are the published versions, and Aliases the aliases by name with
	// the version that each means.
	Versions []string
	Aliases  map[string]string
	// CodeURI is the absolute path of CodeUri: a folder, or the zip file of
	// prebuilt code.
	CodeURI string
	// SourceDir is the folder that is built: CodeURI, or the package below it
	// that Handler names, or Metadata.ProjectRootDirectory for the method
	// Makefile. Empty for the method Prebuilt.
	SourceDir string
	// MakefileDir has the Makefile and WorkingDir is where make runs. Both are
	// empty for other methods.
	MakefileDir string `json:",omitempty"`
	WorkingDir  string `json:",omitempty"`
	Handler     string
	// Runtime is provided.al2023 or provided.al2.
	Runtime string
	// Architectures holds x86_64 (Lambda's default) or arm64.
	Architectures []string
	// NotRun says why the function is not run locally; nil for one that is. Of
	// such a function only the names, the role and the permissions are set.
	NotRun *NotRun `json:",omitempty"`
	// Timeout bounds one invocation, 1 s to 900 s.
	Timeout time.Duration
	// MemoryMB is 128 to 10,240 MB.
	MemoryMB int
	// StorageMB is the size of /tmp (EphemeralStorage), 512 (the default) to
	// 10,240 MB.
	StorageMB   int
	Environment map[string]string
	// BuildMethod is how the code is built: Go, Makefile, Prebuilt, or "" for
	// Go source without Metadata.BuildMethod.
	BuildMethod string
	// BuildProperties is Metadata.BuildProperties, such as TrimGoPath: "true".
	BuildProperties map[string]string
	// ReservedConcurrency is the maximum of concurrent invocations; nil is
	// unlimited, zero refuses every invocation.
	ReservedConcurrency *int
	// Async configures asynchronous invocations.
	Async AsyncConfig
	// Logging is LoggingConfig; its members are empty if not set.
	Logging Logging
	// Traced is set for the tracing mode Active.
	Traced bool
	// Role is the execution role with every policy the template attaches to it.
	Role Role
	// Permissions is the resource-based policy.
	Permissions []Permission
}

// NotRun says why a function is not run locally.
type NotRun struct {
	// Reason is one phrase, such as: the runtime "python3.14" is not run
	// locally.
	Reason string
	// Property is the property that is the reason, by its name in
	// CloudFormation.
	Property string
}

// The values of Function.BuildMethod. Go and Makefile are also those of
// Metadata.BuildMethod.
const (
	Go       = "go1.x"
	Makefile = "makefile"
	// Prebuilt is for code that has a bootstrap already.
	Prebuilt = "prebuilt"
)

// Logging is a function's LoggingConfig.
type Logging struct {
	// Format is Text or JSON.
	Format, Group, ApplicationLevel, SystemLevel string
}

// AsyncConfig configures asynchronous invocations (API reference,
// PutFunctionEventInvokeConfig).
type AsyncConfig struct {
	// MaxAge bounds the age of an event, 60 s to 6 h (the default).
	MaxAge time.Duration
	// Retries is how often a failed event is retried, 0 to 2 (the default).
	Retries int
	// OnSuccess and OnFailure are ARNs of destinations, DeadLetter is the ARN
	// of the dead-letter queue; empty if not set.
	OnSuccess, OnFailure, DeadLetter string
}

// Permission is one statement of a function's resource-based policy
// (AWS::Lambda::Permission).
type Permission struct {
	LogicalID string
	// Action is lambda:InvokeFunction or a pattern.
	Action string
	// Principal is a service such as apigateway.amazonaws.com, an account, an
	// ARN or *.
	Principal string
	// SourceARN may contain the wildcards * and ?; empty matches every source.
	SourceARN string
	// SourceAccount is the account of the source; empty matches every account.
	SourceAccount string
}

// Allows reports whether the function's resource-based policy lets a service of
// the given account invoke it on behalf of a source.
func (f *Function) Allows(principal, sourceARN, account string) bool {
	return slices.ContainsFunc(f.Permissions, func(p Permission) bool {
		return awsname.Match(strings.ToLower(p.Action), "lambda:invokefunction") &&
			(p.Principal == principal || p.Principal == "*") &&
			(p.SourceARN == "" || awsname.Match(p.SourceARN, sourceARN)) &&
			(p.SourceAccount == "" || p.SourceAccount == account)
	})
}
