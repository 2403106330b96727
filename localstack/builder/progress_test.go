package builder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/builder"
)

func TestSlowStepsAreReported(t *testing.T) {
	needMake(t)
	root := tree(t, map[string]string{
		"go.mod": module, "main.go": program("slow"),
		// The recipe waits until the test has received a line and written the
		// file.
		"Makefile": "build-Slow:\n\twhile [ ! -e go ]; do sleep 0.05; done\n\tgo build -o \"$(ARTIFACTS_DIR)/bootstrap\" .\n",
	})
	var mu sync.Mutex
	var lines []string
	_, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{makeTarget(root, "Slow")}, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
		if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o644); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	lines = withoutHeartbeats(lines)
	if len(lines) != 2 || lines[0] != "building slow" || !strings.HasPrefix(lines[1], "built slow in ") {
		t.Errorf("progress is %q, want the beginning and the end of slow", slices.Clone(lines))
	}
}

func TestProgressOfFailures(t *testing.T) {
	needMake(t) // systems with make have a POSIX shell
	files := map[string]string{"go.mod": module, "d/main.go": "package main\n"}
	for _, name := range []string{"a", "b", "c"} {
		files[name+"/main.go"] = program(name)
	}
	root := tree(t, files)
	// Every tool waits until the test has received a line and written the file.
	seen, tool := filepath.Join(t.TempDir(), "seen"), filepath.Join(t.TempDir(), "tool")
	script := fmt.Sprintf("#!/bin/sh\nwhile [ ! -e %s ]; do sleep 0.05; done\nexec \"$@\"\n", seen)
	if err := os.WriteFile(tool, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-toolexec="+tool)
	var targets []builder.Target
	for _, name := range []string{"a", "b", "c", "d"} {
		targets = append(targets, goTarget(root, name, name))
	}
	lines, err := progress(t, t.Context(), targets, func() { touch(t, seen) })
	if err == nil {
		t.Error("d was built, want an error")
	}
	if len(lines) != 2 || lines[0] != "building 4 functions" || !strings.HasPrefix(lines[1], "could not build d in ") {
		t.Errorf("progress is %q, error %v, want that only d failed", lines, err)
	}
}

func TestProgressOfAnInterruptedBuild(t *testing.T) {
	needMake(t)
	root := tree(t, map[string]string{"Makefile": "build-Slow:\n\techo $$$$ > pid; while true; do sleep 0.05; done\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pidFile := filepath.Join(root, "pid")
	readPID := func() (pid int) {
		text, err := os.ReadFile(pidFile)
		if err == nil {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(text))) // 0 while it is not written
		}
		return pid
	}
	interrupt := sync.OnceFunc(func() {
		go func() {
			eventually(func() bool { return readPID() != 0 })
			cancel()
		}()
	})
	lines, err := progress(t, ctx, []builder.Target{makeTarget(root, "Slow")}, interrupt)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if len(lines) != 2 || lines[0] != "building slow" || !strings.HasPrefix(lines[1], "interrupted building slow ") {
		t.Errorf("progress is %q, want that the build was interrupted", lines)
	}
	pid := readPID()
	if pid == 0 {
		t.Fatal("the recipe did not begin")
	}
	if runtime.GOOS != "windows" && !eventually(func() bool { return !isRunning(pid) }) {
		t.Errorf("the recipe still runs as process %d, want it ended", pid)
	}
}

// isRunning reports whether a process runs, one that has ended and is not
// reaped not counted.
func isRunning(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// eventually waits until holds returns true, for ten seconds at most.
func eventually(holds func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}

// progress builds and returns the lines of progress. It calls announced after
// each.
func progress(t *testing.T, ctx context.Context, targets []builder.Target, announced func()) ([]string, error) {
	var lines []string // calls do not overlap
	_, err := builder.Build(ctx, t.TempDir(), targets, func(line string) {
		lines = append(lines, line)
		announced()
	})
	return withoutHeartbeats(lines), err
}

// withoutHeartbeats removes the lines that only a slow machine causes.
func withoutHeartbeats(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "still building ") })
}

func touch(t *testing.T, path string) {
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Error(err)
	}
}

// BenchmarkWarmRebuild builds 14 functions of one module after a change of a
// package that all of them import.
func BenchmarkWarmRebuild(b *testing.B) {
	root := b.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("go.mod", module)
	var targets []builder.Target
	for i := range 14 {
		name := fmt.Sprint("f", i)
		write(name+"/main.go", "package main\n\nimport (\n\t\"net/http\"\n\n\t\"example.com/app/shared\"\n)\n\n"+
			"func main() { println(http.StatusText(shared.N)) }\n")
		targets = append(targets, goTarget(root, name, name))
	}
	out := b.TempDir()
	run := func(n int) {
		write("shared/n.go", fmt.Sprintf("package shared\n\nvar N = %d\n", n))
		if _, err := builder.Build(context.Background(), out, targets, nil); err != nil {
			b.Fatal(err)
		}
	}
	run(0)
	var changed, unchanged time.Duration
	n := 0
	for b.Loop() {
		n++
		start := time.Now()
		run(int(time.Now().UnixNano()))
		changed += time.Since(start)
		start = time.Now()
		if _, err := builder.Build(context.Background(), out, targets, nil); err != nil {
			b.Fatal(err)
		}
		unchanged += time.Since(start)
	}
	b.ReportMetric(changed.Seconds()/float64(n), "s/changed")
	b.ReportMetric(unchanged.Seconds()/float64(n), "s/unchanged")
}
