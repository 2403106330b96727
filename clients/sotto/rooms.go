package main

import (
	"context"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

func joinCommand() *command {
	return &command{
		name:  "join",
		usage: []string{"--user NAME ROOM"},
		short: "join a room, or create it",
		rooms: true,
		help: `
Makes you a member of a room, and creates the room if there is none. All rooms are
open: everyone who joins can read all stored messages. The service does not say
whether it created the room; if nobody has written in it yet, a line on stderr says
that it may be new.

Example:
  sotto join --user ada kitchen`,
		run: func(in *commandLine, operands []string) error {
			return in.withRoomOperand(operands, func(c *client.Client, room chat.Room) error {
				state, err := c.Join(in.ctx, room)
				if err == nil {
					in.notice("%s", joined(state))
				}
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

// joined says that the user is in a room now. The protocol does not say whether
// the room is new, only that it is empty.
func joined(state frame.RoomState) string {
	if state.Head == 0 {
		return fmt.Sprintf("you joined %s; nobody has written in it yet, so it may be new", state.Room)
	}
	return fmt.Sprintf("you joined %s", state.Room)
}

// enter joins a room unless the user is in it, says so, and returns its head.
func (in *commandLine) enter(ctx context.Context, c *client.Client, room chat.Room) (head chat.Seq, err error) {
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
	if err == nil {
		in.notice("%s", joined(state))
	}
	return state.Head, err
}
