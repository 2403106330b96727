package clienttest

import (
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// hint answers a presence request, or delivers a typing or mark frame to the
// other connections of the room.
func (s *Service) hint(c *conn, r *frame.Request) error {
	name := r.Room
	if !s.room(name).has(c.user, name) {
		return chat.NotAMember
	}
	var kind string
	var f any
	switch r.Action {
	case frame.ActionPresence:
		s.post(c, frame.TypePresence, frame.Presence{
			Type:  frame.TypePresence,
			Ref:   r.Ref,
			Room:  name,
			Users: s.present(name),
		})
		return nil
	case frame.ActionTyping:
		kind, f = frame.TypeTyping, frame.Typing{Type: frame.TypeTyping, Push: push(), Room: name, User: c.user}
	case frame.ActionMark:
		kind, f = frame.TypeMark, frame.Mark{
			Type:      frame.TypeMark,
			Push:      push(),
			Room:      name,
			User:      c.user,
			Delivered: r.Delivered,
			Read:      r.Read,
		}
	}
	for to := range s.conns {
		if to != c && to.user != "" && s.room(name).has(to.user, name) {
			s.post(to, kind, f)
		}
	}
	return nil
}

// present lists the users who are connected and in the room.
func (s *Service) present(name chat.Room) []chat.User {
	users := []chat.User{}
	for c := range s.conns {
		if c.user != "" && s.room(name).has(c.user, name) {
			users = append(users, c.user)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}
