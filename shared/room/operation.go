package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// readOperation checks the claims of an operation on a closed room and adds
// them to t.
func (s *Service) readOperation(t *token, conn *Connection, skid string, payload []byte) error {
	var claims frame.RoomClaims
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return chat.BadEnvelope
	}
	if claims.SID != conn.Session || claims.Sub != conn.User || claims.SKID != skid {
		return chat.SessionMismatch
	}
	if err := claims.Check(); err != nil {
		return err
	}
	if !claims.Fresh(s.now()) {
		return chat.NotFresh
	}
	t.room, t.id, t.operation = claims.Room, claims.ID, &claims
	return nil
}

// roomFor reads the room of a token. A closed room that does not exist is an
// empty one without members: the sender gets the same answer, after the same
// reads, as for a closed room of others.
func (s *Service) roomFor(ctx context.Context, t *token) (*Meta, error) {
	meta, err := s.loadRoom(ctx, t.room)
	if !errors.Is(err, chat.RoomInvalid) {
		return meta, err
	}
	if !t.room.IsClosed() {
		return nil, chat.NotAMember
	}
	meta = &Meta{Room: t.room}
	if t.operation != nil && t.operation.Op == frame.OpCreate {
		meta.Epoch = chat.NewEpoch()
	}
	return meta, nil
}

// checkSender checks what can be checked before the entry takes a turn of the
// room, so that a stranger takes none: the sender is a member or, where that is
// what the operation needs, invited. permit checks again and checks the rest.
// isStored means that the entry's id is in the log already. Errors:
// chat.NotAMember, chat.RoomInvalid, chat.RateLimited.
func (s *Service) checkSender(ctx context.Context, t *token, e *Entry) (isStored bool, err error) {
	if t.operation == nil {
		return false, s.checkMember(ctx, t.room, e.User)
	}
	meta, err := s.roomFor(ctx, t)
	if err != nil {
		return false, err
	}
	e.Epoch = meta.Epoch
	switch op := t.operation; {
	case op.Op == frame.OpCreate:
		if meta.DataKey != "" {
			err = chat.RoomInvalid // the room exists
		}
	case op.Op == frame.OpAccept, op.Op == frame.OpDecline && op.User == "":
		err = s.isInvited(ctx, e)
	default:
		err = s.checkMember(ctx, t.room, e.User)
	}
	if _, refused := errors.AsType[*chat.Error](err); refused {
		if stored, failed := s.isStored(ctx, e); stored || failed != nil {
			return stored, failed
		}
	}
	if err == nil && t.operation.Op == frame.OpInvite {
		err = s.chargeInvitation(ctx, e.User)
	}
	return false, err
}

// storedOperation returns the operation that is stored as an entry, nil if it
// is a text or has expired: what a repeat says does not count.
func (s *Service) storedOperation(ctx context.Context, e *Entry) (*frame.RoomClaims, error) {
	stored, err := s.store.Entry(ctx, e.Room, e.Epoch, e.Seq)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the stored entry: %w", err)
	}
	jws, err := s.openEntry(ctx, stored)
	if err != nil {
		return nil, err
	}
	signed, err := envelope.ParseSigned(jws, envelope.TypeRoom)
	if err != nil {
		return nil, nil // a text
	}
	key, err := envelope.VerifyKeyFromBytes(stored.SenderKey)
	if err != nil {
		return nil, fmt.Errorf("%w: the sender's key: %w", ErrDamaged, err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, fmt.Errorf("%w: the stored operation: %w", ErrDamaged, err)
	}
	var claims frame.RoomClaims
	if err := strict.UnmarshalClaims(payload, &claims); err != nil {
		return nil, fmt.Errorf("%w: the stored operation: %w", ErrDamaged, err)
	}
	return &claims, nil
}

// checkAgain checks the membership of a closed room once more, after the log's
// tail was read.
func (s *Service) checkAgain(ctx context.Context, e *Entry) error {
	if !e.Room.IsClosed() {
		return nil
	}
	return s.checkMember(ctx, e.Room, e.User)
}

