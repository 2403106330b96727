package builder

import (
	"errors"
	"os/exec"
	"slices"
)

const (
	missingGo   = "the go command is not on PATH: install Go from https://go.dev/dl/ and start again"
	missingMake = "the make command is not on PATH: install it " +
		"(Debian, Ubuntu: apt install make; macOS: xcode-select --install; Windows: winget install ezwinports.make)"
)

// checkTools returns an error for commands that the targets need and that are
// missing. The error applies to all functions, so it does not name one.
func checkTools(targets []Target) error {
	var errs []error
	for _, tool := range []struct{ method, command, missing string }{
		{MethodGo, "go", missingGo},
		{MethodMakefile, "make", missingMake},
	} {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.Method == tool.method }) {
			continue
		}
		if _, err := exec.LookPath(tool.command); err != nil {
			errs = append(errs, errors.New(tool.missing))
		}
	}
	return errors.Join(errs...)
}
