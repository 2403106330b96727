package e2e

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// waitTimeout is how long a test waits for something that should happen at
	// once.
	waitTimeout = time.Minute
	// startTimeout is how long a stack may take to become ready. The first one
	// on a machine compiles and links all functions.
	startTimeout = 5 * time.Minute
)

// root is the module's folder.
var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

var (
	temporary string // folder of files that all tests share
	shared    = sync.OnceValues(startShared)
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	// A command built with the race detector waits a second before it exits,
	// unless this is set. Scripts run dozens of commands.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var err error
	if temporary, err = os.MkdirTemp("", "sotto-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(temporary)
	status = m.Run()
	if started := sharedStarted; started != nil {
		if err := started.stop(); err != nil {
			fmt.Fprintf(os.Stderr, "the shared stack: %v\n", err)
			status = 1
		}
	}
	return status
}

// readSources stats all files from which the go command, started by a test,
// builds or lists something. `go test` notes which files a test looks at (from
// the first test on, not in TestMain), so it does not reuse a cached result
// when only a function has changed.
func readSources() error {
	for _, part := range []string{"clients/sotto", "functions", "localstack", "shared", "template.yaml", "go.mod"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a temporary file that was removed
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read the sources: %w", err)
		}
	}
	return nil
}

// binary returns a function that builds a command on its first call and returns
// its path.
func binary(name, pkg string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		if err := readSources(); err != nil {
			return "", err
		}
		path := filepath.Join(temporary, name)
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		args := []string{"build", "-o", path}
		if raceDetector {
			args = append(args, "-race")
		}
		cmd := exec.Command("go", append(args, pkg)...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
		return path, nil
	})
}

var (
	localstackBinary = binary("localstack", "./localstack")
	sottoBinary      = binary("sotto", "./clients/sotto")
)

// sharedStarted is the shared stack once it runs; TestMain stops it.
var sharedStarted *stack

// startShared starts the stack that tests share unless they stop or kill it,
// since a start takes seconds. Tests that share it use new users and rooms, and
// do not read the lobby.
func startShared() (*stack, error) {
	if isRemote() {
		return remoteStack()
	}
	s := &stack{template: filepath.Join(root, "template.yaml"), data: filepath.Join(temporary, "shared")}
	if err := s.start(); err != nil {
		return nil, err
	}
	sharedStarted = s
	return s, nil
}

// sharedStack returns the shared stack, running.
func sharedStack(t testing.TB) *stack {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the shared stack's log:\n%s", tail(s.stderr.String(), 40))
		}
	})
	return s
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
