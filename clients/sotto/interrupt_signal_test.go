//go:build linux || darwin

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestTheFirstCtrlCEndsSend interrupts a process whose stdin stays open, as a
// terminal does.
func TestTheFirstCtrlCEndsSend(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// Sockets, because the test can look at their data without reading it.
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdin, typed := os.NewFile(uintptr(ends[0]), "stdin"), os.NewFile(uintptr(ends[1]), "typed")
	defer stdin.Close()
	defer typed.Close()
	var stderr bytes.Buffer
	send := exec.CommandContext(ctx, "sotto", "send", "--user", "ada", "--profile", t.TempDir(), "--timeout", "0", "-")
	send.Stdin, send.Stderr = stdin, &stderr
	if _, err := typed.WriteString("half a li"); err != nil {
		t.Fatal(err)
	}
	if err := send.Start(); err != nil {
		t.Fatal(err)
	}
	// The process waits for more input once it has read all data.
	for {
		_, _, err := syscall.Recvfrom(ends[0], make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err == syscall.EAGAIN {
			break
		}
		if err != nil && err != syscall.EINTR || ctx.Err() != nil {
			t.Fatalf("timed out waiting for the process to read stdin: %v, %v", err, ctx.Err())
		}
		time.Sleep(time.Millisecond)
	}
	if err := send.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = send.Wait()
	if code := send.ProcessState.ExitCode(); code != 1 ||
		stderr.String() != "sotto: interrupted before stdin ended; nothing was sent\n" {
		t.Errorf("exit %d, %q, %v", code, &stderr, ctx.Err())
	}
}
