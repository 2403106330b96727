package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

func listenCommand() *command {
	var timeout time.Duration
	var count int
	since := client.NewOnly
	return &command{
		name:  "listen",
		usage: []string{"--user NAME [--room ROOM] [--since SEQ] [--count N] [--timeout 30s] [--json]"},
		short: "print messages as they come",
		help: `
Prints a room's messages in order, each once: new ones, or with --since those after
a seq (0 is the beginning). Prints the line "listening" to stderr when it is
subscribed; no later message is missed. Exits with 0 after --count messages, and
with 1 if --timeout expires first or the service cannot be reached at the start.
Without --count and --timeout it listens until Ctrl-C.

Scripts should use --json: without it, files and pipes get the texts unchanged, so a
text of several lines looks like several messages. With --json each line is an object
with room, seq, id, from, body and storedAt (Unix milliseconds), or with room, seq and
error for a message that cannot be opened.

Examples:
  sotto listen --user bob
  sotto listen --user bob --room builds --since 0 --count 1 --timeout 30s --json`,
		flags: func(in *commandLine) {
			withRoom(in)
			withJSON(in)
			withTimeout(in, &timeout, 0)
			in.flags.Func("count", "end after `N` messages; 0 means never", func(s string) (err error) {
				if count, err = strconv.Atoi(s); err != nil {
					return errors.New("want a number such as 10")
				}
				return nil
			})
			in.flags.Func("since", "start after this `SEQ` (default: new messages only)",
				func(s string) error {
					n, err := strconv.ParseInt(s, 10, 64)
					if err != nil || n < 0 {
						return errors.New("want a number from 0")
					}
					since = chat.Seq(n)
					return nil
				})
		},
		run: func(in *commandLine, operands []string) error {
			if err := none(operands); err != nil {
				return err
			}
			if count < 0 {
				return usagef("--count cannot be negative")
			}
			room, err := parseRoom(in.room)
			if err != nil {
				return err
			}
			ctx, cancel, err := limited(in.ctx, timeout)
			if err != nil {
				return err
			}
			defer cancel()
			seen, err := in.listen(ctx, room, since, count)
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s within %v; wait longer with --timeout", messages(seen), timeout)
			}
			if err != nil && in.ctx.Err() != nil && count == 0 {
				return nil // Ctrl-C is the normal end
			}
			if err != nil && in.ctx.Err() != nil {
				return fmt.Errorf("interrupted after %d of %s", seen, messages(count))
			}
			return err
		},
	}
}

// messages returns "1 message" and the like.
func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

// listen prints count messages, or without end if count is 0.
func (in *commandLine) listen(ctx context.Context, room chat.Room, since chat.Seq, count int) (seen int, err error) {
	c, err := in.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	room, _, err = in.enter(ctx, c, string(room))
	if err != nil {
		return 0, err
	}
	sub, err := c.Subscribe(room, since)
	if err != nil {
		return 0, err
	}
	in.signal("listening")
	show := func(m client.Message) error { return in.message(m, "") }
	if in.asJSON {
		show = in.messageJSON
	}
	for count == 0 || seen < count {
		m, err := sub.Next(ctx)
		if err != nil {
			return seen, err
		}
		if err := show(m); err != nil {
			return seen, err
		}
		seen++
	}
	return seen, nil
}
