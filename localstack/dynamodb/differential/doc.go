// Package differential sends the same random requests to the engine and to
// dynalite, an older implementation of DynamoDB whose authors tested it against
// AWS, and compares the responses. It finds cases that no other test covers.
// AWS's documentation decides which of the two is right.
//
// The test is skipped unless it gets the URL of a dynalite, which comes from
// npm:
//
//	npm install --prefix /tmp/dynalite dynalite@4.0.0
//	/tmp/dynalite/node_modules/.bin/dynalite --port 4567 --createTableMs 0 --deleteTableMs 0 &
//	go test ./localstack/dynamodb/differential -v -args -dynalite http://127.0.0.1:4567 -sequences 200
//
// The number of a sequence is its seed: -first N -sequences 1 repeats one.
// Known differences, in which the documentation or AWS's own responses agree
// with the engine, are listed with the reason in known_test.go. Consumed
// capacity is not compared, since dynalite does not count indexes. Values that
// dynalite cannot order are not sent, since they make it exit.
package differential
