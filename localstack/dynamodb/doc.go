// Package dynamodb is a DynamoDB-compatible engine that runs in process: the
// JSON 1.0 protocol over tables on an embedded ordered store, with synced
// commits. AWS SDKs and tools talk to it as they talk to AWS.
//
// Use it where a program that needs DynamoDB must run without an AWS account:
// open an [Engine] on a folder, declare tables with [Engine.EnsureTable], and
// serve it over HTTP. What has been answered survives a crash at any moment.
//
// It never checks signatures or permissions (any credentials will do, none
// will not), never throttles, and never guesses: an operation that it does not
// have is refused by name. Settings that mean nothing on a laptop, such as
// encryption at rest, point-in-time recovery and resource policies, are kept
// and reported, and do nothing.
//
// A request passes three layers. The files named after operations decode and
// validate it and shape the answer; plan.go decides index and bounds, write.go
// what a write is to do, capacity.go what both cost; package store keeps the
// data and its key layout, package expr the expressions, package partiql
// statements, package attr values.
//
// The files stream_* serve DynamoDB Streams by the same handler, and in process
// ([Engine.ReadStream]). A record is part of the commit of its change.
package dynamodb
