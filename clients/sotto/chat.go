package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// recent is how many old messages a conversation shows first.
const recent = 10

const chatHelp = `/join ROOM enters a room, /create NAME creates one, /invite USER invites to it, /leave leaves it, /rooms lists your rooms, /quit ends; //text sends /text; sotto room --help lists more commands, which begin with / here`

func chatCommand() *command {
	var a appearance
	return &command{
		name:  "chat",
		usage: []string{"--user NAME [--room ROOM] [--plain] [--no-color] [--mouse]"},
		short: "talk in a room",
		help: `
On a terminal it uses the whole screen: your rooms, the messages with their history,
who is here and who is typing. F1 lists the keys. With --plain, or if stdin or stdout
is not a terminal or TERM is dumb, it prints the last messages of a room and all new
ones, and sends each line that you type. Ctrl-C, Ctrl-D or /quit ends it.

` + chatHelp + `.

Examples:
  sotto chat --user ada
  sotto chat --user bob --room kitchen
  NO_COLOR=1 sotto chat --user ada --mouse
  echo "deployed" | sotto chat --user ci --room builds`,
		flags: func(in *commandLine) {
			withRoom(in)
			a.flags(in)
		},
		run: func(in *commandLine, operands []string) error {
			if err := none(operands); err != nil {
				return err
			}
			room, err := parseRoom(in.room)
			if err != nil {
				return err
			}
			talk := in.chat
			if in.hasScreen(a) {
				talk = func(room chat.Room) error { return in.screen(room, a) }
			}
			err = talk(room)
			if in.ctx.Err() != nil {
				return nil // Ctrl-C is a normal way to end it
			}
			return err
		},
	}
}

// greeting is shown when a user chats for the first time.
var greeting = strings.ReplaceAll(twoThings, "\n", " ")

// isFirst reports whether the user has never connected with this profile.
func (in *commandLine) isFirst() bool {
	user, err := in.userName()
	if err != nil {
		return false
	}
	deployment, err := in.deployment()
	return err == nil && readPlaces(deployment, user) == nil
}

// conversation is the state of `sotto chat` in line mode.
type conversation struct {
	*commandLine
	client  *client.Client
	room    chat.Room // lines are sent to it
	follows map[chat.Room]*follower
	sent    client.Ack // of the last text sent
}

// follower prints the messages of one room.
type follower struct {
	sub   *client.Subscription
	named string              // the room's name, or empty if it is not printed
	shown chan client.Message // the last message printed
	ended chan struct{}
}

// chat runs a conversation in line mode.
func (in *commandLine) chat(room chat.Room) error {
	first := in.isFirst()
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if first {
		in.notice("%s", greeting)
	}
	v := &conversation{commandLine: in, client: c, follows: map[chat.Room]*follower{}}
	if err := v.enter(string(room)); err != nil {
		return err
	}
	go v.watchInvitations()
	lines, failed := readLines(in.ctx, in.stdin)
	for {
		select {
		case line, more := <-lines:
			if !more {
				v.awaitSent()
				return <-failed
			}
			if quit, err := v.handle(line); quit || err != nil {
				v.awaitSent()
				return err
			}
		case <-c.Done():
			return c.Err()
		case <-in.ctx.Done():
			return in.ctx.Err()
		}
	}
}

// readLines returns channels with the lines of r and with the error that ended
// them, nil at the end of r. Its goroutine ends with r, or at the first line
// after ctx has ended.
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

// handle runs a command line or sends a text. An error of one line is printed
// and does not end the conversation.
func (v *conversation) handle(line string) (quit bool, err error) {
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
		if room, err = parseRoom(operand); err == nil {
			err = v.enter(string(room))
		}
	case word == "/leave":
		err = v.leave()
	case strings.HasPrefix(line, "//"):
		err = v.sendText(line[1:])
	case strings.HasPrefix(line, "/") && isRoomCommand(word):
		err = v.runRoomCommand(word, operand)
	case strings.HasPrefix(line, "/"):
		v.notice("unknown command %s; %s", word, chatHelp)
	case strings.TrimSpace(line) != "":
		err = v.sendText(line)
	}
	if err != nil && v.client.Err() == nil && v.ctx.Err() == nil && v.failed() == nil {
		v.notice("%s", describe(err))
		err = nil
	}
	return false, err
}

