package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/clients/sotto/terminal"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// command is a command of `sotto`, such as send.
type command struct {
	name  string
	usage []string // operands and flags, one line per form
	short string
	help  string
	flags func(*commandLine)
	run   func(in *commandLine, operands []string) error
	words []string // candidates for the first operand, for completion
	rooms bool     // the first operand is a room
	alone bool     // it uses neither a user nor a service
}

// commands returns all commands in the order of the help.
func commands() []*command {
	return []*command{chatCommand(), sendCommand(), listenCommand(), joinCommand(), leaveCommand(),
		roomsCommand(), roomCommand(), devicesCommand(), keysCommand(), verifyCommand(), frameCommand(),
		completionCommand()}
}

// commandLine is one command with its parsed flags and its streams.
type commandLine struct {
	*output
	ctx   context.Context
	stdin io.Reader
	flags *flag.FlagSet

	url, profile, user string
	insecure           bool   // accepts ws:// to another machine
	room               string // if the command has --room
	asJSON             bool   // if it has --json
	token              string // the link token of a new device, or empty
	offline            bool   // whether the last notice reported a lost connection
	notify             func(client.Notice)
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := newOutput(stdout, stderr)
	err := dispatch(ctx, args, stdin, out)
	switch _, usage := errors.AsType[*usageError](err); {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return 1
	case errors.Is(err, context.Canceled):
		out.notice("interrupted")
		return 1
	case usage:
		out.notice("%s", describe(err))
		return 2
	default:
		out.notice("%s", describe(err))
		return 1
	}
}

// errReported means that the command failed and has printed why.
var errReported = errors.New("failed")

func dispatch(ctx context.Context, args []string, stdin io.Reader, out *output) error {
	if len(args) == 0 {
		return usagef("no command; run: sotto --help")
	}
	name, args := args[0], args[1:]
	if slices.Contains([]string{"help", "--help", "-help", "-h"}, name) {
		if len(args) == 0 {
			out.line(overview())
			return out.failed()
		}
		name, args = args[0], []string{"--help"}
	}
	if slices.Contains([]string{"version", "--version", "-version"}, name) {
		out.line(version())
		return out.failed()
	}
	if name == completeWord {
		return complete(ctx, args, out)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.invoke(ctx, args, stdin, out)
		}
	}
	if strings.HasPrefix(name, "-") {
		return usagef("the command comes first, then its flags; run: sotto --help")
	}
	return usagef("unknown command %q; run: sotto --help", name)
}

// prepare returns a commandLine with the command's flags, not parsed yet.
func (c *command) prepare(ctx context.Context, stdin io.Reader, out *output) *commandLine {
	in := &commandLine{output: out, ctx: ctx, stdin: stdin, flags: flag.NewFlagSet(c.name, flag.ContinueOnError)}
	in.notify = in.reportConnection
	in.flags.SetOutput(io.Discard)
	if !c.alone {
		in.flags.StringVar(&in.user, "user", "", "your user `NAME`")
		in.flags.StringVar(&in.url, "url", "ws://127.0.0.1:4566/local", "the service's WebSocket `ADDRESS`")
		in.flags.BoolVar(&in.insecure, "insecure", false, "accept a ws:// address of another machine, without TLS")
		in.flags.StringVar(&in.profile, "profile", "",
			"`DIR` of your keys (default: sotto in your configuration folder)")
	}
	if c.flags != nil {
		c.flags(in)
	}
	return in
}

// invoke parses the flags and runs the command.
func (c *command) invoke(ctx context.Context, args []string, stdin io.Reader, out *output) error {
	in := c.prepare(ctx, stdin, out)
	operands, err := parse(in.flags, args)
	if errors.Is(err, flag.ErrHelp) {
		out.line(c.manual(in.flags))
		return out.failed()
	}
	if err != nil {
		return usagef("%s; run: sotto %s --help", flagError(err), c.name)
	}
	return in.explainKeySet(c.run(in, operands))
}

// singleDash matches the flag names in the errors of package flag.
var singleDash = regexp.MustCompile(`^(flag provided but not defined: |flag needs an argument: |invalid value .* for flag |invalid boolean value .* for )-`)

// flagError returns the text of an error of package flag, with two dashes
// before the flag, as in the help.
func flagError(err error) string {
	text := singleDash.ReplaceAllString(err.Error(), "${1}--")
	// Only the value of a boolean flag is parsed by the package.
	if rest, found := strings.CutSuffix(text, ": parse error"); found {
		text = rest + ": want true or false"
	}
	return text
}

