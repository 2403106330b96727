package builder

import (
	"debug/buildinfo"
	"fmt"
	"strings"
)

// Lambda's library for Go speaks the Runtime API since v1.18.0. Earlier ones
// know the go1.x runtime only: on any other they wait for ever, and the
// function runs into the limit of its initialization without a word.
const (
	clientModule   = "github.com/aws/aws-lambda-go"
	clientMinMinor = 18 // of v1
)

// oldClient is the version of aws-lambda-go in an executable if it cannot speak
// the Runtime API, or empty.
func oldClient(executable string) string {
	info, err := buildinfo.ReadFile(executable)
	if err != nil {
		return "" // not a Go program, which is no concern of ours
	}
	for _, dep := range info.Deps {
		if dep.Path != clientModule {
			continue
		}
		version := dep.Version
		if dep.Replace != nil && strings.HasPrefix(dep.Replace.Version, "v") { // else a folder
			version = dep.Replace.Version
		}
		var minor int
		if _, err := fmt.Sscanf(version, "v1.%d.", &minor); err == nil && minor < clientMinMinor {
			return version
		}
	}
	return ""
}

// warnOfOldClient is a warning and no failure: a program may use the library's
// types only and bring a runtime client of its own.
func (b *builder) warnOfOldClient(functions []Target, executable string) {
	if version := oldClient(executable); version != "" {
		b.reporter.line("%s: aws-lambda-go %s knows the retired go1.x runtime only, and does not start on provided.al2023; run go get %s@latest",
			describe(functions), version, clientModule)
	}
}