// permit checks that the sender may append the token to the room, and returns
// what an operation changes. Errors: chat.NotAMember, also if the room does not
// exist; chat.NotAllowed, chat.RoomInvalid, chat.UserUnknown,
// chat.TooManyMembers, chat.TooManyRooms.
func (s *Service) permit(ctx context.Context, e *Entry, t *token, meta *Meta) (*Change, error) {
	if t.operation == nil {
		return nil, s.checkAgain(ctx, e)
	}
	switch t.operation.Op {
	case frame.OpCreate:
		return s.create(ctx, e, t.operation, meta)
	case frame.OpAccept:
		return s.accept(ctx, e, meta)
	case frame.OpDecline:
		if t.operation.User == "" {
			return s.decline(ctx, e)
		}
	}
	return s.administer(ctx, e, t.operation)
}

// administer permits the operations of members.
func (s *Service) administer(ctx context.Context, e *Entry, op *frame.RoomClaims) (*Change, error) {
	members, invited, err := s.store.MembersOf(ctx, e.Room)
	if err != nil {
		return nil, fmt.Errorf("list the members: %w", err)
	}
	r := roster{members: members, invited: invited}
	actor := r.member(e.User)
	if actor == nil {
		return nil, chat.NotAMember
	}
	switch op.Op {
	case frame.OpLeave:
		if r.isLastOwner(actor) && len(members) > 1 {
			return nil, chat.NotAllowed
		}
		return &Change{Remove: e.User}, nil
	case frame.OpInvite:
		return s.invite(ctx, r, actor, op.User)
	case frame.OpDecline:
		return r.takeBack(actor, op.User)
	case frame.OpRemove:
		return r.remove(actor, op.User)
	case frame.OpRole:
		return r.setRole(actor, op.User, op.Role)
	}
	return nil, chat.BadEnvelope
}

// create permits a new room with the user as its owner.
func (s *Service) create(ctx context.Context, e *Entry, op *frame.RoomClaims, meta *Meta) (*Change, error) {
	if meta.DataKey != "" {
		return nil, chat.RoomInvalid // the room exists
	}
	if err := s.hasSpace(ctx, e.User); err != nil {
		return nil, err
	}
	if err := s.sealSettings(ctx, meta, settings{Name: op.Name, History: op.History}); err != nil {
		return nil, err
	}
	return &Change{
		Create: meta,
		Add:    &Member{Room: e.Room, User: e.User, Role: chat.RoleOwner, From: e.Seq, Since: e.Seq},
	}, nil
}

// accept permits an invited user to become a member.
func (s *Service) accept(ctx context.Context, e *Entry, meta *Meta) (*Change, error) {
	if err := s.isInvited(ctx, e); err != nil {
		return nil, err
	}
	if err := s.mayStillInvite(ctx, e); err != nil {
		return nil, err
	}
	if err := s.hasSpace(ctx, e.User); err != nil {
		return nil, err
	}
	rules, err := s.openSettings(ctx, meta)
	if err != nil {
		return nil, err
	}
	m := &Member{Room: e.Room, User: e.User, Role: chat.RoleMember, From: e.Seq, Since: e.Seq}
	if rules.History == chat.HistoryAll {
		m.From = 1
	}
	return &Change{Add: m}, nil
}

// decline ends the invitation of the user.
func (s *Service) decline(ctx context.Context, e *Entry) (*Change, error) {
	if err := s.isInvited(ctx, e); err != nil {
		return nil, err
	}
	return &Change{Uninvite: e.User}, nil
}

// isInvited checks that there is an invitation of the entry's user. Error:
// chat.NotAMember.
func (s *Service) isInvited(ctx context.Context, e *Entry) error {
	_, err := s.store.Invitation(ctx, e.Room, e.User)
	if errors.Is(err, ErrNotFound) {
		return chat.NotAMember
	}
	if err != nil {
		return fmt.Errorf("read the invitation: %w", err)
	}
	return nil
}

// mayStillInvite checks that who invited the entry's user may do so now: the
// invitations of a moderator end with that role. Error: chat.NotAMember.
func (s *Service) mayStillInvite(ctx context.Context, e *Entry) error {
	invitation, err := s.store.Invitation(ctx, e.Room, e.User)
	if err == nil {
		var by *Member
		by, err = s.store.Member(ctx, e.Room, invitation.By)
		if err == nil && by.Role == chat.RoleMember {
			return chat.NotAMember
		}
	}
	if errors.Is(err, ErrNotFound) {
		return chat.NotAMember
	}
	if err != nil {
		return fmt.Errorf("read who invited: %w", err)
	}
	return nil
}

