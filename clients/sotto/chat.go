package main

import (
	"bufio"
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

// recent is how many of the last messages a conversation begins with.
const recent = 10

const chatHelp = `/join ROOM enters a room, /leave the one you are in, /rooms lists yours, /quit ends; //text sends /text`

func chatCommand() *command {
	var look look
	return &command{
		name:  "chat",
		usage: []string{"--user NAME [--room ROOM] [--plain] [--no-color] [--mouse]"},
		short: "talk in a room",
		help: `
On a terminal it takes the whole screen: your rooms, the messages with their history,
who is here and who types. F1 lists the keys. With --plain, or where stdin or stdout
is no terminal or TERM is dumb, it shows the last messages of a room and what comes,
and sends each line you type. Ctrl-C, Ctrl-D or /quit ends it.

` + chatHelp + `.

Examples:
  sotto chat --user ada
  sotto chat --user bob --room kitchen
  NO_COLOR=1 sotto chat --user ada --mouse
  echo "deployed" | sotto chat --user ci --room builds`,
		flags: func(in *invocation) {
			withRoom(in)
			look.flags(in)
		},
		run: func(in *invocation, operands []string) error {
			if err := none(operands); err != nil {
				return err
			}
			room, err := inRoom(in.room)
			if err != nil {
				return err
			}
			talk := in.chat
			if in.hasScreen(look) {
				talk = func(room chat.Room) error { return in.screen(room, look) }
			}
			err = talk(room)
			if in.ctx.Err() != nil {
				return nil // Ctrl-C is one of the ways to end it
			}
			return err
		},
	}
}

// conversation is what `sotto chat` keeps while it runs.
type conversation struct {
	*invocation
	client  *client.Client
	room    chat.Room // where lines go
	follows map[chat.Room]*follower
	said    client.Ack // the last text sent
}

// follower prints the messages of one room.
type follower struct {
	sub   *client.Subscription
	named string              // the room's name, if it is to be printed
	shown chan client.Message // the last message printed
	ended chan struct{}
}

func (in *invocation) chat(room chat.Room) error {
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	v := &conversation{invocation: in, client: c, follows: map[chat.Room]*follower{}}
	if err := v.enter(room); err != nil {
		return err
	}
	lines, failed := readLines(in.ctx, in.stdin)
	for {
		select {
		case line, more := <-lines:
			if !more {
				v.await()
				return <-failed
			}
			if quit, err := v.heed(line); quit || err != nil {
				v.await()
				return err
			}
		case <-c.Done():
			return c.Err()
		case <-in.ctx.Done():
			return in.ctx.Err()
		}
	}
}

// readLines hands out the lines of r, and then why there are no more. Its
// goroutine ends with r, or with ctx at the next line.
func readLines(ctx context.Context, r io.Reader) (<-chan string, <-chan error) {
	lines, failed := make(chan string), make(chan error, 1)
	go func() {
		defer close(lines)
		buffered := bufio.NewReader(r)
		for {
			line, err := buffered.ReadString('\n')
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				select {
				case lines <- line:
				case <-ctx.Done():
				}
			}
			if err == io.EOF {
				err = nil
			} else if err == nil {
				continue
			}
			failed <- err
			return
		}
	}()
	return lines, failed
}

// heed does what a line asks for. What goes wrong with one line is said and
// ends nothing.
func (v *conversation) heed(line string) (quit bool, err error) {
	word, operand, _ := strings.Cut(line, " ")
	operand = strings.TrimSpace(operand)
	switch {
	case word == "/quit":
		return true, nil
	case word == "/help":
		v.notice("%s", chatHelp)
	case word == "/rooms":
		err = v.listRooms()
	case word == "/join":
		var room chat.Room
		if room, err = inRoom(operand); err == nil {
			err = v.enter(room)
		}
	case word == "/leave":
		err = v.leave()
	case strings.HasPrefix(line, "//"):
		err = v.say(line[1:])
	case strings.HasPrefix(line, "/"):
		v.notice("there is no %s; %s", word, chatHelp)
	case strings.TrimSpace(line) != "":
		err = v.say(line)
	}
	if err != nil && v.client.Err() == nil && v.ctx.Err() == nil && v.failed() == nil {
		v.notice("%s", describe(err))
		err = nil
	}
	return false, err
}

func (v *conversation) say(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("the text is not UTF-8; set the terminal to it")
	}
	ack, err := v.client.Send(v.ctx, v.room, text)
	if err == nil {
		v.said = ack
	}
	return err
}

// patience is how long a conversation waits for its last text before it moves
// on.
const patience = 5 * time.Second

// await lets the last text sent be shown, and with it what came before, while
// its room is still followed.
func (v *conversation) await() {
	f := v.follows[v.said.Room]
	if f == nil {
		return
	}
	enough := time.After(patience)
	for {
		select {
		case m := <-f.shown:
			if m.Epoch != v.said.Epoch || m.Seq >= v.said.Seq {
				return
			}
		case <-f.ended:
			return
		case <-enough:
			return
		}
	}
}

// enter makes a room the one where lines go, and follows it.
func (v *conversation) enter(room chat.Room) error {
	head, err := enter(v.ctx, v.client, room)
	if err != nil {
		return err
	}
	v.room = room
	v.notice("you are %s in %s; /help says what else there is", v.client.User(), room)
	if v.follows[room] != nil {
		return nil
	}
	sub, err := v.client.Subscribe(room, max(head-recent, 0))
	if err != nil {
		return err
	}
	f := &follower{sub: sub, shown: make(chan client.Message, 1), ended: make(chan struct{})}
	v.follows[room] = f
	if len(v.follows) > 1 { // rooms are told apart once there are several
		f.named = string(room)
	}
	go v.follow(f)
	return nil
}

// follow prints a room's messages until it is left.
func (v *conversation) follow(f *follower) {
	defer close(f.ended)
	for {
		m, err := f.sub.Next(v.ctx)
		if err == nil {
			err = v.message(m, f.named)
		}
		if err != nil {
			return // said by whoever ended it
		}
		select { // the newest takes the place of what nobody has asked for
		case <-f.shown:
		default:
		}
		f.shown <- m
	}
}

func (v *conversation) leave() error {
	left := v.room
	if left == chat.Lobby {
		return errors.New("the lobby cannot be left")
	}
	v.await()
	if err := v.client.Leave(v.ctx, left); err != nil {
		return err
	}
	delete(v.follows, left)
	v.notice("you have left %s", left)
	return v.enter(chat.Lobby)
}

func (v *conversation) listRooms() error {
	rooms, err := v.client.Rooms(v.ctx)
	if err != nil {
		return err
	}
	for _, state := range rooms {
		mark := " "
		if state.Room == v.room {
			mark = "*"
		}
		v.notice("%s", fmt.Sprint(mark, " ", state.Room))
	}
	return nil
}
