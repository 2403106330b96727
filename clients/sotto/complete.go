package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/clients/sotto/terminal"
)

// completeWord is the command with which a shell asks for candidates: `sotto
// complete- WORD…`, where the last word is the one to complete. It is for
// shells only, so the help does not list it.
const completeWord = "complete-"

// candidate is a possible completion of a word.
type candidate struct{ word, about string }

// filesWanted makes the shell complete file names.
var filesWanted = candidate{word: ":files"}

// complete prints the candidates, one per line, each with a tab and a
// description. It reads the profile and never connects.
func complete(ctx context.Context, words []string, out *output) error {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, c := range candidates(ctx, words[:len(words)-1], last, out) {
		if c == filesWanted || strings.HasPrefix(c.word, last) {
			out.line(c.word + "\t" + c.about)
		}
	}
	return out.failed()
}

func candidates(ctx context.Context, before []string, last string, out *output) (list []candidate) {
	if len(before) == 0 || before[0] == "help" {
		for _, c := range commands() {
			list = append(list, candidate{c.name, c.short})
		}
		return list
	}
	i := slices.IndexFunc(commands(), func(c *command) bool { return c.name == before[0] })
	if i < 0 {
		return nil
	}
	c := commands()[i]
	in := c.prepare(ctx, strings.NewReader(""), out)
	// Some shells pass --flag=VALUE as one word.
	if name, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "--") {
		for _, v := range in.values(strings.TrimPrefix(name, "--"), before[1:]) {
			list = append(list, candidate{name + "=" + v.word, v.about})
		}
		return list
	}
	if f := in.pendingFlag(before[1:]); f != nil {
		return in.values(f.Name, before[1:])
	}
	if strings.HasPrefix(last, "-") {
		in.flags.VisitAll(func(f *flag.Flag) {
			_, about := flag.UnquoteUsage(f)
			list = append(list, candidate{"--" + f.Name, about})
		})
		return append(list, candidate{"--help", "describe the command, with examples"})
	}
	if in.countOperands(before[1:]) > 0 {
		return nil
	}
	for _, word := range c.words {
		list = append(list, candidate{word, c.name})
	}
	if c.rooms {
		list = append(list, in.values("room", before[1:])...)
	}
	return list
}

// flagAt returns the flag that a word names, or nil. whole reports whether the
// word is complete without a following value.
func (in *commandLine) flagAt(word string) (f *flag.Flag, whole bool) {
	name, _, whole := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if !strings.HasPrefix(word, "-") || name == "" {
		return nil, false
	}
	f = in.flags.Lookup(name)
	if f != nil {
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			whole = true
		}
	}
	return f, whole
}

// pendingFlag returns the flag whose value is the next word, or nil.
func (in *commandLine) pendingFlag(words []string) *flag.Flag {
	if len(words) == 0 {
		return nil
	}
	if f, whole := in.flagAt(words[len(words)-1]); !whole {
		return f
	}
	return nil
}

// countOperands counts the words that are neither flags nor their values.
func (in *commandLine) countOperands(words []string) (n int) {
	for i := 0; i < len(words); i++ {
		if f, whole := in.flagAt(words[i]); f != nil {
			if !whole {
				i++
			}
			continue
		}
		n++
	}
	return n
}

// values returns the values of a flag that the profile contains.
func (in *commandLine) values(name string, words []string) (list []candidate) {
	if name == "profile" {
		return []candidate{filesWanted}
	}
	// Earlier flags select the profile and the user.
	for i, word := range words {
		f, whole := in.flagAt(word)
		_, value, cut := strings.Cut(word, "=")
		if f == nil || whole && !cut {
			continue
		}
		if !cut && i+1 < len(words) {
			value = words[i+1]
		}
		_ = f.Value.Set(value) // an invalid value is refused when the command runs
	}
	if dir, err := in.profileDir(); err != nil || !isDir(dir) {
		return nil // do not create the profile
	}
	d, err := in.deployment()
	if err != nil {
		return nil
	}
	switch name {
	case "user":
		for _, user := range knownUsers(d) {
			list = append(list, candidate{user, "user of this profile"})
		}
	case "room":
		for _, room := range knownRooms(d, terminal.NameFrom(in.user)) {
			list = append(list, candidate{room, "room"})
		}
	}
	return list
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func completionCommand() *command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &command{
		name:  "completion",
		usage: []string{strings.Join(shells, "|")},
		short: "print a script for completion in your shell",
		help: `
Prints a completion script for a shell. With it, Tab completes commands, flags, and
the users and rooms in the profile. Completion does not connect to the service.

Examples:
  source <(sotto completion bash)                               in ~/.bashrc
  source <(sotto completion zsh)                                in ~/.zshrc
  sotto completion fish > ~/.config/fish/completions/sotto.fish
  sotto completion powershell | Out-String | Invoke-Expression  in $PROFILE`,
		words: shells,
		alone: true,
		run: func(in *commandLine, operands []string) error {
			if len(operands) == 0 {
				return usagef("no shell; add one of %s", strings.Join(shells, ", "))
			}
			if err := none(operands[1:]); err != nil {
				return err
			}
			script, ok := completionScripts[operands[0]]
			if !ok {
				return usagef("no completion for %q; use one of %s", operands[0], strings.Join(shells, ", "))
			}
			in.line(strings.TrimSuffix(fmt.Sprintf(script, completeWord), "\n"))
			return in.failed()
		},
	}
}
