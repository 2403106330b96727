package chat

import (
	"regexp"
	"strings"
)

// Room names a group chat in frames, rows and logs. The id of an open room is
// its name, since that is public; the id of a closed room is random and tells
// nothing about the room.
type Room string

// Lobby is the open room that always exists and that every user is a member of.
const Lobby Room = "lobby"

// closedPrefix begins the id of every closed room. No name begins with it.
const closedPrefix = "~"

// closedPattern matches closedPrefix and 128 bits in canonical base64url: the
// last of the 22 characters has four bits of padding.
var closedPattern = regexp.MustCompile(`^~[A-Za-z0-9_-]{21}[AQgw]$`)

// NewClosedRoom returns a fresh random id of a closed room.
func NewClosedRoom() Room { return Room(closedPrefix + randomID(16)) }

// IsClosed reports whether r is the id of a closed room, of which only invited
// users are members.
func (r Room) IsClosed() bool { return strings.HasPrefix(string(r), closedPrefix) }

// Check reports whether r has the form of a room's id: the name of an open room
// (2 to 32 characters) or the id of a closed room (protocol §1). Error:
// RoomInvalid.
func (r Room) Check() error {
	if r.IsClosed() && closedPattern.MatchString(string(r)) {
		return nil
	}
	return RoomName(r).Check()
}

// CheckNew reports whether an open room may be created under the id r: it has
// the form of a name and is not reserved. Error: RoomInvalid.
func (r Room) CheckNew() error {
	if reserved[string(r)] {
		return RoomInvalid
	}
	return RoomName(r).Check()
}

// ParseRoom returns s as a room's id. Error: RoomInvalid, as of Room.Check.
func ParseRoom(s string) (Room, error) {
	if err := Room(s).Check(); err != nil {
		return "", err
	}
	return Room(s), nil
}

// RoomName is the name under which people know a room. Names of closed rooms
// need not be unique.
type RoomName string

// Check reports whether n has the form of a room's name: 2 to 32 characters, as
// a user's (protocol §1). Error: RoomInvalid.
func (n RoomName) Check() error {
	if !namePattern.MatchString(string(n)) {
		return RoomInvalid
	}
	return nil
}

// Role is what a member of a closed room may do.
type Role string

// The roles, from the most to the least powerful.
const (
	// RoleOwner may do everything. A room always has an owner.
	RoleOwner Role = "owner"
	// RoleModerator may invite users, and remove members who are neither owners
	// nor moderators.
	RoleModerator Role = "moderator"
	// RoleMember may read, write and leave.
	RoleMember Role = "member"
)

// Check reports whether r is one of the roles. Error: BadEnvelope, since a role
// occurs only within a signed operation.
func (r Role) Check() error {
	switch r {
	case RoleOwner, RoleModerator, RoleMember:
		return nil
	}
	return BadEnvelope
}

// HistoryRule says what of a closed room's log a new member may read.
type HistoryRule string

// The rules for history.
const (
	HistoryFromJoin HistoryRule = "joined" // what is sent from the accepted invitation on
	HistoryAll      HistoryRule = "all"    // everything that is retained
)

// Check reports whether h is one of the rules. Error: BadEnvelope.
func (h HistoryRule) Check() error {
	switch h {
	case HistoryFromJoin, HistoryAll:
		return nil
	}
	return BadEnvelope
}
