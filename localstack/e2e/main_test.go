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
	// patience is how long a test waits for what should happen at once.
	patience = time.Minute
	// startPatience is how long a stack may take until it is ready: the first
	// one on a machine compiles and links all functions.
	startPatience = 5 * time.Minute
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
	temporary string // for what all tests share
	shared    = sync.OnceValues(startShared)
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	// A command built with the race detector waits a second before it ends
	// unless it is told not to; scripts run dozens.
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

// readSources looks at all files from which the go command, started by a test,
// builds or lists something. So `go test` knows that the test depends on them
// (it notes what tests look at, though not TestMain before they run), and does
// not repeat an old result from its cache when only a function has changed.
func readSources() error {
	for _, part := range []string{"clients/sotto", "functions", "localstack", "shared", "template.yaml", "go.mod"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // somebody's temporary file
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("look into the sources: %w", err)
		}
	}
	return nil
}

// binary builds one of the commands, once.
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

// sharedStarted is the shared stack once it runs, for TestMain to stop.
var sharedStarted *stack

// startShared starts the stack that tests share unless they stop or kill it.
// It costs seconds; so tests that share it have users and rooms of their own,
// and leave the lobby alone.
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

// sharedStack is the shared stack, running.
func sharedStack(t testing.TB) *stack {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the shared stack's log:\n%s", tail(s.stderr.String(), 40))
		}
	})
	return s
}

func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
