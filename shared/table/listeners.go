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

func listenerKey(name chat.Room, id chat.Connection) item {
	return item{"of": ofRoom(name), "connection": str(id)}
}

func ofRoom(name chat.Room) types.AttributeValue { return str("room#" + name) }

// AddListener implements room.Listeners.
func (s *Store) AddListener(ctx context.Context, name chat.Room, l room.Listener) error {
	it := listenerKey(name, l.Connection)
	it["user"], it["device"] = str(l.User), str(l.Device)
	it["gen"], it["enc"], it["toClient"] = num(l.Gen), bin(l.Enc), bin(l.ToClient)
	it["connectedAt"] = millis(l.ConnectedAt)
	if l.Since > 0 {
		it["from"], it["since"] = num(l.From), num(l.Since)
	}
	it["expires"] = expiry(l.ConnectedAt.Add(chat.ConnectionRowLifetime))
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &s.names.Listeners,
		Item:                      it,
		ConditionExpression:       aws.String("attribute_not_exists(#gen) OR #gen <= :gen"),
		ExpressionAttributeNames:  names("gen"),
		ExpressionAttributeValues: item{":gen": num(l.Gen)},
	})
	return unless(room.ErrConflict, outcome(err)) // the row has a newer key already
}

// RemoveListener implements room.Listeners.
func (s *Store) RemoveListener(ctx context.Context, name chat.Room, id chat.Connection) error {
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.names.Listeners, Key: listenerKey(name, id)})
	return outcome(err)
}

// Listeners implements room.Listeners.
func (s *Store) Listeners(ctx context.Context, name chat.Room) ([]room.Listener, error) {
	found, _, err := s.listeners(ctx, name, 0)
	return found, err
}

// FirstListeners implements room.Listeners.
func (s *Store) FirstListeners(ctx context.Context, name chat.Room,
	n int) (found []room.Listener, more bool, err error) {
	return s.listeners(ctx, name, n)
}

// ListenersIn implements room.Listeners. DynamoDB compares strings by their
// bytes, as Go does.
func (s *Store) ListenersIn(ctx context.Context, name chat.Room, first, last chat.Connection) ([]room.Listener, error) {
	if first > last {
		return nil, nil // DynamoDB refuses such a range
	}
	var read selection
	if name.IsClosed() {
		if err := s.query(ctx, s.listenerRows(name, removedItem, removedItem+"~"), read.add(s.now())); err != nil {
			return nil, err
		}
	}
	err := s.query(ctx, s.listenerRows(name, string(first), string(last)), read.add(s.now()))
	return read.listeners, err
}

// listeners reads the first n listeners of a room, or all if n is 0.
func (s *Store) listeners(ctx context.Context, name chat.Room, n int) (found []room.Listener, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &s.names.Listeners,
		KeyConditionExpression:    aws.String("#of = :of"),
		ExpressionAttributeNames:  names("of"),
		ExpressionAttributeValues: item{":of": ofRoom(name)},
	}
	if n > 0 {
		limit := n + 1 // one more row shows that there are more
		if name.IsClosed() {
			limit += chat.MaxMembers // for the marks of removed users
		}
		in.Limit = aws.Int32(int32(limit))
	}
	var read selection
	err = s.query(ctx, in, read.add(s.now()))
	found, more = read.listeners, n > 0 && read.rows > n
	if n > 0 {
		found = found[:min(n, len(found))]
	}
	return found, more, err
}

// listenerRows returns the query for a room's rows between two, both included.
func (s *Store) listenerRows(name chat.Room, first, last string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:                 &s.names.Listeners,
		KeyConditionExpression:    aws.String("#of = :of AND #connection BETWEEN :first AND :last"),
		ExpressionAttributeNames:  names("of", "connection"),
		ExpressionAttributeValues: item{":of": ofRoom(name), ":first": str(first), ":last": str(last)},
	}
}

// selection collects listeners, and leaves out the expired ones, those of
// removed users, and those of an earlier membership of users who are back.
type selection struct {
	hidden    map[chat.User]chat.Seq // listeners of a membership before it are left out
	rows      int                    // of connections, those that are left out among them
	listeners []room.Listener
}

// add returns the function that takes rows in their order. The marks of removed
// users sort before the listeners: removedItem begins with a character that
// sorts before all those of base64.
func (s *selection) add(now time.Time) func(item) bool {
	return func(it item) bool {
		key := text[string](it, "connection")
		if user, isMark := strings.CutPrefix(key, removedItem); isMark {
			if s.hidden == nil {
				s.hidden = map[chat.User]chat.Seq{}
			}
			s.hidden[chat.User(user)] = number[chat.Seq](it, "since")
			return true
		}
		s.rows++
		user, since := text[chat.User](it, "user"), number[chat.Seq](it, "since")
		if expired(it, now) || since < s.hidden[user] {
			return true
		}
		s.listeners = append(s.listeners, room.Listener{
			Connection:  chat.Connection(key),
			ConnectedAt: moment(it, "connectedAt"),
			User:        user,
			Device:      text[chat.Device](it, "device"),
			Gen:         number[int64](it, "gen"),
			Enc:         binary(it, "enc"),
			ToClient:    binary(it, "toClient"),
			From:        number[chat.Seq](it, "from"),
			Since:       since,
		})
		return true
	}
}