func (v *conversation) sendText(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("the text is not UTF-8; set the terminal to UTF-8")
	}
	ack, err := v.client.Send(v.ctx, v.room, text)
	if err == nil {
		v.sent = ack
	}
	return err
}

// awaitTimeout bounds awaitSent.
const awaitTimeout = 5 * time.Second

// awaitSent waits until the last text sent and all messages before it are
// printed, if its room is followed.
func (v *conversation) awaitSent() {
	f := v.follows[v.sent.Room]
	if f == nil {
		return
	}
	timeout := time.After(awaitTimeout)
	for {
		select {
		case m := <-f.shown:
			if m.Epoch != v.sent.Epoch || m.Seq >= v.sent.Seq {
				return
			}
		case <-f.ended:
			return
		case <-timeout:
			return
		}
	}
}

// enter makes a room the current one, joins it if it is open and follows it.
func (v *conversation) enter(name string) error {
	room, head, err := v.commandLine.enter(v.ctx, v.client, name)
	if err != nil {
		return err
	}
	v.room = room
	title := v.title(room)
	v.notice("you are %s in %s; /help lists the commands", v.client.User(), title)
	if v.follows[room] != nil {
		return nil
	}
	sub, err := v.client.Subscribe(room, max(head-recent, 0))
	if err != nil {
		return err
	}
	f := &follower{sub: sub, shown: make(chan client.Message, 1), ended: make(chan struct{})}
	v.follows[room] = f
	if len(v.follows) > 1 { // name the room once there are several
		f.named = title
	}
	go v.follow(f)
	return nil
}

// title returns a room's name, or its id if the name cannot be read.
func (v *conversation) title(room chat.Room) string {
	if names, err := v.client.RoomNames(v.ctx); err == nil && names[room] != "" {
		return string(names[room])
	}
	return string(room)
}

func isRoomCommand(word string) bool {
	_, found := roomcmd.Find(strings.TrimPrefix(word, "/"))
	return found
}

// runRoomCommand runs a command of roomcmd about the current room.
func (v *conversation) runRoomCommand(word, operand string) error {
	command, _ := roomcmd.Find(strings.TrimPrefix(word, "/"))
	result, err := command.Run(v.ctx, v.client, v.room, strings.Fields(operand))
	if err != nil {
		return err
	}
	for _, line := range result.Say {
		v.notice("%s", line)
	}
	if result.Open != "" {
		return v.enter(string(result.Open))
	}
	return nil
}

// watchInvitations prints invitations as they come, and rooms that the user was
// removed from.
func (v *conversation) watchInvitations() {
	events := v.client.Events()
	defer events.Close()
	for {
		e, err := events.Next(v.ctx)
		if err != nil {
			return
		}
		switch e.(type) {
		case client.Invited:
			list, err := v.client.ClosedRooms(v.ctx)
			if err != nil || len(list.Invitations) == 0 {
				continue
			}
			i := list.Invitations[0] // the newest
			v.notice("%s; /accept %s or /decline %s", roomcmd.Invitation(i), i.Name, i.Name)
		case client.Left:
			v.notice("you are a member of a closed room no longer; /rooms lists your rooms")
		}
	}
}

// follow prints a room's messages until the user leaves it.
func (v *conversation) follow(f *follower) {
	defer close(f.ended)
	for {
		m, err := f.sub.Next(v.ctx)
		if err == nil {
			err = v.message(m, f.named)
		}
		if err != nil {
			return // the cause is reported elsewhere
		}
		select { // keep only the newest
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
	v.awaitSent()
	if err := v.client.Leave(v.ctx, left); err != nil {
		return err
	}
	delete(v.follows, left)
	if left.IsClosed() {
		v.notice("you have left the room; an invitation brings you back")
	} else {
		v.notice("you have left %s; /join %s enters it again", left, left)
	}
	return v.enter(string(chat.Lobby))
}

func (v *conversation) listRooms() error {
	names, err := v.client.RoomNames(v.ctx)
	if err != nil {
		return err
	}
	for _, room := range slices.Sorted(maps.Keys(names)) {
		mark := " "
		if room == v.room {
			mark = "*"
		}
		line := fmt.Sprint(mark, " ", names[room])
		if room.IsClosed() {
			line += " " + string(room)
		}
		v.notice("%s", line)
	}
	return nil
}
