package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sotto-chat/sotto/localstack/stack"
	"github.com/sotto-chat/sotto/localstack/static"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // neither the command line nor the template is wrong
	exitUsage  = 2 // wrong flags or template
)

// run is the command. It returns the exit status after ctx has ended and the
// stack has stopped, or when it cannot go on.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "localstack: %v; -h lists the flags\n", err)
		return exitUsage
	case o.version:
		fmt.Fprintln(stdout, version())
		return exitOK
	}
	c := newConsole(stderr, o.json)
	err = serve(ctx, o, stdout, c)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(*stack.OptionError)):
		c.fail(inFlags(err, o.Listen))
		return exitUsage
	}
	c.fail(inFlags(err, o.Listen))
	return exitFailed
}

// serve runs the stack until it fails or ctx ends, which is not an error.
func serve(ctx context.Context, o options, stdout io.Writer, c *console) (err error) {
	if web := webFolder(o.Template); o.Web == "" && hasPage(web) {
		o.Web = web
	}
	o.Log, o.Progress = c.log, func(line string) { c.say("%s", line) }
	if o.json {
		o.Line = c.functionLine
	} else {
		o.Output = lockedWriter{c}
	}
	o.Fatal = func(err error) {
		c.fail(err)
		os.Exit(exitFailed) // the stack cannot be closed any more
	}
	var s *stack.Stack
	if o.watch {
		o.OnReload = func(took time.Duration, err error) {
			c.reloaded(took, err)
			if err == nil {
				c.notes(s.Plan())
			}
		}
	}
	s, err = stack.New(o.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if o.Web == "" && hasFolder(filepath.Dir(webFolder(o.Template))) {
		c.say("no web client is served: there is no index.html in %s (-web DIR names another folder)",
			webFolder(o.Template))
	}
	c.notes(s.Plan())
	if err := s.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was ready
		}
		return err
	}
	announce(stdout, s.Addresses())
	return s.Wait(ctx)
}

// reloaded prints the outcome of a deployment that a change of the sources
// caused.
func (c *console) reloaded(took time.Duration, err error) {
	if err != nil {
		c.fail(err)
		c.say("reload failed; still running the previous version")
		return
	}
	c.say("reloaded in %.1f s", took.Seconds())
}

// flagOf maps the options of package stack to the flags that set them.
var flagOf = map[string]string{"Listen": "-listen", "Bridge": "-bridge", "Web": "-web", "Faults": "-fault"}

// inFlags words an error of package stack with the flags of this command and
// says which of them helps.
func inFlags(err error, listen string) error {
	var wrong *stack.OptionError
	if errors.As(err, &wrong) && wrong.Option != "" {
		err = fmt.Errorf("%s %s: %w", flagOf[wrong.Option], wrong.Value, wrong.Err)
	}
	switch {
	case errors.Is(err, stack.ErrRemote):
		return fmt.Errorf("%w; use 127.0.0.1, or add -allow-remote if you mean it (see -h)", err)
	case errors.Is(err, stack.ErrPortInUse):
		return fmt.Errorf("%w: choose another port with -listen %s, or any free one with -listen %s",
			err, withPort(listen, func(port int) int { return port%65535 + 1 }),
			withPort(listen, func(int) int { return 0 }))
	case errors.Is(err, stack.ErrDataInUse):
		return fmt.Errorf("%w: stop it, or choose another folder with -data", err)
	case errors.Is(err, static.ErrNoPage):
		return fmt.Errorf("%w; name the folder that the build wrote", err)
	}
	return err
}

// withPort changes the port of HOST:PORT.
func withPort(address string, change func(port int) int) string {
	host, port, _ := net.SplitHostPort(address) // the stack has parsed it
	n, _ := net.LookupPort("tcp", port)         // as above
	return net.JoinHostPort(host, strconv.Itoa(change(n)))
}

// webFolder returns the folder that is served if it has a page and -web is not
// given.
func webFolder(template string) string {
	dir := template
	if info, err := os.Stat(template); err != nil || !info.IsDir() {
		dir = filepath.Dir(template)
	}
	return filepath.Join(dir, "clients", "web", "dist")
}

// hasFolder reports whether the folder of a web client's sources exists, which
// only has no build yet.
func hasFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

func hasPage(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "index.html"))
	return err == nil
}
