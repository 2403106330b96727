package frame

import (
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Op names an operation on a closed room (protocol §13).
type Op string

// The operations. Each becomes an entry of the room's log, signed by the user
// who made it, so that every member sees who could read when.
const (
	OpCreate  Op = "create"  // makes the room; its maker is the owner
	OpInvite  Op = "invite"  // invites User
	OpAccept  Op = "accept"  // the invited user joins
	OpDecline Op = "decline" // the invited user does not, or a moderator takes the invitation of User back
	OpRemove  Op = "remove"  // removes User
	OpLeave   Op = "leave"   // the user leaves
	OpRole    Op = "role"    // gives User the role Role
)

// RoomClaims are the claims of a `sotto-room+jwt`, an operation on a closed
// room. Which of the last members must be present depends on Op; the others
// must be absent.
type RoomClaims struct {
	V    int            `json:"v"`
	SID  chat.Session   `json:"sid"`
	Sub  chat.User      `json:"sub"`
	SKID string         `json:"skid"` // thumbprint of the server key it is sealed to
	Room chat.Room      `json:"room"` // at create: a fresh random id, chosen by the client
	ID   chat.MessageID `json:"id"`
	At   int64          `json:"at"` // Unix ms, within chat.OperationSkew of the service's time
	Op   Op             `json:"op"`

	Name    chat.RoomName    `json:"name,omitzero"`    // create
	History chat.HistoryRule `json:"history,omitzero"` // create
	User    chat.User        `json:"user,omitzero"`    // invite, remove, role; decline by a moderator
	Role    chat.Role        `json:"role,omitzero"`    // role
}

// Check checks the form of the claims. Errors: chat.BadEnvelope,
// chat.RoomInvalid, also for the id of an open room; chat.NameInvalid.
func (c *RoomClaims) Check() error {
	if c.V != Version || c.SID == "" || c.Sub == "" || !chat.IsThumbprint(c.SKID) || c.At <= 0 {
		return chat.BadEnvelope
	}
	if err := c.ID.Check(); err != nil {
		return err
	}
	if !c.Room.IsClosed() {
		return chat.RoomInvalid
	}
	if err := c.Room.Check(); err != nil {
		return err
	}
	return c.checkMembers()
}

// checkMembers checks that the members that Op uses are there, and no others.
func (c *RoomClaims) checkMembers() error {
	named, ruled, aimed, ranked := c.Name != "", c.History != "", c.User != "", c.Role != ""
	var fits bool
	switch c.Op {
	case OpCreate:
		fits = named && ruled && !aimed && !ranked
	case OpInvite, OpRemove:
		fits = !named && !ruled && aimed && !ranked
	case OpDecline:
		fits = !named && !ruled && !ranked
	case OpAccept, OpLeave:
		fits = !named && !ruled && !aimed && !ranked
	case OpRole:
		fits = !named && !ruled && aimed && ranked
	}
	if !fits {
		return chat.BadEnvelope
	}
	if named {
		if err := c.Name.Check(); err != nil {
			return err
		}
		if err := c.History.Check(); err != nil {
			return err
		}
	}
	if ranked {
		if err := c.Role.Check(); err != nil {
			return err
		}
	}
	if aimed {
		return c.User.Check()
	}
	return nil
}

// Fresh reports whether the operation was signed within chat.OperationSkew of
// now.
func (c *RoomClaims) Fresh(now time.Time) bool {
	return now.Sub(time.UnixMilli(c.At)).Abs() <= chat.OperationSkew
}
