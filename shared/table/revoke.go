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

// nameIsTaken is a condition of a transaction: a user has the name.
func (s *Store) nameIsTaken(user chat.User) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName:                &s.names.Users,
		Key:                      nameKey(user),
		ConditionExpression:      aws.String("attribute_exists(#user)"),
		ExpressionAttributeNames: names("user"),
	}}
}

// deviceIsActive is a condition of a transaction: the device is on record and
// not revoked.
func (s *Store) deviceIsActive(user chat.User, device chat.Device) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName:                &s.names.Users,
		Key:                      deviceKey(user, device),
		ConditionExpression:      aws.String("attribute_exists(#user) AND attribute_not_exists(#revoked)"),
		ExpressionAttributeNames: names("user", "revoked"),
	}}
}

// DevicesOf implements room.Devices.
func (s *Store) DevicesOf(ctx context.Context, user chat.User) ([]room.Device, error) {
	var found []room.Device
	err := s.query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.names.Users,
		KeyConditionExpression:    aws.String("#user = :user AND begins_with(#item, :kind)"),
		ExpressionAttributeNames:  names("user", "item"),
		ExpressionAttributeValues: item{":user": str(user), ":kind": str(deviceItem)},
	}, func(it item) bool {
		found = append(found, *readDevice(it))
		return true
	})
	return found, err
}

// Revoke implements room.Devices. If two devices revoke each other
// concurrently, one of them wins, so that the user keeps a device.
func (s *Store) Revoke(ctx context.Context, user chat.User, device, by chat.Device, now time.Time) error {
	reasons, err := s.transact(ctx, s.deviceIsActive(user, by), types.TransactWriteItem{Update: &types.Update{
		TableName:                 &s.names.Users,
		Key:                       deviceKey(user, device),
		UpdateExpression:          aws.String("SET #revoked = if_not_exists(#revoked, :now)"),
		ConditionExpression:       aws.String("attribute_exists(#user)"),
		ExpressionAttributeNames:  names("revoked", "user"),
		ExpressionAttributeValues: item{":now": millis(now)},
	}})
	if errors.Is(err, room.ErrConflict) && aws.ToString(reasons[0].Code) != "ConditionalCheckFailed" {
		return room.ErrNotFound
	}
	return err
}
