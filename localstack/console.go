package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/sotto-chat/sotto/localstack/sam"
)

// console writes to stderr: plain lines for people, or one JSON object for each
// line. Nothing of it is written to a file, since the functions' logs may
// contain what their authors print.
type console struct {
	mu   sync.Mutex
	out  io.Writer
	json bool
	log  *slog.Logger // for what goes wrong inside the stack

	noted []note // what it has printed about the template
}

func newConsole(out io.Writer, json bool) *console {
	c := &console{out: out, json: json}
	if json {
		c.log = slog.New(slog.NewJSONHandler(lockedWriter{c}, nil))
		return c
	}
	c.log = slog.New(slog.NewTextHandler(lockedWriter{c}, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{} // a person at the terminal does not need it
			}
			return a
		},
	}))
	return c
}

// say prints one line of progress.
func (c *console) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.json {
		c.log.Info(text)
		return
	}
	fmt.Fprintln(lockedWriter{c}, text)
}

// fail prints an error. Mistakes in the template begin with their place in the
// file, so that terminals and editors can jump there.
func (c *console) fail(err error) {
	var mistakes sam.Errors
	switch {
	case c.json:
		c.log.Error(err.Error())
	case errors.As(err, &mistakes) && mistakes[0].Line > 0:
		fmt.Fprintln(lockedWriter{c}, err)
	default:
		fmt.Fprintln(lockedWriter{c}, "localstack:", err)
	}
}

// functionLine writes one line of a function's log as JSON.
func (c *console) functionLine(function, requestID, line string) {
	c.log.Info("function log", "function", function, "invocation", requestID, "line", line)
}

// lockedWriter writes whole lines.
type lockedWriter struct{ c *console }

func (w lockedWriter) Write(p []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.c.out.Write(p)
}
