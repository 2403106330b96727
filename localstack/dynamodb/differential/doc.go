// Package differential sends the same random requests to the engine and to
// dynalite, an older implementation of DynamoDB whose authors tested it against
// AWS, and compares what they answer. It finds what nobody thought of; which of
// the two is right, AWS's documentation says.
//
// It runs when it is asked to, because dynalite comes from npm:
//
//	npm install --prefix /tmp/dynalite dynalite@4.0.0
//	/tmp/dynalite/node_modules/.bin/dynalite --port 4567 --createTableMs 0 --deleteTableMs 0 &
//	go test ./localstack/dynamodb/differential -v -args -dynalite http://127.0.0.1:4567 -sequences 200
//
// Each sequence has a number, which is its seed: -first N -sequences 1 repeats
// one. Differences that are known, and in which the documentation or AWS's own
// answers side with the engine, are listed with the reason in known_test.go.
// What requests cost is not compared, since dynalite does not count indexes,
// and only values are compared that dynalite can order: it ends where it
// cannot.
package differential
