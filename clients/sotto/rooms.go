package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

func joinCommand() *command {
	return &command{
		name:  "join",
		usage: []string{"--user NAME ROOM"},
		short: "join an open room",
		rooms: true,
		help: `
Makes you a member of an open room. Everybody who can reach the service may join an
open room and read all of its stored messages. To create a room, or to enter a closed
one, see: sotto room --help

Example:
  sotto join --user ada kitchen`,
		run: func(in *commandLine, operands []string) error {
			return in.withRoomOperand(operands, func(c *client.Client, name string) error {
				_, _, err := in.enter(in.ctx, c, name)
				return err
			})
		},
	}
}

func leaveCommand() *command {
	return &command{
		name:  "leave",
		usage: []string{"--user NAME ROOM"},
		short: "leave a room",
		rooms: true,
		help: `
Ends your membership of a room. The lobby cannot be left, nor a closed room by its
last owner while it has other members: make one of them an owner first.

Example:
  sotto leave --user ada kitchen`,
		run: func(in *commandLine, operands []string) error {
			return in.withRoomOperand(operands, func(c *client.Client, name string) error {
				room, err := c.FindRoom(in.ctx, name)
				if err != nil {
					return err
				}
				return c.Leave(in.ctx, room)
			})
		},
	}
}

func roomsCommand() *command {
	return &command{
		name:  "rooms",
		usage: []string{"--user NAME [--json]"},
		short: "list your rooms",
		flags: withJSON,
		help: `
Prints the rooms that you are in, one per line. A closed room has its id behind its
name. With --json each line is an object with room (the id), name and closed.

Example:
  sotto rooms --user ada`,
		run: func(in *commandLine, operands []string) error {
			if err := none(operands); err != nil {
				return err
			}
			c, err := in.connect(in.ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			return in.listRooms(c)
		},
	}
}

// roomJSON is a room with --json.
type roomJSON struct {
	Room   chat.Room     `json:"room"`
	Name   chat.RoomName `json:"name"`
	Closed bool          `json:"closed"`
}

// listRooms prints the user's rooms, sorted by name.
func (in *commandLine) listRooms(c *client.Client) error {
	names, err := c.RoomNames(in.ctx)
	if err != nil {
		return err
	}
	rooms := slices.SortedFunc(maps.Keys(names), func(a, b chat.Room) int {
		return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b))
	})
	for _, room := range rooms {
		switch {
		case in.asJSON:
			if err := in.json(roomJSON{room, names[room], room.IsClosed()}); err != nil {
				return err
			}
		case room.IsClosed():
			in.line(fmt.Sprintf("%s %s", names[room], room))
		default:
			in.line(string(room))
		}
	}
	return in.failed()
}

// withRoomOperand connects and calls do with the room that the operand names.
func (in *commandLine) withRoomOperand(operands []string, do func(c *client.Client, name string) error) error {
	if len(operands) == 0 {
		return usagef("no room; add its name")
	}
	if err := none(operands[1:]); err != nil {
		return err
	}
	room, err := parseRoom(operands[0])
	if err != nil {
		return err
	}
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := do(c, string(room)); err != nil {
		return err
	}
	in.saveRooms(c)
	return nil
}

// enter finds the room that the user means by a name, joins it if it is open
// and the user is not in it, and returns it with its head.
func (in *commandLine) enter(ctx context.Context, c *client.Client, name string) (room chat.Room, head chat.Seq,
	err error) {
	room, err = c.FindRoom(ctx, name)
	if err != nil {
		return "", 0, err
	}
	rooms, err := c.Rooms(ctx)
	if err != nil {
		return "", 0, err
	}
	for _, state := range rooms {
		if state.Room == room {
			return room, state.Head, nil
		}
	}
	if room.IsClosed() {
		return "", 0, chat.NotAMember
	}
	state, err := c.Join(ctx, room)
	if errors.Is(err, chat.RoomInvalid) {
		return "", 0, fmt.Errorf("there is no open room %s; create it with: sotto room create %s open --user %s",
			room, room, c.User())
	}
	if err != nil {
		return "", 0, err
	}
	in.notice("you joined %s", room)
	return room, state.Head, nil
}

func roomCommand() *command {
	var help strings.Builder
	help.WriteString(`
Creates rooms and manages closed ones. Only members read a closed room, and only
invited users become members; the service keeps the text of its messages and its name
encrypted, and tells nobody else that it exists. A new member reads what is sent after
joining, unless the room was created with "all-history". Members see who invited,
removed or promoted whom. Roles: an owner may do everything; a moderator invites, and
removes members who have no role; the last owner stays.

`)
	usage := make([]string, 0, len(roomcmd.Commands()))
	words := make([]string, 0, len(roomcmd.Commands()))
	for _, c := range roomcmd.Commands() {
		form := c.Name
		if c.InRoom {
			form += " ROOM"
		}
		if c.Operands != "" {
			form += " " + c.Operands
		}
		usage = append(usage, form+" --user NAME")
		words = append(words, c.Name)
		fmt.Fprintf(&help, "  %-12s %s\n", c.Name, c.Does)
	}
	help.WriteString(`
Examples:
  sotto room create den --user ada
  sotto room invite den bob --user ada
  sotto room accept den --user bob`)
	return &command{
		name:  "room",
		usage: usage,
		short: "create rooms, invite people, manage members",
		words: words,
		help:  help.String(),
		run:   (*commandLine).runRoom,
	}
}

// runRoom runs a command of roomcmd.
func (in *commandLine) runRoom(operands []string) error {
	if len(operands) == 0 {
		return usagef("no command; run: sotto room --help")
	}
	command, found := roomcmd.Find(operands[0])
	if !found {
		return usagef("unknown command %q; run: sotto room --help", operands[0])
	}
	operands = operands[1:]
	var name chat.Room
	if command.InRoom {
		if len(operands) == 0 {
			return usagef("no room; add its name")
		}
		var err error
		if name, err = parseRoom(operands[0]); err != nil {
			return err
		}
		operands = operands[1:]
	}
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var room chat.Room
	if command.InRoom {
		if room, err = c.FindRoom(in.ctx, string(name)); err != nil {
			return err
		}
	}
	result, err := command.Run(in.ctx, c, room, operands)
	if wrong, ok := errors.AsType[*roomcmd.UsageError](err); ok {
		return usagef("%v; run: sotto room --help", wrong)
	}
	if err != nil {
		return err
	}
	for _, line := range result.Say {
		in.line(line)
	}
	in.saveRooms(c)
	return in.failed()
}
