package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// TestStdinThatDoesNotEnd interrupts send while it reads stdin.
func TestStdinThatDoesNotEnd(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	stdin, typed := io.Pipe()
	defer typed.Close()
	var stderr bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- run(ctx, strings.Fields("send --user ada --profile none -"), stdin, io.Discard, &stderr)
	}()
	if _, err := io.WriteString(typed, "half a li"); err != nil { // returns when it has been read
		t.Fatal(err)
	}
	interrupt()
	const says = "sotto: interrupted before stdin ended; nothing was sent\n"
	if code := <-ended; code != 1 || stderr.String() != says {
		t.Errorf("exit %d, %q; want 1, %q", code, &stderr, says)
	}
}
