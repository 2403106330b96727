// Package builder builds the functions of a template for this machine.
//
// Use it instead of `sam build`, which builds for Lambda. It has the same two
// build methods, but builds for the operating system and processor of the host
// and without containers. It also takes code that is built already, if this
// machine can run it. It runs the go and make commands of PATH. It never
// downloads a toolchain, never runs a function, and writes only to the output
// directory and to Go's caches.
package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// The ways to build. The first two are values of a template's `Metadata:
// BuildMethod`.
const (
	// MethodGo runs `go build` in the target's directory.
	MethodGo = "go1.x"
	// MethodMakefile runs make in the target's directory, for the make target
	// build-<LogicalID>.
	MethodMakefile = "makefile"
	// MethodPrebuilt copies code that has a bootstrap already.
	MethodPrebuilt = "prebuilt"
)

// Target is one function to build.
type Target struct {
	// Name is the function's name: the key in Build's result, the name in
	// errors, and the folder of its artifacts below the output directory.
	Name string
	// LogicalID is the function's key in the template's Resources; the make
	// target is build-<LogicalID>.
	LogicalID string
	// Dir is the function's source folder as an absolute path. MethodPrebuilt
	// also takes a zip file.
	Dir string
	// Method is MethodGo, MethodMakefile or MethodPrebuilt.
	Method string
	// MakefileDir is the folder of the Makefile and WorkingDir the folder in
	// which make runs, both absolute; Dir if empty. Only for MethodMakefile.
	MakefileDir, WorkingDir string
	// Arch is the processor that the template names, in Go's words: amd64 or
	// arm64. A prebuilt executable for another gets a line of progress, because
	// it would not start on AWS. Empty means that nothing is compared.
	Arch string
	// Properties are the template's `Metadata: BuildProperties`. MethodGo uses
	// TrimGoPath (a bool), as SAM does, and ignores the others.
	Properties map[string]any
}

// Build builds all targets and returns the path of each one's executable by the
// target's name: <outDir>/<Name>/<random>/bootstrap, with .exe added on
// Windows. The directory around it is the function's artifact directory. An
// executable that MethodGo finds up to date keeps its path, and so does
// prebuilt code that has not changed; every other one gets a new path, so that
// the result of an earlier build can still be used. [Clean] removes what is no
// longer needed.
//
// Go programs are built without cgo (CGO_ENABLED=0), unless CGO_ENABLED is set
// in the environment or by `go env -w`.
//
// Without the go or make command that the targets need nothing is built.
// Otherwise all targets are tried even when some fail. Then the error is an
// *Error that has every failing function with its compiler's own message, and
// the map has the functions that were built. A program that cannot start as a
// function, because its aws-lambda-go is too old, fails too.
//
// progress, which may be nil, is called with a line of text about every step
// that takes longer than a second, and again every ten seconds. Calls do not
// overlap.
func Build(ctx context.Context, outDir string, targets []Target,
	progress func(line string)) (map[string]string, error) {
	outDir, err := filepath.Abs(outDir)
	if err != nil {
		return nil, fmt.Errorf("locate output directory: %w", err)
	}
	if err := errors.Join(check(targets), checkTools(targets)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return nil, fmt.Errorf("make output directory: %w", err)
	}
	b := &builder{
		outDir:   outDir,
		reporter: reporter{print: progress, every: heartbeat},
		built:    make(map[string]string, len(targets)),
		cgo:      cgoSetting(ctx),
		slots:    make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
	}
	var work sync.WaitGroup
	for _, batch := range goBatches(targets) {
		work.Go(func() { b.goBatch(ctx, batch) })
	}
	for _, dir := range makeDirs(targets) {
		work.Go(func() { b.makeDir(ctx, dir) })
	}
	for _, t := range targets {
		if t.Method == MethodPrebuilt {
			work.Go(func() { b.prebuilt(t) })
		}
	}
	work.Wait()
	if err := ctx.Err(); err != nil {
		return b.built, fmt.Errorf("build functions: %w", err)
	}
	if len(b.failures) > 0 {
		return b.built, b.error()
	}
	return b.built, nil
}

// builder collects the results of the concurrent steps of one Build.
type builder struct {
	outDir   string
	reporter reporter
	slots    chan struct{} // limits the commands that run at once
	cgo      []string      // settings of the go command about cgo

	mu       sync.Mutex
	built    map[string]string
	failures []failure
}

func (b *builder) succeed(t Target, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built[t.Name] = path
}

func (b *builder) fail(t Target, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = append(b.failures, failure{function: t.Name, message: strings.TrimSpace(message)})
}

func (b *builder) failAll(targets []Target, message string) {
	for _, t := range targets {
		b.fail(t, message)
	}
}

// failed returns the targets that were not built. All of them must be done.
func (b *builder) failed(targets []Target) []Target {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return b.built[t.Name] != "" })
}

var methods = []string{MethodGo, MethodMakefile, MethodPrebuilt}

// folders returns the folders that the build of a target reads; for prebuilt
// code that may be a zip file.
func (t Target) folders() []string {
	list := []string{t.Dir}
	if t.Method == MethodMakefile {
		list = append(list, cmp.Or(t.MakefileDir, t.Dir), cmp.Or(t.WorkingDir, t.Dir))
	}
	return list
}

// check returns an error for targets that cannot be built.
func check(targets []Target) error {
	seen := make(map[string]bool, len(targets))
	for _, t := range targets {
		switch {
		case t.Name == "" || t.Name != filepath.Base(t.Name) || strings.HasPrefix(t.Name, "."):
			return fmt.Errorf("function name %q cannot name a directory", t.Name)
		case seen[strings.ToLower(t.Name)]:
			return fmt.Errorf("function %s is listed twice", t.Name)
		case !slices.Contains(methods, t.Method):
			return fmt.Errorf("function %s: build method %q is not supported; use %s",
				t.Name, t.Method, strings.Join(methods, ", "))
		case t.Method == MethodMakefile && t.LogicalID == "":
			return fmt.Errorf("function %s: build method %s needs a logical id", t.Name, MethodMakefile)
		}
		for _, dir := range t.folders() {
			if !filepath.IsAbs(dir) {
				return fmt.Errorf("function %s: source directory %q is not absolute", t.Name, dir)
			}
			if info, err := os.Stat(dir); err != nil || !info.IsDir() && t.Method != MethodPrebuilt {
				return fmt.Errorf("function %s: source directory %s does not exist", t.Name, dir)
			}
		}
		seen[strings.ToLower(t.Name)] = true
	}
	return nil
}
