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

const (
	nameItem   = "name"
	deviceItem = "device#"
)

func nameKey(user chat.User) item { return item{"user": str(user), "item": str(nameItem)} }

func deviceKey(user chat.User, device chat.Device) item {
	return item{"user": str(user), "item": str(deviceItem + device)}
}

// claimName binds a free name to its first device.
func (s *Store) claimName(b room.Binding) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.names.Users,
		Item: item{"user": str(b.User), "item": str(nameItem),
			"device": str(b.Device.ID), "addedAt": millis(b.Device.AddedAt)},
		ConditionExpression:      aws.String("attribute_not_exists(#user)"),
		ExpressionAttributeNames: names("user"),
	}}
}

// addDevice records a new device.
func (s *Store) addDevice(d *room.Device) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.names.Users,
		Item: item{
			"user": str(d.User), "item": str(deviceItem + d.ID), "key": bin(d.Key), "gen": num(d.Gen),
			"enc": bin(d.Enc), "spread": num(d.Gen),
			"addedAt": millis(d.AddedAt), "lastSeenAt": millis(s.now()), "full": num(0),
		},
		ConditionExpression:      aws.String("attribute_not_exists(#user)"),
		ExpressionAttributeNames: names("user"),
	}}
}

// confirmDevice writes the key of a device on record, which replaces the
// generation gen or is of that generation.
func (s *Store) confirmDevice(d *room.Device, gen int64) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName:                &s.names.Users,
		Key:                      deviceKey(d.User, d.ID),
		UpdateExpression:         aws.String("SET #gen = :new, #enc = :enc, #lastSeenAt = :now"),
		ConditionExpression:      aws.String("#gen = :old AND attribute_not_exists(#revoked)"),
		ExpressionAttributeNames: names("gen", "enc", "lastSeenAt", "revoked"),
		ExpressionAttributeValues: item{
			":new": num(d.Gen), ":old": num(gen), ":enc": bin(d.Enc), ":now": millis(s.now()),
		},
	}}
}

// Owner implements room.Devices.
func (s *Store) Owner(ctx context.Context, user chat.User) (chat.Device, error) {
	it, err := s.get(ctx, s.names.Users, nameKey(user))
	if err != nil {
		return "", err
	}
	return text[chat.Device](it, "device"), nil
}

// Device implements room.Devices.
func (s *Store) Device(ctx context.Context, user chat.User, device chat.Device) (*room.Device, error) {
	it, err := s.get(ctx, s.names.Users, deviceKey(user, device))
	if err != nil {
		return nil, err
	}
	return readDevice(it), nil
}

func readDevice(it item) *room.Device {
	_, revoked := it["revoked"]
	return &room.Device{
		ID:         text[chat.Device](it, "item")[len(deviceItem):],
		User:       text[chat.User](it, "user"),
		Key:        binary(it, "key"),
		Gen:        number[int64](it, "gen"),
		Enc:        binary(it, "enc"),
		Propagated: number[int64](it, "spread"),
		AddedAt:    moment(it, "addedAt"),
		LastSeenAt: moment(it, "lastSeenAt"),
		Revoked:    revoked,
	}
}

// admitAttempts bounds how often Admit tries again after another call of the
// same device has changed the row between idle and busy.
const admitAttempts = 4

// Admit implements room.Devices. Usually it is one write, for a bucket that is
// full again; see Spend. If that fails, a second write adds to a bucket that is
// not.
func (s *Store) Admit(ctx context.Context, user chat.User, device chat.Device, now time.Time) (*room.Device, error) {
	limit := now.Add((chat.DeviceBurst - 1) * chat.DeviceInterval)
	in := &dynamodb.UpdateItemInput{
		TableName:                &s.names.Users,
		Key:                      deviceKey(user, device),
		UpdateExpression:         aws.String("SET #full = :next, #lastSeenAt = :now"),
		ConditionExpression:      aws.String("#full <= :now AND attribute_not_exists(#revoked)"),
		ExpressionAttributeNames: names("full", "lastSeenAt", "revoked"),
		ExpressionAttributeValues: item{
			":now": millis(now), ":next": millis(now.Add(chat.DeviceInterval)),
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	busy := *in
	busy.UpdateExpression = aws.String("SET #full = #full + :cost, #lastSeenAt = :now")
	busy.ConditionExpression = aws.String("#full > :now AND #full <= :limit AND attribute_not_exists(#revoked)")
	busy.ExpressionAttributeValues = item{
		":now": millis(now), ":cost": num(chat.DeviceInterval.Milliseconds()), ":limit": millis(limit),
	}
	next := in
	for range admitAttempts {
		out, err := s.db.UpdateItem(ctx, next)
		if err == nil {
			return readDevice(out.Attributes), nil
		}
		old, failed := failedItem(err)
		if !failed {
			return nil, outcome(err)
		}
		if len(old) == 0 {
			return nil, room.ErrNotFound
		}
		if _, revoked := old["revoked"]; revoked {
			return readDevice(old), nil
		}
		switch full := moment(old, "full"); {
		case full.After(limit):
			return nil, room.ErrThrottled
		case full.After(now):
			next = &busy
		default:
			next = in
		}
	}
	return nil, room.ErrBusy
}

// ReplaceKey implements room.Devices.
func (s *Store) ReplaceKey(ctx context.Context, d *room.Device) error {
	w := s.confirmDevice(d, d.Gen-1).Update
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 w.TableName,
		Key:                       w.Key,
		UpdateExpression:          w.UpdateExpression,
		ConditionExpression:       w.ConditionExpression,
		ExpressionAttributeNames:  w.ExpressionAttributeNames,
		ExpressionAttributeValues: w.ExpressionAttributeValues,
	})
	return outcome(err)
}

// MarkPropagated implements room.Devices.
func (s *Store) MarkPropagated(ctx context.Context, user chat.User, device chat.Device, gen int64) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.names.Users,
		Key:                       deviceKey(user, device),
		UpdateExpression:          aws.String("SET #spread = :gen"),
		ConditionExpression:       aws.String("#spread < :gen"),
		ExpressionAttributeNames:  names("spread"),
		ExpressionAttributeValues: item{":gen": num(gen)},
	})
	return unless(room.ErrConflict, outcome(err))
}
