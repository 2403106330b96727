package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is a command that runs.
type process struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *output
	exited         chan struct{} // closed when it has ended; then cmd.ProcessState is set
}

// startProcess starts a command whose stdin is fed through the process's.
func startProcess(cmd *exec.Cmd, stdout, stderr *output) (*process, error) {
	p := &process{cmd: cmd, stdout: stdout, stderr: stderr, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = patience // of one whose children hold its output open
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // whoever asks looks at ProcessState
	}()
	return p, nil
}

// wait waits for the end and returns the exit status; -1 after a signal.
func (p *process) wait() (int, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		p.kill()
		return 0, fmt.Errorf("%s did not end within %v", p.cmd.Path, patience)
	}
}

// kill ends the process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // may have ended
	<-p.exited
}

// interrupt is Ctrl-C. Windows has nothing of the kind between consoles.
func (p *process) interrupt() error { return p.cmd.Process.Signal(os.Interrupt) }

// running says whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// output keeps what processes write, and may be read meanwhile.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Len()
}

// within waits until the condition holds.
func within(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// eventually is within patience.
func eventually(condition func() bool) bool { return within(patience, condition) }
