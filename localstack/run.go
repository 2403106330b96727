package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/watch"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // something that is not the command line's or the template's fault
	exitUsage  = 2
)

// usageError is a mistake in the command line or the template: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the command: it returns the exit status once ctx has ended and the
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
	}
	c := newConsole(stderr, o.json)
	err = serve(ctx, o, stdout, c)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(usageError)):
		c.fail(err)
		return exitUsage
	}
	c.fail(err)
	return exitFailed
}

// serve runs the stack until ctx ends, which is no error, or it fails.
func serve(ctx context.Context, o options, stdout io.Writer, c *console) (err error) {
	plan, err := load(o)
	if err != nil {
		return usageError{err}
	}
	s, err := open(o, plan, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	var changes *watch.Watcher
	watched := s.watched(o)
	if o.watch { // from now on, so that nothing changes unseen while functions are built
		if changes, err = watch.New(watched); err != nil {
			return err
		}
	}
	if err := s.start(ctx); err != nil {
		if changes != nil {
			_ = changes.Close()
		}
		if ctx.Err() != nil {
			return nil // stopped by whoever started it, before it was ready
		}
		return err
	}
	announce(stdout, s)
	if o.watch {
		return s.followSources(ctx, o, changes, watched)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return fmt.Errorf("serve %s: %w", s.listener.address, err)
	}
}

// load reads the template and refuses what this stack cannot run.
func load(o options) (*sam.Plan, error) {
	return sam.Load(sam.Options{
		Path:       o.template,
		Parameters: o.parameters,
		ConfigEnv:  o.configEnv,
		Account:    o.account,
		Check:      check,
	})
}
