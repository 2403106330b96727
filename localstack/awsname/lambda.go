package awsname

import (
	"regexp"
	"time"
)

// Defaults and bounds of a Lambda function (Lambda quotas; API reference,
// CreateFunction and PutFunctionEventInvokeConfig).
const (
	DefaultTimeout  = 3 * time.Second
	MaxTimeout      = 900 * time.Second
	DefaultMemoryMB = 128
	MinMemoryMB     = 128
	MaxMemoryMB     = 10_240
	// DefaultRetries is how often Lambda repeats a failed asynchronous
	// invocation; it is also the maximum.
	DefaultRetries = 2
	MinEventAge    = time.Minute
	// MaxEventAge bounds the age of an asynchronous event; it is also the
	// default.
	MaxEventAge = 6 * time.Hour
	// MaxEnvironmentBytes bounds the names and values of a function's
	// environment variables together.
	MaxEnvironmentBytes = 4 << 10
)

// VariableName matches the names that Lambda accepts for environment variables.
var VariableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// ReservedVariables are the environment variables that a template cannot set
// (Lambda Developer Guide, "Defined runtime environment variables").
var ReservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR",
	"LAMBDA_TASK_ROOT",
}
