package main

import (
	"os"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/clients/sotto/terminal"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// look is how `sotto chat` shows itself.
type look struct{ plain, noColour, mouse bool }

func (l *look) flags(in *invocation) {
	in.flags.BoolVar(&l.plain, "plain", false, "lines instead of a screen, as without a terminal")
	in.flags.BoolVar(&l.noColour, "no-color", false, "no colours, as with NO_COLOR in the environment")
	in.flags.BoolVar(&l.mouse, "mouse", false, "wheel and clicks; text is then marked with Shift")
}

// hasScreen says whether there is something to draw on: a terminal on both
// sides that can move its cursor.
func (in *invocation) hasScreen(l look) bool {
	return !l.plain && in.terminal && isTerminal(in.stdin) && os.Getenv("TERM") != "dumb"
}

// screen holds the conversation on the whole terminal.
func (in *invocation) screen(room chat.Room, l look) error {
	user, err := in.asUser()
	if err != nil {
		return err
	}
	deployment, err := in.deployment()
	if err != nil {
		return err
	}
	return terminal.Run(in.ctx, terminal.Options{
		Open: func(notify func(client.Notice)) (*client.Client, error) {
			in.notify = notify
			return in.connect(in.ctx)
		},
		Room:     room,
		Address:  deployment.Address(),
		Describe: describe,
		Places:   readPlaces(deployment, user),
		Read: func(p terminal.Place) {
			places := readPlaces(deployment, user)
			i := slices.IndexFunc(places, func(old terminal.Place) bool { return old.Room == p.Room })
			if i < 0 {
				places = append(places, p)
			} else if places[i].Epoch == p.Epoch && places[i].Seq >= p.Seq {
				return // commands overtake each other
			} else {
				places[i] = p
			}
			slices.SortFunc(places, func(a, b terminal.Place) int {
				return strings.Compare(string(a.Room), string(b.Room))
			})
			_ = writePlaces(deployment, user, places) // the next start counts anew then
		},
		Colours: !l.noColour && os.Getenv("NO_COLOR") == "",
		Mouse:   l.mouse,
		Input:   in.stdin,
		Output:  os.Stdout,
	})
}
