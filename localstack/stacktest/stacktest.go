// Package stacktest runs an app's SAM template for a Go test, in the test's own
// process:
//
//	func TestNotes(t *testing.T) {
//		s := stacktest.Start(t, "template.yaml")
//		conn, _, err := websocket.Dial(t.Context(), s.WebSocketURL(), nil)
//		…
//	}
//
// Use it for tests of an app as a whole: real WebSockets, the app's functions
// as processes, real AWS SDKs against tables and keys in a temporary folder.
// Each stack has its own port and folder, so tests may run in parallel, each
// with its own stack. It needs no network, account or Docker; functions are
// built with the go command.
//
// Do not import it in code that is not a test: it is made of package stack,
// which programs use instead.
package stacktest

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// resetTimeout bounds Reset, in which functions may still have to end.
const resetTimeout = 30 * time.Second

// Stack is a running stack. It stops at the end of the test that started it.
type Stack struct {
	stack *stack.Stack
	log   *output

	mu       sync.Mutex
	reported int // end of the log that a failed test has printed
}

// Start builds the template's functions and runs the template until the test
// and its subtests have ended. template is the path of the template or of its
// folder, relative to the folder of the test. configure may change the options
// of package stack, such as Parameters and Faults. A failure to start fails the
// test at once. If the test fails, it gets the log of the stack, which has the
// functions' own lines.
func Start(t testing.TB, template string, configure ...func(*stack.Options)) *Stack {
	t.Helper()
	s := &Stack{log: new(output)}
	options := stack.Options{
		Template: template,
		Data:     t.TempDir(),
		Log:      slog.New(slog.NewTextHandler(s.log, nil)),
		Output:   s.log,
		Progress: s.log.line,
	}
	for _, change := range configure {
		change(&options)
	}
	var err error
	if s.stack, err = stack.New(options); err != nil {
		t.Fatalf("start the local stack: %v", err)
	}
	t.Cleanup(func() {
		if err := s.stack.Close(); err != nil {
			t.Errorf("stop the local stack: %v", err)
		}
		s.report(t, 0)
	})
	if err := s.stack.Start(t.Context()); err != nil {
		t.Fatalf("start the local stack: %v", err)
	}
	if _, err := s.touchSources(t.Context()); err != nil {
		t.Fatalf("look at the sources of the functions: %v", err)
	}
	return s
}

// touchSources calls Stat on every source of the app and returns their number.
//
// The go command repeats the result of a test from its cache unless a file
// changes that the test has looked at. The functions are built by another
// process, so without this a test of an edited function would not run again.
func (s *Stack) touchSources(ctx context.Context) (n int, err error) {
	sources, err := s.stack.Sources(ctx)
	if err != nil {
		return 0, err
	}
	for _, file := range slices.Concat(sources.Files, sources.Absent) {
		if _, err := os.Stat(file); err == nil {
			n++
		}
	}
	for _, folder := range sources.Folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil // removed meanwhile
			case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
				return fs.SkipDir
			}
			if _, err := os.Stat(path); err == nil {
				n++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// WebSocketURL returns the URL of the template's first WebSocket API and stage;
// it is empty without one.
func (s *Stack) WebSocketURL() string {
	if urls := s.stack.Addresses().WebSockets; len(urls) > 0 {
		return urls[0]
	}
	return ""
}

// Addresses returns all addresses of the stack.
func (s *Stack) Addresses() stack.Addresses { return s.stack.Addresses() }

// AWS returns the configuration with which clients of the AWS SDK use the
// stack. The caller may do everything, as the owner of an account.
func (s *Stack) AWS() aws.Config {
	a := s.stack.Addresses()
	return aws.Config{
		Region:       a.Region,
		BaseEndpoint: &a.AWS,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Logs returns the log so far: what the stack did and the functions' lines,
// each after the function's name.
func (s *Stack) Logs() string { return s.log.after(0) }

// Deploy deploys the template again, after a change of it or of a function. An
// error leaves the previous version running.
func (s *Stack) Deploy(ctx context.Context) error { return s.stack.Deploy(ctx) }

// Reset empties the tables and closes the WebSockets, so that subtests can
// share a stack without seeing one another's data. Call it at the beginning of
// each; if t fails, it gets the log from there on. See [stack.Stack.Reset] for
// what stays.
func (s *Stack) Reset(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), resetTimeout)
	defer cancel()
	if err := s.stack.Reset(ctx); err != nil {
		t.Fatalf("reset the local stack: %v", err)
	}
	begin := s.log.len()
	t.Cleanup(func() { s.report(t, begin) })
}

// report gives a failed test the log from a position on, without what a failed
// subtest has got already.
func (s *Stack) report(t testing.TB, begin int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.Failed() {
		return
	}
	text := s.log.after(max(begin, s.reported))
	s.reported = max(begin, s.reported) + len(text)
	t.Logf("log of the local stack:\n%s", text)
}

// output collects lines. It may be used concurrently.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) line(text string) {
	_, _ = o.Write([]byte(text + "\n")) // never fails
}

func (o *output) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Len()
}

func (o *output) after(position int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()[position:]
}
