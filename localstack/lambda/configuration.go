package lambda

import (
	"cmp"
	"os"
	"runtime"
)

// configuration is the part of FunctionConfiguration that this service knows
// (API reference).
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Handler          string
	CodeSize         int64
	LastModified     string `json:",omitempty"`
	MemorySize       int
	Timeout          int
	Version          string
	PackageType      string
	Architectures    []string
	State            string
	LastUpdateStatus string
	EphemeralStorage struct{ Size int }
	TracingConfig    struct{ Mode string }
	LoggingConfig    loggingConfig
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	Environment      struct{ Variables map[string]string }
}

type loggingConfig struct {
	LogFormat, LogGroup string
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
}

type deadLetterConfig struct{ TargetArn string }

// describe returns the configuration of a function's version.
func (fn deployed) describe() configuration {
	c := configuration{
		FunctionName:     fn.Name,
		FunctionArn:      fn.qualify(fn.ARN),
		Runtime:          "provided.al2023",
		Handler:          fn.Handler,
		MemorySize:       fn.MemoryMB,
		Timeout:          int(fn.Timeout.Seconds()),
		Version:          fn.version,
		PackageType:      "Zip",
		Architectures:    []string{"x86_64"},
		State:            "Active",
		LastUpdateStatus: "Successful",
	}
	if runtime.GOARCH == "arm64" {
		c.Architectures[0] = "arm64"
	}
	if info, err := os.Stat(fn.Binary); err == nil { // the file is missing during a build
		c.CodeSize = info.Size()
		c.LastModified = info.ModTime().UTC().Format("2006-01-02T15:04:05.000-0700")
	}
	if fn.DeadLetter != "" {
		c.DeadLetterConfig = &deadLetterConfig{fn.DeadLetter}
	}
	c.EphemeralStorage.Size = fn.StorageMB
	c.TracingConfig.Mode = "PassThrough"
	if fn.Sampled {
		c.TracingConfig.Mode = "Active"
	}
	c.LoggingConfig = loggingConfig{LogFormat: fn.logFormat(), LogGroup: fn.logGroup()}
	if fn.Logging.JSON {
		c.LoggingConfig.ApplicationLogLevel = cmp.Or(fn.Logging.ApplicationLevel, "INFO")
		c.LoggingConfig.SystemLogLevel = cmp.Or(fn.Logging.SystemLevel, "INFO")
	}
	c.Environment.Variables = fn.Env
	return c
}
