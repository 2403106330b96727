// Package e2e holds the end-to-end tests. They run the real commands as
// processes, over real sockets and with real files, as a user who has cloned
// the repository would.
//
//   - testdata/script/*.txtar are scripts. Their actors ada, bob, carol and
//     mallory run `sotto`, and their `stack` runs `localstack`. script_test.go
//     lists the commands.
//   - frames_test.go sends frames that break the protocol over bare WebSockets.
//   - wscat_test.go follows the README's steps with the real wscat from npm.
//   - aws_test.go uses the stack through the AWS SDK.
//   - conventions holds the tests of the source itself: imports, widths, names.
//   - nodes_test.go, database_test.go, transit_test.go and largeroom_test.go
//     kill functions and the database under load and record the network
//     traffic; rotations_test.go rotates keys while messages flow;
//     properties_test.go has the other tests of the promised properties, and
//     lists which test shows which property.
//   - chaos breaks everything at random and checks the recorded history.
//   - bench_test.go and recovery_bench_test.go measure (`make bench`).
//
// With -endpoint and -aws-endpoint the tests use a service that already runs.
// They then skip what has to start, stop or inspect a stack (endpoint_test.go):
//
//	go test ./localstack/e2e -count=1 -args \
//		-endpoint ws://127.0.0.1:4566/local -aws-endpoint http://127.0.0.1:4566
//
// A test belongs here if it needs more than one process; what one package
// promises is tested beside that package. The tests wait for conditions, up to
// waitTimeout, and do not depend on fixed delays.
package e2e
