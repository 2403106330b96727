package e2e

import (
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdCapture sets a variable to a part of the last command's output.
func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture VARIABLE stdout|stderr REGEXP")
	}
	pattern, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) < 2 {
		ts.Fatalf("no match of %[2]q in %[1]s:\n%[3]s", args[1], args[2], ts.ReadFile(args[1]))
	}
	ts.Setenv(args[0], found[1])
}
