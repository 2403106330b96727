package main

import (
	"context"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

func joinCommand() *command {
	return &command{
		name:  "join",
		usage: []string{"--user NAME ROOM"},
		short: "join a room, or create it",
		rooms: true,
		help: `
Makes you a member of a room, and creates the room if there is none. All rooms are
open: everyone who joins can read all stored messages.

Example:
  sotto join --user ada kitchen`,
		run: func(in *commandLine, operands []string) error {
			return in.withRoomOperand(operands, func(c *client.Client, room chat.Room) error {
				_, err := c.Join(in.ctx, room)
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
Ends your membership of a room. The lobby cannot be left.

Example:
  sotto leave --user ada kitchen`,
		run: func(in *commandLine, operands []string) error {
			return in.withRoomOperand(operands, func(c *client.Client, room chat.Room) error {
				return c.Leave(in.ctx, room)
			})
		},
	}
}

func roomsCommand() *command {
	return &command{
		name:  "rooms",
		usage: []string{"--user NAME"},
		short: "list your rooms",
		help: `
Prints the rooms that you are in, one per line.

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
			rooms, err := c.Rooms(in.ctx)
			if err != nil {
				return err
			}
			for _, state := range rooms {
				in.line(string(state.Room))
			}
			return in.failed()
		},
	}
}

// withRoomOperand connects and calls do with the room that the operand names.
func (in *commandLine) withRoomOperand(operands []string, do func(*client.Client, chat.Room) error) error {
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
	if err := do(c, room); err != nil {
		return err
	}
	in.saveRooms(c)
	return nil
}

// enter joins a room unless the user is in it, and returns its head.
func enter(ctx context.Context, c *client.Client, room chat.Room) (head chat.Seq, err error) {
	rooms, err := c.Rooms(ctx)
	if err != nil {
		return 0, err
	}
	for _, state := range rooms {
		if state.Room == room {
			return state.Head, nil
		}
	}
	state, err := c.Join(ctx, room)
	return state.Head, err
}
