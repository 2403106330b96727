package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version returns what --version prints: the version that the go command has
// recorded (a tag, or the commit in a pseudo-version), that of Go, and the
// system. Programs of `go run` have no recorded version.
func version() string {
	recorded := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		recorded = info.Main.Version
	}
	return fmt.Sprintf("sotto %s %s %s/%s", recorded, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
