// Package chaos holds a checker over recorded histories: it breaks the stack in
// every way that it can be broken, at random, while users chat, and then asks
// whether what they saw could have come from a chat in which nothing breaks.
//
//   - chaos_test.go is the run: set-up, load, the checks; report_test.go prints
//     the figures.
//   - stack_test.go runs the stack; nemesis_test.go breaks it, by faults and by
//     kill -9 of the whole.
//   - writer_test.go, reader_test.go and mallory_test.go are who takes part;
//     wire_test.go stands between each of them and the stack and sees every frame.
//   - history_test.go records; model_test.go says what a room's log and a device's
//     key are; checks_test.go holds one against the other;
//     plaintext_test.go searches what the stack has written.
//   - refuses_test.go shows that each check finds what it is there to find.
//
// A short run with a fixed seed is part of `make test`; `make chaos` runs for
// as long as it is told. A seed decides what everybody wants to do; which of it
// happens first is up to scheduling, so a run repeats only roughly.
package chaos
