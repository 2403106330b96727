// Package roomcmd runs the commands about rooms, which the command line and
// both conversations share, and words what happens in closed rooms.
package roomcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Result is what a command did.
type Result struct {
	Say  []string  // lines for the user
	Open chat.Room // the room to show now, if the command created or entered one
}

// Command is a command about rooms.
type Command struct {
	Name     string
	Operands string // after the room, for the help
	Does     string
	// InRoom means that the command is about a room that the user is in.
	InRoom bool
	run    func(ctx context.Context, c *client.Client, room chat.Room, operands []string) (Result, error)
}

// Commands returns the commands in the order of the help.
func Commands() []Command {
	return []Command{
		{
			Name:     "create",
			Operands: "NAME [open] [all-history]",
			Does:     "create a closed room, or an open one that anybody may join",
			run:      create,
		},
		{
			Name:     "invite",
			Operands: "USER",
			Does:     "invite a user to a closed room",
			InRoom:   true,
			run:      about("invited %s; the invitation is open for 14 days", (*client.Client).Invite),
		},
		{
			Name:     "uninvite",
			Operands: "USER",
			Does:     "take an invitation back",
			InRoom:   true,
			run:      about("the invitation of %s has ended", (*client.Client).Uninvite),
		},
		{Name: "invitations", Does: "list your invitations", run: invitations},
		{Name: "accept", Operands: "ROOM", Does: "accept an invitation", run: accept},
		{Name: "decline", Operands: "ROOM", Does: "decline an invitation", run: decline},
		{Name: "members", Does: "list the members of a closed room", InRoom: true, run: members},
		{
			Name:     "role",
			Operands: "USER owner|moderator|member",
			Does:     "give a member another role",
			InRoom:   true,
			run:      setRole,
		},
		{
			Name:     "remove",
			Operands: "USER",
			Does:     "remove a member, who can then read nothing new",
			InRoom:   true,
			run:      about("removed %s", (*client.Client).Remove),
		},
	}
}

// Find returns the command of a name.
func Find(name string) (Command, bool) {
	all := Commands()
	i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return all[i], true
}

// UsageError is a command with operands that it does not take.
type UsageError struct{ Command Command }

func (e *UsageError) Error() string {
	return fmt.Sprintf("%s needs: %s", e.Command.Name, e.Command.Operands)
}

// errOpenRoom refuses commands about members in open rooms.
var errOpenRoom = errors.New("this is an open room, which anybody may join; it has no members to manage")

// Run runs the command. room is the one that the user is in, for a command with
// InRoom. Errors: *UsageError, and those of the client.
func (c Command) Run(ctx context.Context, cl *client.Client, room chat.Room, operands []string) (Result, error) {
	if c.InRoom && !room.IsClosed() {
		return Result{}, errOpenRoom
	}
	result, err := c.run(ctx, cl, room, operands)
	if errors.Is(err, errOperands) {
		return Result{}, &UsageError{c}
	}
	return result, err
}

var errOperands = errors.New("wrong operands")

// about returns the function of a command that does something with one user.
func about(said string, do func(*client.Client, context.Context, chat.Room, chat.User) error) func(context.Context,
	*client.Client, chat.Room, []string) (Result, error) {
	return func(ctx context.Context, c *client.Client, room chat.Room, operands []string) (Result, error) {
		if len(operands) != 1 {
			return Result{}, errOperands
		}
		user, err := userFrom(operands[0])
		if err != nil {
			return Result{}, err
		}
		if err := do(c, ctx, room, user); err != nil {
			return Result{}, err
		}
		return Result{Say: []string{fmt.Sprintf(said, user)}}, nil
	}
}

// userFrom reads a user's name as people type it.
func userFrom(s string) (chat.User, error) {
	user, err := chat.ParseUser(strings.ToLower(strings.TrimPrefix(s, "@")))
	if err != nil {
		return "", fmt.Errorf("%q is not a valid user name", s)
	}
	return user, nil
}

func create(ctx context.Context, c *client.Client, _ chat.Room, operands []string) (Result, error) {
	if len(operands) == 0 {
		return Result{}, errOperands
	}
	name, open, history := strings.ToLower(strings.TrimPrefix(operands[0], "#")), false, chat.HistoryFromJoin
	for _, word := range operands[1:] {
		switch word {
		case "open":
			open = true
		case "all-history":
			history = chat.HistoryAll
		default:
			return Result{}, errOperands
		}
	}
	if open {
		if _, err := c.CreateRoom(ctx, chat.Room(name)); err != nil {
			return Result{}, err
		}
		return Result{Open: chat.Room(name), Say: []string{fmt.Sprintf(
			"created the open room %s; anybody who can reach the service may join and read it", name)}}, nil
	}
	room, err := c.CreateClosedRoom(ctx, chat.RoomName(name), history)
	if err != nil {
		return Result{}, err
	}
	return Result{Open: room, Say: []string{fmt.Sprintf(
		"created the closed room %s; invite people with: invite USER", name)}}, nil
}

