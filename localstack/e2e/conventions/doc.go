// Package conventions holds the tests of the source itself: which package may
// import which, how a log line names its attributes, how wide a line is, which
// names the documents may mention. CONTRIBUTING.md explains the rules.
//
// It has no code of its own. Run it with `make lint`.
package conventions
