//go:build unix

package screentest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// timeout is how long a test waits for the program.
const timeout = time.Minute

// Program runs on a new pseudo-terminal.
type Program struct {
	*Screen
	t        testing.TB
	cmd      *exec.Cmd
	terminal *os.File
	before   *term.State // of the line discipline, at the start
	ended    chan struct{}
	err      error
}

// Start runs a command on a terminal of the given size. The command is killed
// at the end of the test.
func Start(t testing.TB, cmd *exec.Cmd, width, height int) *Program {
	t.Helper()
	terminal, side, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer side.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = side, side, side
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // its own controlling terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Program{
		Screen:   New(width, height),
		t:        t,
		cmd:      cmd,
		terminal: terminal,
		before:   before,
		ended:    make(chan struct{}),
	}
	go func() {
		_, _ = io.Copy(p.Screen, terminal) // ends with EIO when the program has ended
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		_ = terminal.Close()
	})
	return p
}

// Type writes to the terminal as a keyboard does.
func (p *Program) Type(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.terminal, keys); err != nil {
		p.t.Fatal(err)
	}
}

// SetSize changes the size of the window.
func (p *Program) SetSize(width, height int) {
	p.t.Helper()
	p.Resize(width, height)
	if err := pty.Setsize(p.terminal, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		p.t.Fatal(err)
	}
}

// Signal sends a signal to the program.
func (p *Program) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Until waits until the screen matches a regular expression.
func (p *Program) Until(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(timeout); !re.MatchString(p.String()); {
		select {
		case <-p.ended:
			p.t.Fatalf("the program ended (%v) without showing %q:\n%s", p.err, pattern, p.Screen)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("timed out waiting for the screen to show %q:\n%s", pattern, p.Screen)
		}
	}
}

// Ended waits until the program has ended and returns its exit code. It fails
// the test unless the terminal is restored: main screen, cursor, key and mouse
// modes, line discipline.
func (p *Program) Ended() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(timeout):
		p.t.Fatalf("timed out waiting for the program to end:\n%s", p.Screen)
	}
	for _, mode := range []string{"?1049", "?2004", "?1000", "?1002", "?1003", "?1004", "?1006", "?2026", "?2027"} {
		if p.Mode(mode) {
			p.t.Errorf("mode %s is still on", mode)
		}
	}
	if !p.Mode("?25") {
		p.t.Error("the cursor is still hidden")
	}
	raw := p.Raw()
	if strings.LastIndex(raw, "\x1b[>4;2m") > strings.LastIndex(raw, "\x1b[>4m") ||
		strings.Count(raw, "\x1b[>1u") != strings.Count(raw, "\x1b[<1u") {
		p.t.Error("the keyboard protocol is not restored")
	}
	if after, err := term.GetState(int(p.terminal.Fd())); err == nil && !reflect.DeepEqual(after, p.before) {
		p.t.Errorf("the line discipline is %v, want %v", after, p.before)
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode()
	}
	if p.err != nil {
		p.t.Error(p.err)
	}
	return 0
}
