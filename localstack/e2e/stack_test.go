package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stack is `localstack` as a process. It can be started again after it has
// exited, at the same address and over the same data.
type stack struct {
	template, data string
	flags          []string // besides -template, -data and -listen
	attacked       bool     // a test asks for what IAM denies
	address        string   // HOST:PORT, chosen at the first start

	process        *process
	stdout, stderr *output // of all its runs
	url            string  // the value for AWS_ENDPOINT_URL
	webSocket      string
}

// health is the document of /_localstack/health.
type health struct {
	Doing     string            `json:"doing"`
	Services  map[string]string `json:"services"`
	Functions []string          `json:"functions"`
	Routes    []string          `json:"routes"`
	WebSocket string            `json:"websocket"`
	PID       int               `json:"pid"`
}

// start starts the stack and waits until it is ready.
func (s *stack) start() error {
	localstack, err := localstackBinary()
	if err != nil {
		return err
	}
	if s.stdout == nil {
		s.stdout, s.stderr = new(output), new(output)
	}
	if s.address == "" {
		if s.address, err = freeAddress(); err != nil {
			return err
		}
	}
	before := s.stdout.Len()
	args := append([]string{"-listen", s.address, "-template", s.template, "-data", s.data}, s.flags...)
	if s.process, err = startProcess(exec.Command(localstack, args...), s.stdout, s.stderr); err != nil {
		return err
	}
	ready := within(startTimeout, func() bool {
		s.url = printedEndpoint(s.stdout.String()[before:])
		return s.url != "" || !s.process.running()
	})
	if s.url == "" {
		s.process.kill()
		return fmt.Errorf("the stack did not become ready (timed out: %v, %v); its log:\n%s", !ready,
			s.process.cmd.ProcessState, s.stderr)
	}
	status, h, err := s.health()
	if err != nil || status != http.StatusOK {
		s.process.kill()
		return fmt.Errorf("the stack is ready, but its health is %d %+v, %v; want 200", status, h, err)
	}
	s.webSocket = h.WebSocket
	return nil
}

// freeAddress returns an address with a free port, outside the range from which
// outgoing connections and port 0 take theirs.
func freeAddress() (string, error) {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port from 20000 to 29999")
}

// printedEndpoint returns the address of the AWS APIs that the stack has
// printed, or "" if it is not ready.
func printedEndpoint(stdout string) string {
	for lines := bufio.NewScanner(strings.NewReader(stdout)); lines.Scan(); {
		if _, rest, ok := strings.Cut(lines.Text(), "AWS_ENDPOINT_URL="); ok && strings.Contains(stdout, "Ctrl-C") {
			return strings.Fields(rest)[0]
		}
	}
	return ""
}

func (s *stack) health() (int, health, error) { return healthAt(s.url) }

func healthAt(url string) (int, health, error) {
	var h health
	response, err := http.Get(url + "/_localstack/health")
	if err != nil {
		return 0, h, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, h, err
	}
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&h); err != nil {
		return 0, h, fmt.Errorf("decode the health %s: %w", body, err)
	}
	return response.StatusCode, h, nil
}

// running reports whether the stack's process has not exited.
func (s *stack) running() bool { return s.process != nil && s.process.running() }

// stop sends Ctrl-C and wants exit status 0.
func (s *stack) stop() error {
	if err := s.process.interrupt(); err != nil {
		s.kill() // Windows
		return nil
	}
	status, err := s.process.wait()
	switch {
	case err != nil:
		return err
	case status != 0:
		return fmt.Errorf("the stack exited with status %d, want 0; its log:\n%s", status, tail(s.stderr.String(), 40))
	}
	return s.checkLog()
}

// kill ends the stack by kill -9.
func (s *stack) kill() { s.process.kill() }

// checkLog returns an error if the log has what no stack may write, such as a
// panic or a data race.
func (s *stack) checkLog() error {
	log := s.stderr.String()
	for _, sign := range forbiddenOutput {
		if s.attacked && sign == deniedOutput {
			continue
		}
		if _, rest, ok := strings.Cut(log, sign); ok {
			return errors.New("the stack's log contains " + sign + rest[:min(len(rest), 4000)])
		}
	}
	return nil
}

// copyFunctions copies the executables that the shared stack has built to this
// one, so that its start links nothing. It copies and does not link, since the
// go command touches files that it finds up to date, and the stack looks at
// that.
func (s *stack) copyFunctions() error {
	from, err := shared()
	if err != nil {
		return err
	}
	built := filepath.Join("functions", ".go")
	// A test's own folder may be open to others, which the stack refuses.
	if err := errors.Join(os.MkdirAll(s.data, 0o700), os.Chmod(s.data, 0o700)); err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(s.data, built), os.DirFS(filepath.Join(from.data, built)))
}
