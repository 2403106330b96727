package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

func sendCommand() *command {
	var timeout time.Duration
	return &command{
		name: "send",
		usage: []string{"--user NAME [--room ROOM] [--timeout 30s] [--json] TEXT",
			"--user NAME [--room ROOM] [--timeout 30s] [--json] -"},
		short: "send one message",
		help: `
Sends a text, or with - all of stdin, as one message. Exits with 0 only after the
service has stored it. Until then it retries, on a new connection if necessary; the
message is stored once. It fails at once if the service cannot be reached at the
start. --timeout counts from the end of stdin. With --json it prints the message.

Examples:
  sotto send --user ada "hello, everybody"
  git log -1 | sotto send --user ci --room builds -
  sotto send --user ada -- "--a text that begins like a flag"`,
		flags: func(in *commandLine) {
			withRoom(in)
			withJSON(in)
			withTimeout(in, &timeout, 30*time.Second)
		},
		run: func(in *commandLine, operands []string) error {
			room, err := parseRoom(in.room)
			if err != nil {
				return err
			}
			if timeout < 0 {
				return errNegative
			}
			text, err := in.textToSend(operands)
			switch {
			case errors.Is(err, context.Canceled):
				return errors.New("interrupted before stdin ended; nothing was sent")
			case err != nil:
				return err
			}
			ctx, cancel, err := limited(in.ctx, timeout)
			if err != nil {
				return err
			}
			defer cancel()
			m, err := in.send(ctx, room, text)
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("no ack within %v; the message may or may not be stored; check with: sotto listen --since 0, or send it again", timeout)
			}
			if err != nil && in.ctx.Err() != nil {
				return errors.New("interrupted before the ack; the message may or may not be stored")
			}
			if err != nil || !in.asJSON {
				return err
			}
			return in.messageJSON(m)
		},
	}
}

// timeLimit is the value of --timeout.
type timeLimit time.Duration

func (l *timeLimit) String() string { return time.Duration(*l).String() }

func (l *timeLimit) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return errors.New("want a time such as 30s")
	}
	*l = timeLimit(d)
	return nil
}

// withTimeout adds --timeout.
func withTimeout(in *commandLine, timeout *time.Duration, usual time.Duration) {
	*timeout = usual
	in.flags.Var((*timeLimit)(timeout), "timeout", "give up after this `TIME`; 0 means never")
}

// errNegative refuses a negative time limit.
var errNegative = usagef("--timeout cannot be negative")

// limited adds a time limit to ctx; 0 means none.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc, error) {
	switch {
	case limit < 0:
		return nil, nil, errNegative
	case limit == 0:
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	return ctx, cancel, nil
}

// textToSend returns the operand, or all of stdin if the operand is -. Error:
// context.Canceled if the user interrupts before the end of stdin.
func (in *commandLine) textToSend(operands []string) (string, error) {
	switch {
	case len(operands) == 0:
		return "", usagef("no text; add it in quotes, or - to read it from stdin")
	case len(operands) > 1:
		return "", none(operands[1:])
	}
	if _, err := in.userName(); err != nil { // before reading stdin
		return "", err
	}
	text := operands[0]
	if text == "-" {
		// Read one byte more than a message may have, to detect a longer text.
		data, err := readAll(in.ctx, io.LimitReader(in.stdin, chat.MaxBody+1))
		if err != nil {
			return "", fmt.Errorf("cannot read stdin: %w", err)
		}
		text = string(data)
	}
	switch {
	case len(text) > chat.MaxBody: // first, because the cut text may end inside a character
		return "", usagef("%s", describe(chat.BodyTooLarge))
	case strings.TrimSpace(text) == "":
		return "", usagef("the text is empty; there is nothing to send")
	case !utf8.ValidString(text):
		return "", usagef("the text is not UTF-8; convert it first")
	}
	return text, nil
}

// readAll is io.ReadAll that returns early when ctx ends. Its goroutine lasts
// until r ends, because reading a terminal cannot be interrupted.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(r)
		read <- result{data, err}
	}()
	select {
	case got := <-read:
		return got.data, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send joins the room if necessary and sends a text to it.
func (in *commandLine) send(ctx context.Context, room chat.Room, text string) (client.Message, error) {
	c, err := in.connect(ctx)
	if err != nil {
		return client.Message{}, err
	}
	defer c.Close()
	room, _, err = in.enter(ctx, c, string(room))
	if err != nil {
		return client.Message{}, err
	}
	ack, err := c.Send(ctx, room, text)
	if err != nil {
		return client.Message{}, err
	}
	return client.Message{
		Room:     ack.Room,
		Epoch:    ack.Epoch,
		Seq:      ack.Seq,
		ID:       ack.ID,
		From:     c.User(),
		Device:   c.Device(),
		StoredAt: ack.StoredAt,
		Body:     text,
	}, nil
}