// parse accepts flags before, between and after operands. All words after --
// are operands.
func parse(flags *flag.FlagSet, args []string) (operands []string, err error) {
	var rest []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, rest = args[:i], args[i+1:]
	}
	// A thumbprint may begin with a dash.
	if i := slices.IndexFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "-") && chat.IsThumbprint(a)
	}); i >= 0 {
		before, err := parse(flags, args[:i])
		if err != nil {
			return nil, err
		}
		after, err := parse(flags, args[i+1:])
		return slices.Concat(before, args[i:i+1], after, rest), err
	}
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return append(operands, rest...), nil
		}
		operands = append(operands, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

// twoThings is what a user must know before writing.
const twoThings = `Messages are deleted
after 30 days, if the operator of the service has not chosen another time. The
operator can read what is written in the rooms.`

func overview() string {
	var b strings.Builder
	b.WriteString("Sotto: encrypted group chat from the command line.\n\nUsage:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  sotto %-10s %s\n", c.name, c.short)
	}
	b.WriteString(`
Examples:
  sotto chat --user ada
  sotto send --user ada "hello, everybody"
  sotto listen --user bob --since 0 --json

A name belongs to the first user who uses it; its keys are in the profile. Link a
second device before you lose the first (sotto devices). ` + twoThings + `

Run: sotto COMMAND --help
The version: sotto --version`)
	return b.String()
}

func (c *command) manual(flags *flag.FlagSet) string {
	var b strings.Builder
	b.WriteString("Usage:\n")
	for _, form := range c.usage {
		fmt.Fprintf(&b, "  sotto %s %s\n", c.name, form)
	}
	fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.help))
	if !c.alone {
		b.WriteString("\nFlags, before or after the operands:\n")
	}
	flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + value)
		if !slices.Contains([]string{"", "false", "0", "0s"}, f.DefValue) {
			text += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(&b, "  %-18s %s\n", name, text)
	})
	return strings.TrimSuffix(b.String(), "\n")
}

// withRoom adds --room.
func withRoom(in *commandLine) {
	in.flags.StringVar(&in.room, "room", string(chat.Lobby), "the `ROOM`; joins it if it is open")
}

// withJSON adds --json.
func withJSON(in *commandLine) {
	in.flags.BoolVar(&in.asJSON, "json", false, "print JSON, one object per line")
}

// none returns an error if there are operands.
func none(operands []string) error {
	if len(operands) > 0 {
		return usagef("%q is one word too many; put texts with spaces in quotes", operands[0])
	}
	return nil
}

// userName returns --user. The caller checks it before it connects or creates
// anything.
func (in *commandLine) userName() (chat.User, error) {
	if in.user == "" {
		return "", usagef("no user; add --user NAME")
	}
	user, err := chat.ParseUser(terminal.NameFrom(in.user))
	if err != nil {
		return "", usagef("%q is not a valid user name: %s; %s", in.user,
			strings.TrimSuffix(chat.NameInvalid.Message(), "."), remedies[chat.NameInvalid])
	}
	return user, nil
}

// parseRoom returns the room that a user means by a name.
func parseRoom(name string) (chat.Room, error) {
	room, err := terminal.RoomFrom(name)
	if err != nil {
		return "", usagef("%v", err)
	}
	return room, nil
}

// profileDir returns the folder of the profile, which may not exist yet.
func (in *commandLine) profileDir() (string, error) {
	if in.profile != "" {
		return in.profile, nil
	}
	dir, err := profile.DefaultDir()
	if err != nil {
		return "", usagef("%v; choose a folder with --profile DIR", err)
	}
	return dir, nil
}

// store opens the profile.
func (in *commandLine) store() (*profile.Store, error) {
	dir, err := in.profileDir()
	if err != nil {
		return nil, err
	}
	return profile.Open(dir)
}

// deployment returns the part of the profile for the service at --url.
func (in *commandLine) deployment() (*profile.Deployment, error) {
	address, err := device.Address(in.url)
	if err != nil {
		return nil, usagef("%v", err)
	}
	store, err := in.store()
	if err != nil {
		return nil, err
	}
	return store.Deployment(address)
}

// checkURL refuses an address that is malformed, or that would send frames
// through a network without TLS, unless --insecure is given. Texts are
// encrypted anyway; everything else is protected by TLS alone
// (docs/threat-model.md).
func (in *commandLine) checkURL() error {
	address, err := device.Address(in.url)
	if err != nil {
		return usagef("%v", err)
	}
	if in.insecure || device.IsLoopback(address) || !strings.HasPrefix(strings.ToLower(in.url), "ws://") {
		return nil
	}
	return usagef("%s is on another machine and ws:// has no TLS: an attacker on the network can see who talks to whom, forge "+
		"what the service says, and pose as it at first use; use wss://, or add --insecure if you trust that network", in.url)
}

// connect opens a client for --user.
func (in *commandLine) connect(ctx context.Context) (*client.Client, error) {
	user, err := in.userName()
	if err != nil {
		return nil, err
	}
	if err := in.checkURL(); err != nil {
		return nil, err
	}
	store, err := in.store()
	if err != nil {
		return nil, err
	}
	c, err := client.Open(ctx, client.Options{
		URL:     in.url,
		User:    user,
		Profile: store,
		Link:    in.token,
		Notify:  in.notify,
	})
	if err != nil {
		return nil, in.explainRefusal(err, store, user)
	}
	in.saveRooms(c)
	return c, nil
}

// reportConnection prints once that the connection is lost, and that it is
// restored.
func (in *commandLine) reportConnection(n client.Notice) {
	switch {
	case n.Connected:
		in.notice("connected again")
	case !in.offline:
		in.notice("%s; reconnecting", describe(n.Err))
	}
	in.offline = !n.Connected
}
