package main

import (
	"os"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/clients/sotto/terminal"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// appearance holds the flags of `sotto chat` for its display.
type appearance struct{ plain, noColour, mouse bool }

func (a *appearance) flags(in *commandLine) {
	in.flags.BoolVar(&a.plain, "plain", false, "lines instead of a screen, as without a terminal")
	in.flags.BoolVar(&a.noColour, "no-color", false, "no colours, as with NO_COLOR in the environment")
	in.flags.BoolVar(&a.mouse, "mouse", false, "use the mouse; hold Shift to select text")
}

// hasScreen reports whether the full-screen interface can be used: stdin and
// stdout are a terminal that can move its cursor.
func (in *commandLine) hasScreen(a appearance) bool {
	return !a.plain && in.terminal && isTerminal(in.stdin) && os.Getenv("TERM") != "dumb"
}

// screen runs a conversation in the full-screen interface.
func (in *commandLine) screen(room chat.Room, a appearance) error {
	user, err := in.userName()
	if err != nil {
		return err
	}
	deployment, err := in.deployment()
	if err != nil {
		return err
	}
	greet := ""
	if in.isFirst() {
		greet = greeting
	}
	return terminal.Run(in.ctx, terminal.Options{
		Open: func(notify func(client.Notice)) (*client.Client, error) {
			in.notify = notify
			return in.connect(in.ctx)
		},
		Room:     room,
		Address:  deployment.Address(),
		Describe: describe,
		Greeting: greet,
		Places:   readPlaces(deployment, user),
		Marks:    readMarks(deployment, user),
		Keep: func(marks []terminal.Marks) {
			_ = writeJSON(deployment, user, marksFile, marks) // best effort; others repeat their marks
		},
		Read: func(p terminal.Place) {
			places := readPlaces(deployment, user)
			i := slices.IndexFunc(places, func(old terminal.Place) bool { return old.Room == p.Room })
			if i < 0 {
				places = append(places, p)
			} else if places[i].Epoch == p.Epoch && places[i].Seq >= p.Seq {
				return // a later command was faster
			} else {
				places[i] = p
			}
			slices.SortFunc(places, func(a, b terminal.Place) int {
				return strings.Compare(string(a.Room), string(b.Room))
			})
			_ = writePlaces(deployment, user, places) // best effort; only unread counts depend on it
		},
		Colours: !a.noColour && os.Getenv("NO_COLOR") == "",
		Mouse:   a.mouse,
		Input:   in.stdin,
		Output:  os.Stdout,
	})
}
