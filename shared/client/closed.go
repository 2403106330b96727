package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// CreateRoom creates an open room, of which anybody can become a member, and
// makes the user a member. Errors: chat.RoomTaken; chat.RoomInvalid for a
// reserved name; chat.TooManyRooms.
func (c *Client) CreateRoom(ctx context.Context, room chat.Room) (frame.RoomState, error) {
	if err := room.CheckNew(); err != nil {
		return frame.RoomState{}, err
	}
	var f frame.Created
	_, err := c.call(ctx, frame.TypeCreated, &f, func(*session) (frame.Request, error) {
		return frame.Request{Action: frame.ActionCreateRoom, Room: room}, nil
	})
	if err != nil {
		return frame.RoomState{}, err
	}
	return c.Join(ctx, room)
}

// CreateClosedRoom creates a closed room, with the user as its owner. Only
// invited users become members, and only members can read it. Its name need not
// be unique. Errors: chat.RoomInvalid for a name that is not valid;
// chat.TooManyRooms.
func (c *Client) CreateClosedRoom(ctx context.Context, name chat.RoomName, history chat.HistoryRule) (chat.Room,
	error) {
	if err := name.Check(); err != nil {
		return "", err
	}
	room := chat.NewClosedRoom()
	ack, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpCreate, Room: room, Name: name, History: history})
	if err != nil {
		return "", err
	}
	c.entered(frame.RoomState{Room: room, Epoch: ack.Epoch, Head: ack.Seq, Floor: 1})
	return room, nil
}

// Invite invites a user to a closed room. A second invitation begins again.
// Errors: chat.NotAllowed, chat.UserUnknown, chat.TooManyMembers;
// chat.RoomInvalid if the user is a member.
func (c *Client) Invite(ctx context.Context, room chat.Room, user chat.User) error {
	_, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpInvite, Room: room, User: user})
	return err
}

// Uninvite takes an invitation back. Errors: chat.NotAllowed; chat.RoomInvalid
// if there is none.
func (c *Client) Uninvite(ctx context.Context, room chat.Room, user chat.User) error {
	_, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpDecline, Room: room, User: user})
	return err
}

// Accept makes the invited user a member of a closed room. Errors:
// chat.NotAMember if there is no invitation; chat.TooManyRooms.
func (c *Client) Accept(ctx context.Context, room chat.Room) error {
	ack, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpAccept, Room: room})
	if err != nil {
		return err
	}
	info, err := c.RoomInfo(ctx, room)
	if err != nil {
		return err
	}
	c.entered(frame.RoomState{Room: room, Epoch: ack.Epoch, Head: ack.Seq, Floor: info.From})
	return nil
}

// Decline ends the invitation of the user. Error: chat.NotAMember if there is
// none.
func (c *Client) Decline(ctx context.Context, room chat.Room) error {
	_, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpDecline, Room: room})
	return err
}

// Remove removes a member of a closed room, who can read nothing of it that is
// sent later. Errors: chat.NotAllowed; chat.RoomInvalid if the user is not
// another member.
func (c *Client) Remove(ctx context.Context, room chat.Room, user chat.User) error {
	_, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpRemove, Room: room, User: user})
	return err
}

// SetRole gives a member of a closed room another role. Errors:
// chat.NotAllowed, also if the room would be without an owner; chat.RoomInvalid
// if the user is not a member.
func (c *Client) SetRole(ctx context.Context, room chat.Room, user chat.User, role chat.Role) error {
	_, err := c.operate(ctx, frame.RoomClaims{Op: frame.OpRole, Room: room, User: user, Role: role})
	return err
}

// ClosedRooms lists the closed rooms that the user is in, and the invitations
// to the user.
func (c *Client) ClosedRooms(ctx context.Context) (*frame.RoomsPlain, error) {
	return c.askRooms(ctx, "")
}

