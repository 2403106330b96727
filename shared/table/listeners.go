package table

import (
	"context"

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
	found, _, err := s.listeners(ctx, 0, item{":of": ofRoom(name)})
	return found, err
}

// FirstListeners implements room.Listeners.
func (s *Store) FirstListeners(ctx context.Context, name chat.Room,
	n int) (found []room.Listener, more bool, err error) {
	return s.listeners(ctx, n, item{":of": ofRoom(name)})
}

// ListenersIn implements room.Listeners. DynamoDB compares strings by their
// bytes, as Go does.
func (s *Store) ListenersIn(ctx context.Context, name chat.Room, first, last chat.Connection) ([]room.Listener, error) {
	if first > last {
		return nil, nil // DynamoDB refuses such a range
	}
	found, _, err := s.listeners(ctx, 0, item{":of": ofRoom(name), ":first": str(first), ":last": str(last)})
	return found, err
}

// listeners reads the rows of a room, or those from :first to :last if values
// has them: the first n, or all if n is 0.
func (s *Store) listeners(ctx context.Context, n int, values item) (found []room.Listener, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &s.names.Listeners,
		KeyConditionExpression:    aws.String("#of = :of"),
		ExpressionAttributeNames:  names("of"),
		ExpressionAttributeValues: values,
	}
	if _, ranged := values[":first"]; ranged {
		in.KeyConditionExpression = aws.String("#of = :of AND #connection BETWEEN :first AND :last")
		in.ExpressionAttributeNames = names("of", "connection")
	}
	if n > 0 {
		in.Limit = aws.Int32(int32(n) + 1) // one more row shows that there are more
	}
	rows, now := 0, s.now()
	err = s.query(ctx, in, func(it item) bool {
		rows++
		if more = n > 0 && rows > n; more {
			return false
		}
		if !expired(it, now) {
			found = append(found, room.Listener{
				Connection:  text[chat.Connection](it, "connection"),
				ConnectedAt: moment(it, "connectedAt"),
				User:        text[chat.User](it, "user"),
				Device:      text[chat.Device](it, "device"),
				Gen:         number[int64](it, "gen"),
				Enc:         binary(it, "enc"),
				ToClient:    binary(it, "toClient"),
			})
		}
		return true
	})
	return found, more, err
}
