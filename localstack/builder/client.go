package builder

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
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

// clientStart is in the names of the functions of the library's part that runs
// handlers. A program that uses only the types of events does not contain it.
var clientStart = []byte(clientModule + "/lambda.")

// checkClient returns an error for a program that cannot start as a function.
func checkClient(executable string) error {
	version := oldClient(executable)
	if version == "" {
		return nil
	}
	// Only now, since it reads the whole file.
	program, err := os.ReadFile(executable)
	if err != nil {
		return fmt.Errorf("read the executable: %w", err)
	}
	if !bytes.Contains(program, clientStart) {
		return nil
	}
	return fmt.Errorf("aws-lambda-go %s supports only the retired runtime go1.x and does not start on provided.al2023; "+
		"use v1.18.0 or newer: go get %s@v1.18.0", version, clientModule)
}
