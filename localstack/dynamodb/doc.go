// Package dynamodb is a DynamoDB-compatible engine that runs in process: the
// JSON 1.0 protocol over tables on an embedded ordered store, with synced
// commits. AWS SDKs and tools talk to it as they talk to AWS.
//
// Use it where a program that needs DynamoDB must run without an AWS account:
// open an [Engine] on a folder, declare tables with [Engine.EnsureTable], and
// serve the engine over HTTP. A write that was answered survives a crash at any
// moment.
//
// It never checks signatures or permissions (a request must be signed, by any
// credentials), and it never throttles. An operation that it does not implement
// is refused with an error that names it. Settings that have no meaning on one
// machine, such as encryption at rest, point-in-time recovery and resource
// policies, are stored and reported without effect.
//
// A request passes three layers. The files named after operations validate it
// and build the response. Below them, plan.go chooses the index and the bounds
// of a read, write.go plans what a write does, and capacity.go counts what both
// cost. Package store holds the data and its key layout, package expr evaluates
// expressions, package partiql parses statements, package attr holds values. No
// file refers to one of a higher layer.
//
// The files stream_* serve DynamoDB Streams through the same handler and in
// process ([Engine.ReadStream]). A stream record is part of the commit of its
// change.
package dynamodb
