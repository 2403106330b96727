// Package conventions holds the tests of the source itself: which package may
// import which, which keys a log line uses, how wide a line is, which names
// documents and comments may mention. CONTRIBUTING.md explains the rules.
//
// It contains only tests. Run them with `make lint`.
package conventions
