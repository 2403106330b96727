package table

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

func connectionKey(id chat.Connection) item { return item{"connection": str(id)} }

func userConnectionKey(user chat.User, id chat.Connection) item {
	return item{"of": ofUser(user), "connection": str(id)}
}

func ofUser(user chat.User) types.AttributeValue { return str("user#" + user) }

// OpenConnection implements room.Connections.
func (s *Store) OpenConnection(ctx context.Context, id chat.Connection, connectedAt time.Time) error {
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.names.Connections,
		Item: item{
			"connection":  str(id),
			"connectedAt": millis(connectedAt),
			"expires":     expiry(connectedAt.Add(chat.ConnectionRowLifetime)),
		},
		ConditionExpression:      aws.String("attribute_not_exists(#connection)"),
		ExpressionAttributeNames: names("connection"),
	})
	return unless(room.ErrConflict, outcome(err))
}

// Connection implements room.Connections.
func (s *Store) Connection(ctx context.Context, id chat.Connection) (*room.Connection, error) {
	it, err := s.get(ctx, s.names.Connections, connectionKey(id))
	if err != nil {
		return nil, err
	}
	if expired(it, s.now()) {
		return nil, room.ErrNotFound
	}
	return &room.Connection{
		ID:           id,
		ConnectedAt:  moment(it, "connectedAt"),
		Claimed:      text[chat.User](it, "claimed"),
		Nonce:        text[string](it, "nonce"),
		NonceExpires: moment(it, "nonceExpires"),
		ProofHash:    text[string](it, "proof"),
		BoundNonce:   text[string](it, "boundNonce"),
		Welcomed:     number[int](it, "welcomed") != 0,
		Session:      text[chat.Session](it, "session"),
		User:         text[chat.User](it, "user"),
		Device:       text[chat.Device](it, "device"),
		ToService:    binary(it, "toService"),
		ToClient:     binary(it, "toClient"),
	}, nil
}

// OpenChallenge implements room.Connections.
func (s *Store) OpenChallenge(ctx context.Context, id chat.Connection, claimed chat.User, nonce string,
	expires time.Time) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &s.names.Connections,
		Key:                      connectionKey(id),
		UpdateExpression:         aws.String("SET #claimed = :claimed, #nonce = :nonce, #nonceExpires = :until ADD #begins :one"),
		ConditionExpression:      aws.String("#expires > :now AND attribute_not_exists(#session) AND (attribute_not_exists(#begins) OR #begins < :most)"),
		ExpressionAttributeNames: names("claimed", "nonce", "nonceExpires", "begins", "expires", "session"),
		ExpressionAttributeValues: item{
			":claimed": str(claimed), ":nonce": str(nonce), ":until": millis(expires), ":one": num(1),
			":now": num(s.now().Unix()), ":most": num(chat.MaxBegins),
		},
	})
	return outcome(err)
}

// SpendNonce implements room.Connections.
func (s *Store) SpendNonce(ctx context.Context, id chat.Connection, nonce string) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.names.Connections,
		Key:                       connectionKey(id),
		UpdateExpression:          aws.String("REMOVE #nonce"),
		ConditionExpression:       aws.String("#nonce = :nonce"),
		ExpressionAttributeNames:  names("nonce"),
		ExpressionAttributeValues: item{":nonce": str(nonce)},
	})
	return unless(room.ErrConflict, outcome(err))
}

// Bind implements room.Connections.
func (s *Store) Bind(ctx context.Context, b room.Binding) error {
	items := []types.TransactWriteItem{
		{Update: &types.Update{
			TableName:           &s.names.Connections,
			Key:                 connectionKey(b.Connection),
			UpdateExpression:    aws.String("SET #proof = :proof, #boundNonce = :nonce, #session = :session, #user = :user, #device = :device, #toService = :toService, #toClient = :toClient REMOVE #nonce"),
			ConditionExpression: aws.String("#nonce = :nonce AND attribute_not_exists(#session)"),
			ExpressionAttributeNames: names("proof", "boundNonce", "session", "user", "device", "toService", "toClient",
				"nonce"),
			ExpressionAttributeValues: item{
				":proof": str(b.ProofHash), ":nonce": str(b.Nonce), ":session": str(b.Session),
				":user": str(b.User), ":device": str(b.Device.ID),
				":toService": bin(b.ToService), ":toClient": bin(b.ToClient),
			},
		}},
		{Put: &types.Put{TableName: &s.names.Listeners, Item: item{
			"of":          ofUser(b.User),
			"connection":  str(b.Connection),
			"device":      str(b.Device.ID),
			"toClient":    bin(b.ToClient),
			"connectedAt": millis(b.ConnectedAt),
			"expires":     expiry(b.ConnectedAt.Add(chat.ConnectionRowLifetime)),
		}}},
	}
	switch {
	case b.NewUser:
		items = append(items, s.claimName(b), s.addDevice(&b.Device))
	case b.LinkedBy != "":
		items = append(items, s.nameIsTaken(b.User), s.deviceIsActive(b.User, b.LinkedBy), s.addDevice(&b.Device))
	default:
		items = append(items, s.confirmDevice(&b.Device, b.ReplacesGen))
	}
	_, err := s.transact(ctx, items...)
	return err
}

// MarkWelcomed implements room.Connections.
func (s *Store) MarkWelcomed(ctx context.Context, id chat.Connection, session chat.Session) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.names.Connections,
		Key:                       connectionKey(id),
		UpdateExpression:          aws.String("SET #welcomed = :yes"),
		ConditionExpression:       aws.String("#session = :session"),
		ExpressionAttributeNames:  names("welcomed", "session"),
		ExpressionAttributeValues: item{":yes": num(1), ":session": str(session)},
	})
	return outcome(err)
}

// RemoveConnection implements room.Connections.
func (s *Store) RemoveConnection(ctx context.Context, c *room.Connection) error {
	if c.Bound() {
		_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &s.names.Listeners,
			Key:       userConnectionKey(c.User, c.ID),
		})
		if err != nil {
			return outcome(err)
		}
	}
	in := &dynamodb.DeleteItemInput{
		TableName:                           &s.names.Connections,
		Key:                                 connectionKey(c.ID),
		ConditionExpression:                 aws.String("attribute_not_exists(#session)"),
		ExpressionAttributeNames:            names("session"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if c.Bound() {
		in.ConditionExpression = aws.String("#session = :session")
		in.ExpressionAttributeValues = item{":session": str(c.Session)}
	}
	_, err := s.db.DeleteItem(ctx, in)
	if there, failed := failedItem(err); failed && len(there) == 0 {
		return nil // it was removed already
	}
	return outcome(err)
}

// ConnectionsOf implements room.Connections.
func (s *Store) ConnectionsOf(ctx context.Context, user chat.User) ([]room.UserConnection, error) {
	var found []room.UserConnection
	now := s.now()
	err := s.query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.names.Listeners,
		KeyConditionExpression:    aws.String("#of = :of"),
		ExpressionAttributeNames:  names("of"),
		ExpressionAttributeValues: item{":of": ofUser(user)},
	}, func(it item) bool {
		if !expired(it, now) {
			found = append(found, room.UserConnection{
				ID:          text[chat.Connection](it, "connection"),
				Device:      text[chat.Device](it, "device"),
				ConnectedAt: moment(it, "connectedAt"),
				ToClient:    binary(it, "toClient"),
			})
		}
		return true
	})
	return found, err
}
