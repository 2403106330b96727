package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// TestStdinThatDoesNotEnd sends what never comes whole.
func TestStdinThatDoesNotEnd(t *testing.T) {
	for name, c := range map[string]struct {
		timeout   string
		interrupt bool
		says      string
	}{
		"Ctrl-C":    {"0", true, "sotto: interrupted before stdin ended; nothing was sent\n"},
		"--timeout": {"50ms", false, "sotto: stdin did not end within 50ms, so nothing was sent; wait longer with --timeout, for ever with --timeout 0\n"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		stdin, typed := io.Pipe()
		var stderr bytes.Buffer
		ended := make(chan int)
		go func() {
			ended <- run(ctx, strings.Fields("send --user ada --profile none - --timeout "+c.timeout), stdin, io.Discard, &stderr)
		}()
		if _, err := io.WriteString(typed, "half a li"); err != nil { // returns when it has been read
			t.Fatal(err)
		}
		if c.interrupt {
			interrupt()
		}
		if code := <-ended; code != 1 || stderr.String() != c.says {
			t.Errorf("%s: exit %d, %q; want 1, %q", name, code, &stderr, c.says)
		}
		interrupt()
		_ = typed.Close()
	}
}