// RoomInfo returns what the user knows about a closed room, its members and
// open invitations among that. Error: chat.NotAMember.
func (c *Client) RoomInfo(ctx context.Context, room chat.Room) (*frame.RoomInfo, error) {
	plain, err := c.askRooms(ctx, room)
	if err != nil {
		return nil, err
	}
	if len(plain.Rooms) != 1 || plain.Rooms[0].Room != room {
		return nil, wrap("read about the room", device.ErrProtocol)
	}
	return &plain.Rooms[0], nil
}

func (c *Client) askRooms(ctx context.Context, only chat.Room) (*frame.RoomsPlain, error) {
	var f frame.Rooms
	_, err := c.call(ctx, frame.TypeRooms, &f, func(*session) (frame.Request, error) {
		return frame.Request{Action: frame.ActionRooms, Room: only}, nil
	})
	if err != nil {
		return nil, err
	}
	return c.device.OpenRooms(f)
}

// operate sends an operation on a closed room until the service has stored it,
// as Send does with a text. It signs again for each session, since an operation
// must be fresh.
func (c *Client) operate(ctx context.Context, op frame.RoomClaims) (frame.Ack, error) {
	op.ID = device.NewMessageID()
	var f frame.Ack
	_, err := c.call(ctx, frame.TypeAck, &f, func(s *session) (frame.Request, error) {
		op.At = time.Now().UnixMilli()
		jwe, err := c.device.SealOperation(s.sid, s.keySet(), op)
		if err != nil {
			return frame.Request{}, wrap("seal the operation", err)
		}
		return frame.Request{Action: frame.ActionSendMessage, JWE: jwe}, nil
	})
	if err != nil {
		return frame.Ack{}, err
	}
	if f.ID != op.ID || f.Room != op.Room {
		return frame.Ack{}, wrap("read the ack", device.ErrProtocol)
	}
	return f, nil
}

// entered records that the user is a member of a room.
func (c *Client) entered(state frame.RoomState) {
	c.mu.Lock()
	c.rooms[state.Room] = state
	c.mu.Unlock()
	c.observe(state.Room, state.Epoch, state.Head, state.Floor)
}

// left records that the user is a member of a room no longer.
func (c *Client) left(room chat.Room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.rooms, room)
	for sub := range c.subs {
		if sub.room == room {
			sub.fail(chat.NotAMember)
		}
	}
}

// AmbiguousError means that a user is in several rooms of one name.
type AmbiguousError struct {
	Name  string
	Rooms []chat.Room
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("you are in %d rooms named %s; use the id, such as %s", len(e.Rooms), e.Name, e.Rooms[1])
}

// FindRoom returns the room that a user means by a name or an id: a room of
// that name that the user is in, or else the open room of that name, which may
// not exist. Errors: chat.RoomInvalid; *AmbiguousError.
func (c *Client) FindRoom(ctx context.Context, name string) (chat.Room, error) {
	room, err := chat.ParseRoom(name)
	if err != nil || room.IsClosed() {
		return room, err
	}
	var found []chat.Room
	names, err := c.RoomNames(ctx)
	if err != nil {
		return "", err
	}
	for id, n := range names {
		if n == chat.RoomName(room) {
			found = append(found, id)
		}
	}
	slices.Sort(found) // the ids of closed rooms sort last
	switch len(found) {
	case 0:
		return room, nil
	case 1:
		return found[0], nil
	}
	return "", &AmbiguousError{Name: name, Rooms: found}
}

// RoomNames returns the names of the rooms that the user is in.
func (c *Client) RoomNames(ctx context.Context) (map[chat.Room]chat.RoomName, error) {
	rooms, err := c.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[chat.Room]chat.RoomName, len(rooms))
	closed := false
	for _, state := range rooms {
		names[state.Room] = chat.RoomName(state.Room)
		closed = closed || state.Room.IsClosed()
	}
	if !closed {
		return names, nil
	}
	list, err := c.ClosedRooms(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range list.Rooms {
		names[info.Room] = info.Name
	}
	return names, nil
}
