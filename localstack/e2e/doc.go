// Package e2e holds the end-to-end tests: the real commands as processes, over
// real sockets, with real files, as somebody would use them who has cloned the
// repository.
//
//   - testdata/script/*.txtar are scripts whose actors ada, bob, carol and
//     mallory run `sotto`, and whose `stack` runs `localstack` (script_test.go
//     says which commands there are).
//   - frames_test.go breaks the protocol on purpose over bare WebSockets.
//   - wscat_test.go walks the README's steps with the real wscat from npm.
//   - aws_test.go uses the stack through the AWS SDK.
//   - conventions holds the tests of the source itself: imports, widths, names.
//   - nodes_test.go, database_test.go, transit_test.go and largeroom_test.go
//     kill functions and the database under load, and record the wires;
//     rotations_test.go rotates keys while messages flow; properties_test.go
//     has the rest, and lists which test shows which promised property.
//   - chaos breaks everything at random and checks the recorded history.
//   - bench_test.go and recovery_bench_test.go measure (`make bench`).
//
// With -endpoint and -aws-endpoint the tests use a service that runs already,
// and skip what needs to start, stop or look into a stack (endpoint_test.go):
//
//	go test ./localstack/e2e -count=1 -args \
//		-endpoint ws://127.0.0.1:4566/local -aws-endpoint http://127.0.0.1:4566
//
// A test belongs here when it needs more than one process; what one package
// promises is tested beside that package. Nothing here sleeps for a fixed time
// or measures one: tests wait for conditions, and give up after patience.
package e2e
