package builder

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// cgoSetting returns the settings of the go command about cgo: none if the user
// has set CGO_ENABLED, in the environment or by `go env -w`. Otherwise cgo is
// disabled, because a program for the provided runtimes needs no C compiler and
// no C library of this machine.
func cgoSetting(ctx context.Context) []string {
	if os.Getenv("CGO_ENABLED") != "" {
		return nil
	}
	file, err := exec.CommandContext(ctx, "go", "env", "GOENV").Output()
	if err == nil {
		text, _ := os.ReadFile(strings.TrimSpace(string(file))) // none, or off
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "CGO_ENABLED=") {
				return nil
			}
		}
	}
	return []string{"CGO_ENABLED=0"}
}

// cgoComplaints are parts of the messages of the go command about code that
// needs cgo.
var cgoComplaints = []string{"build constraints exclude all Go files", "C source files not allowed when not using cgo"}

// withCgo adds to the message of a failed build that this package has disabled
// cgo, if that can be the reason.
func withCgo(message string, settings []string) string {
	if len(settings) == 0 {
		return message
	}
	for _, complaint := range cgoComplaints {
		if strings.Contains(message, complaint) {
			return strings.TrimRight(message, "\n") + "\nfunctions are built with CGO_ENABLED=0; " +
				"if the code needs cgo, set CGO_ENABLED=1 in the environment and start again"
		}
	}
	return message
}
