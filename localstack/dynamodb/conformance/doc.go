// Package conformance says what DynamoDB does, as tests that anything which
// speaks its protocol can be held against.
//
// They are written from what AWS publishes: the Developer Guide, the API
// reference, and the texts of errors as its users have quoted them. Each group
// names the page that it follows. Use them after any change to the engine, and
// for finding out how something else differs:
//
//	go test ./localstack/dynamodb/conformance
//	go test ./localstack/dynamodb/conformance -args -endpoint http://127.0.0.1:8000
//	AWS_REGION=eu-west-1 go test ./localstack/dynamodb/conformance -timeout 2h -args -endpoint https://dynamodb.eu-west-1.amazonaws.com
//
// Without -endpoint the engine runs in this process, behind a socket on the
// loopback interface. With it, credentials come from AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and any will do where nobody
// checks them. The tables that the tests make have names that begin with
// "conformance-", and are deleted in the end. On AWS the tests cost cents; what
// takes AWS days (expiry) is left out there, with a line.
//
// The tests know nothing of the engine's insides and never look into its files.
// Streams have tests of their own.
package conformance
