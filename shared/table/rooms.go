package table

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

const metaItem = "meta"

func metaKey(name chat.Room) item { return item{"room": str(name), "item": str(metaItem)} }

func memberKey(user chat.User, name chat.Room) item {
	return item{"user": str(user), "room": str(name)}
}

func readMeta(it item) *room.Meta {
	return &room.Meta{
		Room:     text[chat.Room](it, "room"),
		Epoch:    text[chat.Epoch](it, "epoch"),
		Creator:  text[chat.User](it, "creator"),
		DataKey:  text[string](it, "dataKey"),
		Settings: binary(it, "settings"),
		Ceiling:  number[chat.Seq](it, "ceiling"),
	}
}

// Room implements room.Rooms.
func (s *Store) Room(ctx context.Context, name chat.Room) (*room.Meta, error) {
	it, err := s.get(ctx, s.names.Rooms, metaKey(name))
	if err != nil {
		return nil, err
	}
	return readMeta(it), nil
}

// CreateRoom implements room.Rooms.
func (s *Store) CreateRoom(ctx context.Context, meta *room.Meta, now time.Time) (*room.Meta, error) {
	it := metaKey(meta.Room)
	it["epoch"], it["ceiling"], it["createdAt"] = str(meta.Epoch), num(0), millis(now)
	if meta.Creator != "" {
		it["creator"] = str(meta.Creator)
	}
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.names.Rooms,
		Item:                                it,
		ConditionExpression:                 aws.String("attribute_not_exists(#room)"),
		ExpressionAttributeNames:            names("room"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if there, failed := failedItem(err); failed {
		return readMeta(there), nil
	}
	if err != nil {
		return nil, outcome(err)
	}
	return readMeta(it), nil
}

// AddMember implements room.Rooms.
func (s *Store) AddMember(ctx context.Context, name chat.Room, user chat.User, now time.Time) error {
	it := memberKey(user, name)
	it["joinedAt"] = millis(now)
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.names.Memberships, Item: it})
	return outcome(err)
}

// RemoveMember implements room.Rooms.
func (s *Store) RemoveMember(ctx context.Context, name chat.Room, user chat.User) error {
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.names.Memberships,
		Key:       memberKey(user, name),
	})
	return outcome(err)
}

// IsMember implements room.Rooms.
func (s *Store) IsMember(ctx context.Context, name chat.Room, user chat.User) (bool, error) {
	_, err := s.get(ctx, s.names.Memberships, memberKey(user, name))
	if errors.Is(err, room.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// RoomsOf implements room.Rooms.
func (s *Store) RoomsOf(ctx context.Context, user chat.User) ([]chat.Room, error) {
	var found []chat.Room
	err := s.query(ctx, s.membershipsOf(string(user)), func(it item) bool {
		found = append(found, text[chat.Room](it, "room"))
		return true
	})
	return found, err
}