// hasSpace checks that the user may be in one more room. Concurrent operations
// may exceed chat.MaxRooms by their number: the bound limits the number of
// rows. Error: chat.TooManyRooms.
func (s *Service) hasSpace(ctx context.Context, user chat.User) error {
	rooms, err := s.roomsOf(ctx, user)
	if err != nil {
		return err
	}
	if len(rooms) >= chat.MaxRooms {
		return chat.TooManyRooms
	}
	return nil
}

// invite permits an invitation. A second one begins again.
func (s *Service) invite(ctx context.Context, r roster, actor *Member, user chat.User) (*Change, error) {
	if actor.Role == chat.RoleMember {
		return nil, chat.NotAllowed
	}
	if r.member(user) != nil {
		return nil, chat.RoomInvalid
	}
	if !r.isInvited(user) && len(r.members)+len(r.invited) >= chat.MaxMembers {
		return nil, chat.TooManyMembers
	}
	if _, err := s.store.Owner(ctx, user); errors.Is(err, ErrNotFound) {
		return nil, chat.UserUnknown
	} else if err != nil {
		return nil, fmt.Errorf("read the name: %w", err)
	}
	now := s.now()
	return &Change{Again: r.isInvited(user), Invite: &Invitation{
		Room:    actor.Room,
		User:    user,
		By:      actor.User,
		At:      now,
		Expires: now.Add(chat.InvitationLifetime),
	}}, nil
}

// follow does what follows from an operation that is stored: it subscribes and
// unsubscribes connections, and notifies users who do not get the entry. All of
// it may be repeated, so that the repeat of an operation completes a call that
// died.
func (s *Service) follow(ctx context.Context, conn *Connection, op *frame.RoomClaims, change *Change) error {
	switch op.Op {
	case frame.OpCreate, frame.OpAccept:
		return s.subscribeUser(ctx, conn, op.Room)
	case frame.OpInvite:
		if change == nil || change.Again {
			return nil // the user was notified
		}
		s.notify(ctx, op.User, frame.Invited{Type: frame.TypeInvited, Push: s.push(), Room: op.Room})
	case frame.OpLeave:
		return s.expel(ctx, conn.User, op.Room)
	case frame.OpRemove:
		return s.expel(ctx, op.User, op.Room)
	}
	return nil
}

// expel removes the listeners of a user who is a member no longer, and tells
// the user's connections. If the user has become a member again, the listeners
// stay.
func (s *Service) expel(ctx context.Context, user chat.User, room chat.Room) error {
	if err := s.checkMember(ctx, room, user); err == nil || !errors.Is(err, chat.NotAMember) {
		return err
	}
	if err := s.unsubscribeUser(ctx, room, user); err != nil {
		return err
	}
	if err := s.checkMember(ctx, room, user); err == nil {
		return s.subscribeUser(ctx, &Connection{User: user}, room) // a member again
	} else if !errors.Is(err, chat.NotAMember) {
		return err
	}
	s.notify(ctx, user, frame.Removed{Type: frame.TypeRemoved, Push: s.push(), Room: room})
	return nil
}

// notify posts a frame to all connections of a user. It is best effort: clients
// ask for their rooms after each handshake.
func (s *Service) notify(ctx context.Context, user chat.User, notice any) {
	connections, err := s.store.ConnectionsOf(ctx, user)
	if err != nil {
		s.log.WarnContext(ctx, "failed to notify a user", "err", err)
		return
	}
	data, err := strict.Marshal(notice)
	if err != nil {
		s.log.ErrorContext(ctx, "failed to encode a notice", "err", err)
		return
	}
	s.post.PostAll(ctx, len(connections),
		func(i int) chat.Connection { return connections[i].ID },
		func(i int) ([]byte, error) {
			c := &connections[i]
			return s.keys.AuthenticateFrame(ctx, c.ToClient, place(c.ID, user, c.Device), data)
		},
		func(i int, err error) {
			if err != nil && !errors.Is(err, ErrGone) {
				s.log.WarnContext(ctx, "failed to notify a connection", "err", err, "connection", connections[i].ID)
			}
		})
}
