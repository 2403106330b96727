// Package conformance tests that an endpoint behaves as DynamoDB does. It can
// test anything that speaks DynamoDB's protocol.
//
// The tests follow what AWS publishes: the Developer Guide, the API reference,
// and the texts of errors that users have quoted. Each group names the page
// that it follows. Run them after any change to the engine, or to find out how
// another implementation differs:
//
//	go test ./localstack/dynamodb/conformance
//	go test ./localstack/dynamodb/conformance -args -endpoint http://127.0.0.1:8000
//	AWS_REGION=eu-west-1 go test ./localstack/dynamodb/conformance -timeout 2h -args -endpoint https://dynamodb.eu-west-1.amazonaws.com
//
// Without -endpoint the engine runs in this process, behind a socket on the
// loopback interface. With it, credentials come from AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; an endpoint that does not verify
// signatures accepts any. The names of the test's tables begin with
// "conformance-"; they are deleted at the end. On AWS the tests cost cents.
// Tests of behavior that takes AWS days (expiry) are skipped there, with a
// message.
//
// The tests use the protocol only and never look into the engine or its files.
// Streams are tested in package dynamodb.
package conformance
