// Sotto is the command line of the chat: a conversation in the terminal, single
// messages for scripts, and frames to be carried by hand with wscat.
//
// Run `sotto --help`. It keeps its keys in a profile (package profile) and
// never prints a private one.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
