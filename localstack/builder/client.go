package builder

import (
	"debug/buildinfo"
	"fmt"
	"strings"
)

// Lambda's library for Go uses the Runtime API since v1.18.0. Earlier versions
// support only the go1.x runtime: on any other they wait forever, and the
// function's initialization times out without an explanation.
const (
	clientModule   = "github.com/aws/aws-lambda-go"
	clientMinMinor = 18 // of v1
)

// oldClient returns the version of aws-lambda-go in an executable if it cannot
// use the Runtime API, or "".
func oldClient(executable string) string {
	info, err := buildinfo.ReadFile(executable)
	if err != nil {
		return "" // not a Go program
	}
	for _, dep := range info.Deps {
		if dep.Path != clientModule {
			continue
		}
		version := dep.Version
		if dep.Replace != nil && strings.HasPrefix(dep.Replace.Version, "v") { // otherwise a folder
			version = dep.Replace.Version
		}
		var minor int
		if _, err := fmt.Sscanf(version, "v1.%d.", &minor); err == nil && minor < clientMinMinor {
			return version
		}
	}
	return ""
}

// warnOfOldClient reports an old client. It is not an error, because a program
// may use only the library's types and another runtime client.
func (b *builder) warnOfOldClient(functions []Target, executable string) {
	if version := oldClient(executable); version != "" {
		b.reporter.line("%s: aws-lambda-go %s supports only the retired go1.x runtime and does not start on provided.al2023; run go get %s@latest",
			describe(functions), version, clientModule)
	}
}
