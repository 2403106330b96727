package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// completeWord is the command by which a shell asks what may come next:
// `sotto complete- WORD…`, the last word being the one that is completed. It is
// none that people would type, so it is in no help.
const completeWord = "complete-"

// candidate is what a word may become.
type candidate struct{ word, about string }

// filesWanted tells the shell to complete the names of files by itself.
var filesWanted = candidate{word: ":files"}

// complete prints the candidates, one on each line, with a tabulator before
// what they are. It reads the profile and never connects.
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
	// --flag=VALUE comes as one word from some shells.
	if name, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "--") {
		for _, v := range in.values(strings.TrimPrefix(name, "--"), before[1:]) {
			list = append(list, candidate{name + "=" + v.word, v.about})
		}
		return list
	}
	if f := in.open(before[1:]); f != nil {
		return in.values(f.Name, before[1:])
	}
	if strings.HasPrefix(last, "-") {
		in.flags.VisitAll(func(f *flag.Flag) {
			_, about := flag.UnquoteUsage(f)
			list = append(list, candidate{"--" + f.Name, about})
		})
		return append(list, candidate{"--help", "what it does, with examples"})
	}
	if in.operands(before[1:]) > 0 {
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

// flagAt is the flag that a word names, and whether its value is in the word.
func (in *invocation) flagAt(word string) (f *flag.Flag, whole bool) {
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

// open is the flag whose value comes next, nil if none waits for one.
func (in *invocation) open(words []string) *flag.Flag {
	if len(words) == 0 {
		return nil
	}
	if f, whole := in.flagAt(words[len(words)-1]); !whole {
		return f
	}
	return nil
}

// operands counts the words that are neither flags nor their values.
func (in *invocation) operands(words []string) (n int) {
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

// values are those of a flag that the profile knows.
func (in *invocation) values(name string, words []string) (list []candidate) {
	if name == "profile" {
		return []candidate{filesWanted}
	}
	// What is on the line already says which profile and whose rooms.
	for i, word := range words {
		f, whole := in.flagAt(word)
		_, value, cut := strings.Cut(word, "=")
		if f == nil || whole && !cut {
			continue
		}
		if !cut && i+1 < len(words) {
			value = words[i+1]
		}
		_ = f.Value.Set(value) // a wrong one is refused when the command runs
	}
	if dir, err := in.profileDir(); err != nil || !isDir(dir) {
		return nil // to look must not make it
	}
	d, err := in.deployment()
	if err != nil {
		return nil
	}
	switch name {
	case "user":
		for _, user := range knownUsers(d) {
			list = append(list, candidate{user, "of this profile"})
		}
	case "room":
		for _, room := range knownRooms(d, in.user) {
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
		short: "print what makes a shell complete sotto's words",
		help: `
Prints a script for a shell. With it, Tab completes commands, flags, and the users
and rooms that the profile knows; nothing is asked of the service.

Examples:
  source <(sotto completion bash)                               in ~/.bashrc
  source <(sotto completion zsh)                                in ~/.zshrc
  sotto completion fish > ~/.config/fish/completions/sotto.fish
  sotto completion powershell | Out-String | Invoke-Expression  in $PROFILE`,
		words: shells,
		alone: true,
		run: func(in *invocation, operands []string) error {
			if len(operands) == 0 {
				return usagef("for which shell? Add %s", strings.Join(shells, ", "))
			}
			if err := none(operands[1:]); err != nil {
				return err
			}
			script, ok := completionScripts[operands[0]]
			if !ok {
				return usagef("there is no completion for %q; it is for %s", operands[0], strings.Join(shells, ", "))
			}
			in.line(strings.TrimSuffix(fmt.Sprintf(script, completeWord), "\n"))
			return in.failed()
		},
	}
}
