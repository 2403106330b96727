package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/edge"
)

// patience is how long a test waits. A slow machine that builds for the first
// time needs minutes.
const patience = 4 * time.Minute

var (
	binaryDir   string
	buildBinary = sync.OnceValues(func() (string, error) {
		path := filepath.Join(binaryDir, "localstack")
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build the command: %w\n%s", err, out)
		}
		return path, nil
	})
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if binaryDir, err = os.MkdirTemp("", "localstack-test-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(binaryDir)
		return m.Run()
	}())
}

// process is a running command.
type process struct {
	cmd    *exec.Cmd
	stderr *buffer
	url    string        // http://HOST:PORT, as the command printed it
	exited chan struct{} // closed after the end; then cmd.ProcessState is set
}

// startProcess starts the command and waits until it has printed its addresses.
func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	binary, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		cmd:    exec.Command(binary, append(args, "-listen", "127.0.0.1:0")...),
		stderr: new(buffer),
		exited: make(chan struct{}),
	}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	urls := make(chan string, 1)
	go func() {
		defer close(p.exited)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), "AWS_ENDPOINT_URL="); ok {
				urls <- strings.Fields(rest)[0]
			}
		}
		_ = p.cmd.Wait() // tests look at ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("stderr of the stack:\n%s", p.stderr)
		}
	})
	select {
	case p.url = <-urls:
	case <-p.exited:
		t.Fatalf("the stack ended with %v, want that it becomes ready", p.cmd.ProcessState)
	case <-time.After(patience):
		t.Fatal("timed out waiting for the stack to become ready")
	}
	return p
}

// kill ends the process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails if it has ended
	<-p.exited
}

// signal sends a signal to the process.
func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the end of the process.
func (p *process) wait(t *testing.T) *os.ProcessState {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("timed out waiting for the end of the stack")
	}
	return p.cmd.ProcessState
}

func (p *process) health(t testing.TB) (int, edge.Health) {
	t.Helper()
	return getHealth(t, p.url)
}

func getHealth(t testing.TB, url string) (int, edge.Health) {
	t.Helper()
	response, err := http.Get(url + edge.HealthPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var h edge.Health
	if err := json.NewDecoder(response.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, h
}

// eventually waits until the condition is true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
	}
}

// buffer is a bytes.Buffer for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