func invitations(ctx context.Context, c *client.Client, _ chat.Room, operands []string) (Result, error) {
	if len(operands) != 0 {
		return Result{}, errOperands
	}
	list, err := c.ClosedRooms(ctx)
	if err != nil {
		return Result{}, err
	}
	if len(list.Invitations) == 0 {
		return Result{Say: []string{"there are no invitations"}}, nil
	}
	var result Result
	for _, i := range list.Invitations {
		result.Say = append(result.Say, Invitation(i))
	}
	return result, nil
}

// Invitation words an invitation.
func Invitation(i frame.Invitation) string {
	return fmt.Sprintf("%s invites you to the closed room %s (%s)", i.By, i.Name, i.Room)
}

// invited returns the invitation that a user means by a room's name or id.
func invited(ctx context.Context, c *client.Client, operands []string) (frame.Invitation, error) {
	if len(operands) != 1 {
		return frame.Invitation{}, errOperands
	}
	list, err := c.ClosedRooms(ctx)
	if err != nil {
		return frame.Invitation{}, err
	}
	meant := strings.TrimPrefix(operands[0], "#")
	var found []frame.Invitation
	for _, i := range list.Invitations {
		if string(i.Room) == meant || string(i.Name) == strings.ToLower(meant) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return frame.Invitation{}, fmt.Errorf("there is no invitation to %s", meant)
	case 1:
		return found[0], nil
	}
	return frame.Invitation{}, fmt.Errorf("there are %d invitations to rooms named %s; use the id, such as %s",
		len(found), meant, found[0].Room)
}

func accept(ctx context.Context, c *client.Client, _ chat.Room, operands []string) (Result, error) {
	i, err := invited(ctx, c, operands)
	if err != nil {
		return Result{}, err
	}
	if err := c.Accept(ctx, i.Room); err != nil {
		return Result{}, err
	}
	return Result{Open: i.Room, Say: []string{fmt.Sprintf("you joined %s", i.Name)}}, nil
}

func decline(ctx context.Context, c *client.Client, _ chat.Room, operands []string) (Result, error) {
	i, err := invited(ctx, c, operands)
	if err != nil {
		return Result{}, err
	}
	if err := c.Decline(ctx, i.Room); err != nil {
		return Result{}, err
	}
	return Result{Say: []string{fmt.Sprintf("declined the invitation to %s", i.Name)}}, nil
}

func members(ctx context.Context, c *client.Client, room chat.Room, operands []string) (Result, error) {
	if len(operands) != 0 {
		return Result{}, errOperands
	}
	info, err := c.RoomInfo(ctx, room)
	if err != nil {
		return Result{}, err
	}
	var result Result
	for _, m := range info.Members {
		result.Say = append(result.Say, fmt.Sprintf("%s %s", m.User, m.Role))
	}
	for _, user := range info.Invited {
		result.Say = append(result.Say, fmt.Sprintf("%s invited", user))
	}
	return result, nil
}

func setRole(ctx context.Context, c *client.Client, room chat.Room, operands []string) (Result, error) {
	if len(operands) != 2 || chat.Role(operands[1]).Check() != nil {
		return Result{}, errOperands
	}
	user, err := userFrom(operands[0])
	if err != nil {
		return Result{}, err
	}
	if err := c.SetRole(ctx, room, user, chat.Role(operands[1])); err != nil {
		return Result{}, err
	}
	return Result{Say: []string{fmt.Sprintf("%s is %s now", user, withArticle(operands[1]))}}, nil
}

func withArticle(role string) string {
	if role == string(chat.RoleOwner) {
		return "an owner"
	}
	return "a " + role
}

// Entry words an entry of a closed room's log that is an operation.
func Entry(by chat.User, o *device.Operation) string {
	switch o.Op {
	case frame.OpCreate:
		return fmt.Sprintf("%s created the room %s", by, o.Name)
	case frame.OpInvite:
		return fmt.Sprintf("%s invited %s", by, o.User)
	case frame.OpAccept:
		return fmt.Sprintf("%s joined", by)
	case frame.OpDecline:
		if o.User == "" {
			return fmt.Sprintf("%s declined the invitation", by)
		}
		return fmt.Sprintf("%s took back the invitation of %s", by, o.User)
	case frame.OpRemove:
		return fmt.Sprintf("%s removed %s", by, o.User)
	case frame.OpLeave:
		return fmt.Sprintf("%s left", by)
	case frame.OpRole:
		return fmt.Sprintf("%s made %s %s", by, o.User, withArticle(string(o.Role)))
	}
	return fmt.Sprintf("%s changed the room (%s)", by, o.Op)
}
