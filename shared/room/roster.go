package room

import (
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
)

// roster is a closed room's members and open invitations.
type roster struct {
	members []Member
	invited []Invitation
}

// member returns the membership of a user, nil if there is none.
func (r roster) member(user chat.User) *Member {
	i := slices.IndexFunc(r.members, func(m Member) bool { return m.User == user })
	if i < 0 {
		return nil
	}
	return &r.members[i]
}

func (r roster) isInvited(user chat.User) bool {
	return slices.ContainsFunc(r.invited, func(i Invitation) bool { return i.User == user })
}

// isLastOwner reports whether m is the only owner.
func (r roster) isLastOwner(m *Member) bool {
	return m.Role == chat.RoleOwner && !slices.ContainsFunc(r.members, func(other Member) bool {
		return other.Role == chat.RoleOwner && other.User != m.User
	})
}

// takeBack permits that an invitation ends. Errors: chat.NotAllowed,
// chat.RoomInvalid if there is no such invitation.
func (r roster) takeBack(actor *Member, user chat.User) (*Change, error) {
	if actor.Role == chat.RoleMember {
		return nil, chat.NotAllowed
	}
	if !r.isInvited(user) {
		return nil, chat.RoomInvalid
	}
	return &Change{Uninvite: user}, nil
}

// remove permits that a member is removed. Owners may remove every other
// member, moderators only those without a higher role. Errors: chat.NotAllowed,
// chat.RoomInvalid for oneself and for a user who is not a member.
func (r roster) remove(actor *Member, user chat.User) (*Change, error) {
	target := r.member(user)
	switch {
	case actor.Role == chat.RoleMember:
		return nil, chat.NotAllowed
	case target == nil || user == actor.User:
		return nil, chat.RoomInvalid
	case actor.Role == chat.RoleModerator && target.Role != chat.RoleMember:
		return nil, chat.NotAllowed
	}
	return &Change{Remove: user}, nil
}

// setRole permits another role of a member. Only owners give roles, and the
// last owner keeps that role. Errors: chat.NotAllowed, chat.RoomInvalid for a
// user who is not a member.
func (r roster) setRole(actor *Member, user chat.User, role chat.Role) (*Change, error) {
	target := r.member(user)
	switch {
	case actor.Role != chat.RoleOwner:
		return nil, chat.NotAllowed
	case target == nil:
		return nil, chat.RoomInvalid
	case role != chat.RoleOwner && r.isLastOwner(target):
		return nil, chat.NotAllowed
	}
	changed := *target
	changed.Role = role
	return &Change{Set: &changed}, nil
}
