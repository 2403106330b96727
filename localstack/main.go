// Command localstack runs an AWS SAM template on this machine: the WebSocket
// APIs, their Go functions as processes, the DynamoDB tables and KMS keys in a
// folder, all on one port that AWS SDKs and WebSocket clients use as they would
// use AWS.
//
// Use it to develop and test with nothing installed but Go. It never calls AWS,
// needs no account and sends nothing to anyone. See -h. Package stack is the
// same for Go programs, package stacktest for tests.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
