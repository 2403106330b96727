package table

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// Prefixes of keys (see the package comment).
const (
	memberItem  = "member#"
	invitedItem = "invited#"
	removedItem = "!removed#"
)

// closedKey returns the key of a row of memberships about a user of a closed
// room.
func closedKey(name chat.Room, kind string, user chat.User) item {
	return item{"user": str("room#" + name), "room": str(kind + string(user))}
}

// invitationKey returns the key of an invitation in the user's list.
func invitationKey(user chat.User, name chat.Room) item {
	return item{"user": str(invitedItem + user), "room": str(name)}
}

// removedKey returns the key of the mark that hides a removed user's listeners.
func removedKey(name chat.Room, user chat.User) item {
	return item{"of": ofRoom(name), "connection": str(removedItem + user)}
}

// Member implements room.Members.
func (s *Store) Member(ctx context.Context, name chat.Room, user chat.User) (*room.Member, error) {
	it, err := s.get(ctx, s.names.Memberships, closedKey(name, memberItem, user))
	if err != nil {
		return nil, err
	}
	m := readMember(it, name, user)
	return &m, nil
}

func readMember(it item, name chat.Room, user chat.User) room.Member {
	return room.Member{
		Room:  name,
		User:  user,
		Role:  text[chat.Role](it, "role"),
		From:  number[chat.Seq](it, "from"),
		Since: number[chat.Seq](it, "since"),
	}
}

// MembersOf implements room.Members.
func (s *Store) MembersOf(ctx context.Context, name chat.Room) (members []room.Member, invited []room.Invitation,
	err error) {
	now := s.now()
	err = s.query(ctx, s.membershipsOf(text[string](closedKey(name, "", ""), "user")), func(it item) bool {
		key := text[string](it, "room")
		if user, isMember := strings.CutPrefix(key, memberItem); isMember {
			members = append(members, readMember(it, name, chat.User(user)))
		} else if user, isInvited := strings.CutPrefix(key, invitedItem); isInvited && !expired(it, now) {
			invited = append(invited, *readInvitation(it, name, chat.User(user)))
		}
		return true
	})
	return members, invited, err
}

// membershipsOf returns the query for one partition of memberships.
func (s *Store) membershipsOf(partition string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:                 &s.names.Memberships,
		KeyConditionExpression:    aws.String("#user = :user"),
		ExpressionAttributeNames:  names("user"),
		ExpressionAttributeValues: item{":user": str(partition)},
	}
}

// Invitation implements room.Members.
func (s *Store) Invitation(ctx context.Context, name chat.Room, user chat.User) (*room.Invitation, error) {
	it, err := s.get(ctx, s.names.Memberships, closedKey(name, invitedItem, user))
	if err != nil {
		return nil, err
	}
	if expired(it, s.now()) {
		return nil, room.ErrNotFound
	}
	return readInvitation(it, name, user), nil
}

// maxInvitations bounds the rows that one list of invitations reads.
const maxInvitations = 4 * chat.MaxInvitations

// InvitationsTo implements room.Members.
func (s *Store) InvitationsTo(ctx context.Context, user chat.User) ([]room.Invitation, error) {
	var found []room.Invitation
	now := s.now()
	in := s.membershipsOf(invitedItem + string(user))
	in.Limit = aws.Int32(maxInvitations)
	err := s.query(ctx, in, func(it item) bool {
		if !expired(it, now) {
			name := text[chat.Room](it, "room")
			found = append(found, *readInvitation(it, name, user))
		}
		return true
	})
	return found, err
}

func readInvitation(it item, name chat.Room, user chat.User) *room.Invitation {
	return &room.Invitation{
		Room:    name,
		User:    user,
		By:      text[chat.User](it, "by"),
		At:      moment(it, "at"),
		Expires: seconds(it, "expires"),
	}
}

// changes returns the items that write a change, the creation of the room
// first.
func (s *Store) changes(c *room.Change, e *room.Entry, raise chat.Seq) []types.TransactWriteItem {
	var items []types.TransactWriteItem
	put := func(table string, it item) {
		items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: it}})
	}
	remove := func(table string, key item) {
		items = append(items, types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: key}})
	}
	uninvite := func(user chat.User) {
		remove(s.names.Memberships, closedKey(e.Room, invitedItem, user))
		remove(s.names.Memberships, invitationKey(user, e.Room))
	}
	if c.Create != nil {
		items = append(items, s.createClosed(c.Create, e, raise))
	}
	if m := c.Add; m != nil {
		put(s.names.Memberships, memberRow(m))
		index := memberKey(m.User, m.Room)
		index["joinedAt"] = millis(e.StoredAt)
		put(s.names.Memberships, index)
		if c.Create == nil {
			put(s.names.Listeners, s.removedMark(e, m.User, m.Since))
			uninvite(m.User)
		}
	}
	if c.Set != nil {
		put(s.names.Memberships, memberRow(c.Set))
	}
	if i := c.Invite; i != nil {
		for _, row := range []item{closedKey(i.Room, invitedItem, i.User), invitationKey(i.User, i.Room)} {
			row["by"], row["at"], row["expires"] = str(i.By), millis(i.At), expiry(i.Expires)
			put(s.names.Memberships, row)
		}
	}
	if c.Uninvite != "" {
		uninvite(c.Uninvite)
	}
	if c.Remove != "" {
		remove(s.names.Memberships, closedKey(e.Room, memberItem, c.Remove))
		remove(s.names.Memberships, memberKey(c.Remove, e.Room))
		put(s.names.Listeners, s.removedMark(e, c.Remove, maxSeq))
	}
	return items
}

// maxSeq is above the seq of every entry.
const maxSeq = 1<<53 - 1

// removedMark returns the row that hides the listeners of a user's membership
// that began before the seq since.
func (s *Store) removedMark(e *room.Entry, user chat.User, since chat.Seq) item {
	mark := removedKey(e.Room, user)
	mark["since"] = num(since)
	mark["expires"] = expiry(e.StoredAt.Add(chat.ConnectionRowLifetime + removedSlack))
	return mark
}

// removedSlack is how much longer the mark of a removed user stays than the
// longest that a listener of theirs can be read.
const removedSlack = time.Hour

func memberRow(m *room.Member) item {
	row := closedKey(m.Room, memberItem, m.User)
	row["role"], row["from"], row["since"] = str(m.Role), num(m.From), num(m.Since)
	return row
}

// createClosed creates a closed room unless its id is taken.
func (s *Store) createClosed(meta *room.Meta, e *room.Entry, ceiling chat.Seq) types.TransactWriteItem {
	row := metaKey(meta.Room)
	row["epoch"], row["ceiling"], row["createdAt"] = str(meta.Epoch), num(ceiling), millis(e.StoredAt)
	row["dataKey"], row["settings"] = str(meta.DataKey), bin(meta.Settings)
	return types.TransactWriteItem{Put: &types.Put{
		TableName:                &s.names.Rooms,
		Item:                     row,
		ConditionExpression:      aws.String("attribute_not_exists(#room)"),
		ExpressionAttributeNames: names("room"),
	}}
}

// Appended implements room.Log.
func (s *Store) Appended(ctx context.Context, e *room.Entry) (*room.DuplicateError, error) {
	it, err := s.get(ctx, s.names.Messages, idKey(e))
	if err != nil {
		return nil, err
	}
	return &room.DuplicateError{Seq: number[chat.Seq](it, "at"), StoredAt: moment(it, "storedAt")}, nil
}
