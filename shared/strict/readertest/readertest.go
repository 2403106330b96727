// Package readertest runs the web client's readers of JSON, so that tests can
// compare them with Go's. It needs Node and the web client's packages; without
// them its tests are skipped.
package readertest

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Kind is what a text is read as.
type Kind string

const (
	JSON          Kind = "json"    // any JSON value (protocol §2)
	MessageClaims Kind = "message" // the claims of a message (protocol §5)
)

// Web is a Node process that reads texts as the web client does.
type Web struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

// Start starts the process, which ends with the test.
func Start(t testing.TB) *Web {
	t.Helper()
	folder := webFolder(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped the comparison with the web client: it needs Node")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "vite")); err != nil {
		t.Skip("skipped the comparison with the web client: it needs the packages that `make web` installs")
	}
	c := exec.Command(node, "src/lib/testing/reader.mjs")
	c.Dir, c.Stderr = folder, os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends the process
		_ = c.Wait()
	})
	w := &Web{in: in, out: bufio.NewReader(out)}
	if line, err := w.line(); err != nil || line != "ready" {
		t.Fatalf("the web client's reader: got %q and error %v, want ready", line, err)
	}
	return w
}

// webFolder returns the folder of the web client, whose place relative to this
// file is fixed: tests of any package call Start.
func webFolder(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the place of this file is unknown")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "clients", "web")
}

// Read reads a text. If the web client accepts it, Read returns the value as
// JSON.
func (w *Web) Read(t testing.TB, kind Kind, text []byte) (value string, accepted bool) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := fmt.Fprintln(w.in, kind, base64.StdEncoding.EncodeToString(text)); err != nil {
		t.Fatalf("write to the web client's reader: %v", err)
	}
	line, err := w.line()
	if err != nil {
		t.Fatalf("the web client's reader ended at %q: %v", text, err)
	}
	return line, line != "refused"
}

func (w *Web) line() (string, error) {
	line, err := w.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}
