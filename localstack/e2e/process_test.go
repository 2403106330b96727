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

// process is a running command.
type process struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *output
	exited         chan struct{} // closed after it has exited; cmd.ProcessState is then set
}

// startProcess starts a command with its stdin connected to p.stdin.
func startProcess(cmd *exec.Cmd, stdout, stderr *output) (*process, error) {
	p := &process{cmd: cmd, stdout: stdout, stderr: stderr, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = waitTimeout // for a process whose children hold its output open
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // the result is in ProcessState
	}()
	return p, nil
}

// wait waits until the process exits and returns its exit status, -1 after a
// signal.
func (p *process) wait() (int, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(waitTimeout):
		p.kill()
		return 0, fmt.Errorf("%s did not exit within %v", p.cmd.Path, waitTimeout)
	}
}

// kill ends the process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // may have exited
	<-p.exited
}

// interrupt sends Ctrl-C. Windows has no such signal between consoles.
func (p *process) interrupt() error { return p.cmd.Process.Signal(os.Interrupt) }

// running reports whether the process has not exited.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// output keeps what processes write. It is safe for concurrent use.
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

// within reports whether the condition holds before limit has passed.
func within(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// eventually reports whether the condition holds within waitTimeout.
func eventually(condition func() bool) bool { return within(waitTimeout, condition) }
