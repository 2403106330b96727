// Sotto is the chat client for the command line: a conversation in the
// terminal, single messages for scripts, and frames to copy into wscat.
//
// Run `sotto --help`. It stores its keys in a profile (package profile) and
// never prints a private key.
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
