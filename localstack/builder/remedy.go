package builder

import (
	"fmt"
	"strings"
)

// remedies are the commands that mend what the go command complains of, by a
// part of its message. Its own advice names one import or no folder, and a
// template may have functions in several modules.
var remedies = []struct{ complaint, command string }{
	{"missing go.sum entry", "go mod tidy"},
	{"no required module provides package", "go mod tidy"},
	{"updates to go.mod needed", "go mod tidy"},
	{"inconsistent vendoring", "go mod vendor"},
	{"updates to go.work needed", "go work sync"},
	{"cannot find main module", "go mod init NAME && go mod tidy"},
}

// withRemedy adds to a build's message the command to run and its folder, if
// one helps.
func withRemedy(message, folder string) string {
	for _, r := range remedies {
		if strings.Contains(message, r.complaint) {
			return fmt.Sprintf("%s\nrun in %s: %s", strings.TrimRight(message, "\n"), folder, r.command)
		}
	}
	return message
}
