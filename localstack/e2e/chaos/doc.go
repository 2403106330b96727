// Package chaos holds a randomized test of the whole stack. It breaks the stack
// in every way that it can while users chat, records what they saw, and checks
// whether the recorded history could come from a chat without faults.
//
//   - chaos_test.go is the run: set-up, load, checks. report_test.go prints the
//     figures.
//   - stack_test.go runs the stack; nemesis_test.go breaks it, by faults and by
//     kill -9.
//   - writer_test.go, reader_test.go and mallory_test.go are the participants.
//     proxy_test.go forwards the frames between each of them and the stack and
//     records them.
//   - history_test.go records operations; model_test.go has the sequential
//     models of a room's log and a device's key; checks_test.go compares the
//     history with the models; plaintext_test.go searches what the stack has
//     written.
//   - checker_test.go shows that each check can fail.
//
// A short run with a fixed seed is part of `make test`; `make chaos` runs for
// MINUTES. The seed decides what the participants do. The order of their
// operations depends on scheduling, so a run repeats only roughly.
package chaos
