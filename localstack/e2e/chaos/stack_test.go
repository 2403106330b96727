package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// waitTimeout is how long anything may take that should happen at once.
	waitTimeout = time.Minute
	// startTimeout is how long a stack may take to start. The first one on a
	// machine compiles all functions.
	startTimeout = 5 * time.Minute
)

// stack is `localstack` as a process. It is killed and started again over the
// same data, at the same address.
type stack struct {
	dir     string // of data, binary and log
	binary  string
	address string

	process   *exec.Cmd
	exited    chan struct{}
	functions []string
	webSocket string
	starts    int
}

func newStack(dir string) (*stack, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	if err := lookAtSources(root); err != nil {
		return nil, err
	}
	s := &stack{dir: dir, binary: filepath.Join(dir, "localstack")}
	if runtime.GOOS == "windows" {
		s.binary += ".exe"
	}
	args := []string{"build", "-o", s.binary}
	if raceDetector {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "./localstack")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the stack: %w\n%s", err, out)
	}
	for range 100 { // a port outside the range of outgoing connections
		address := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(10000))
		if l, err := net.Listen("tcp", address); err == nil {
			s.address = address
			return s, l.Close()
		}
	}
	return nil, errors.New("no free port from 10000 to 19999")
}

// lookAtSources stats all files that the go command builds for this test. `go
// test` notes which files a test looks at, and so does not reuse a cached
// result after a change.
func lookAtSources(root string) error {
	for _, part := range []string{"functions", "localstack", "shared", "template.yaml", "go.mod"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a temporary file that was removed
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// start starts the stack and waits until it is ready.
func (s *stack) start() error {
	log, err := os.OpenFile(s.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own copy
	s.process = exec.Command(s.binary, "-listen", s.address, "-template",
		filepath.Join("..", "..", "..", "template.yaml"), "-data", s.data())
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start the stack: %w", err)
	}
	s.exited = make(chan struct{})
	go func(p *exec.Cmd, exited chan struct{}) {
		defer close(exited)
		_ = p.Wait()
	}(s.process, s.exited)
	s.starts++
	if !within(startTimeout, func() bool {
		select {
		case <-s.exited:
			return true
		default:
			return s.ready()
		}
	}) || !s.ready() {
		s.kill()
		return fmt.Errorf("the stack did not become ready:\n%s", s.logEnd())
	}
	return nil
}

func (s *stack) data() string    { return filepath.Join(s.dir, "data") }
func (s *stack) logFile() string { return filepath.Join(s.dir, "stack.log") }

// ready reports whether the stack's health is 200.
func (s *stack) ready() bool {
	response, err := http.Get("http://" + s.address + "/_localstack/health")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var h struct {
		Functions []string `json:"functions"`
		WebSocket string   `json:"websocket"`
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&h) != nil {
		return false
	}
	s.functions, s.webSocket = h.Functions, h.WebSocket
	return true
}

// kill ends the stack by kill -9.
func (s *stack) kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill() // may have exited
	<-s.exited
}

// forbiddenOutput lists what no stack may write, whatever fault it meets.
var forbiddenOutput = []string{"WARNING: DATA RACE", "panic: ", "fatal error: "}

// checkLog returns an error if the log contains forbiddenOutput.
func (s *stack) checkLog() error {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return err
	}
	for _, sign := range forbiddenOutput {
		if _, rest, ok := strings.Cut(string(log), sign); ok {
			return errors.New("the stack's log contains " + sign + rest[:min(len(rest), 3000)])
		}
	}
	return nil
}

// logEnd returns the end of the log.
func (s *stack) logEnd() string {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-4000):])
}

// fault is a fault as docs/local-stack-faults.md describes it.
type fault struct {
	Kind        string  `json:"kind"`
	Target      string  `json:"target,omitempty"`
	Table       string  `json:"table,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	Delay       string  `json:"delay,omitempty"`
}

// faults calls the fault API and returns how often each kind has struck since
// the stack started.
func (s *stack) faults(ctx context.Context, method string, body any) (map[string]uint64, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+"/_localstack/faults", content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Localstack-Faults", "1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var state struct {
		Total map[string]uint64 `json:"total"`
	}
	if response.StatusCode >= 300 || json.Unmarshal(answer, &state) != nil {
		return nil, fmt.Errorf("%s faults %v: got %d %s, want a 2xx status", method, body, response.StatusCode, answer)
	}
	return state.Total, nil
}

// within reports whether the condition holds before limit has passed.
func within(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
