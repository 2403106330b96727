package table

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

func logKey(name chat.Room, epoch chat.Epoch) string { return string(name) + "#" + string(epoch) }

func entryKey(name chat.Room, epoch chat.Epoch, seq chat.Seq) item {
	return item{"log": str(logKey(name, epoch)), "seq": num(seq)}
}

// idKey returns the key of the row of a message's id. It has a separate
// partition, so that ids take no capacity of the log's.
func idKey(e *room.Entry) item {
	return item{"log": str(strings.Join([]string{logKey(e.Room, e.Epoch), string(e.User), string(e.Device),
		string(e.ID)}, "#")), "seq": num(0)}
}

// Append implements room.Log. A text of 1 KB gives an entry of less than 2 KB
// and an id row of less than 1 KB: 4 + 2 write units.
func (s *Store) Append(ctx context.Context, e *room.Entry, raise chat.Seq, change *room.Change) error {
	free := aws.String("attribute_not_exists(#log)")
	id := idKey(e)
	id["at"], id["storedAt"], id["expires"] = num(e.Seq), millis(e.StoredAt), expiry(e.Expires)
	entry := entryKey(e.Room, e.Epoch, e.Seq)
	entry["id"], entry["user"], entry["device"], entry["key"] = str(e.ID), str(e.User), str(e.Device), bin(e.SenderKey)
	entry["storedAt"], entry["expires"] = millis(e.StoredAt), expiry(e.Expires)
	entry["dataKey"], entry["sealed"] = str(e.DataKey), bin(e.Sealed)
	items := []types.TransactWriteItem{
		{Put: &types.Put{
			TableName:                           &s.names.Messages,
			Item:                                id,
			ConditionExpression:                 free,
			ExpressionAttributeNames:            names("log"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
		{Put: &types.Put{
			TableName:                &s.names.Messages,
			Item:                     entry,
			ConditionExpression:      free,
			ExpressionAttributeNames: names("log"),
		}},
	}
	if raise > 0 && (change == nil || change.Create == nil) {
		items = append(items, types.TransactWriteItem{Update: &types.Update{
			TableName:                 &s.names.Rooms,
			Key:                       metaKey(e.Room),
			UpdateExpression:          aws.String("SET #ceiling = :raise"),
			ConditionExpression:       aws.String("#epoch = :epoch AND #ceiling < :raise"),
			ExpressionAttributeNames:  names("ceiling", "epoch"),
			ExpressionAttributeValues: item{":raise": num(raise), ":epoch": str(e.Epoch)},
		}})
	}
	if change != nil {
		items = append(items, s.changes(change, e, raise)...)
	}
	reasons, err := s.transactOnce(ctx, items...)
	if errors.Is(err, room.ErrBusy) && running(reasons) {
		return room.ErrConflict // somebody is taking this seq, or has just taken it
	}
	if errors.Is(err, room.ErrConflict) && aws.ToString(reasons[0].Code) == "ConditionalCheckFailed" {
		first := reasons[0].Item
		return &room.DuplicateError{Seq: number[chat.Seq](first, "at"), StoredAt: moment(first, "storedAt")}
	}
	return err
}

// MarkRepeated implements room.Log.
func (s *Store) MarkRepeated(ctx context.Context, e *room.Entry) (bool, error) {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.names.Messages,
		Key:                                 idKey(e),
		UpdateExpression:                    aws.String("SET #repeated = :now"),
		ConditionExpression:                 aws.String("attribute_exists(#log) AND attribute_not_exists(#repeated)"),
		ExpressionAttributeNames:            names("log", "repeated"),
		ExpressionAttributeValues:           item{":now": millis(s.now())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, failed := failedItem(err); failed {
		if len(old) == 0 {
			return false, room.ErrNotFound
		}
		return false, nil
	}
	return err == nil, outcome(err)
}

// Tail implements room.Log.
func (s *Store) Tail(ctx context.Context, name chat.Room, epoch chat.Epoch) (room.Tail, error) {
	last, err := s.end(ctx, name, epoch, false)
	return room.Tail{Seq: number[chat.Seq](last, "seq"), Expires: seconds(last, "expires")}, err
}

// First implements room.Log.
func (s *Store) First(ctx context.Context, name chat.Room, epoch chat.Epoch) (chat.Seq, error) {
	first, err := s.end(ctx, name, epoch, true)
	return number[chat.Seq](first, "seq"), err
}

// end reads the first or the last entry's place.
func (s *Store) end(ctx context.Context, name chat.Room, epoch chat.Epoch, first bool) (found item, err error) {
	in := s.logQuery(name, epoch, 0)
	in.ScanIndexForward, in.Limit = aws.Bool(first), aws.Int32(1)
	in.ProjectionExpression = aws.String("#seq, #expires")
	in.ExpressionAttributeNames["#expires"] = "expires"
	err = s.query(ctx, in, func(it item) bool { found = it; return false })
	return found, err
}

func (s *Store) logQuery(name chat.Room, epoch chat.Epoch, after chat.Seq) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:                 &s.names.Messages,
		KeyConditionExpression:    aws.String("#log = :log AND #seq > :after"),
		ExpressionAttributeNames:  names("log", "seq"),
		ExpressionAttributeValues: item{":log": str(logKey(name, epoch)), ":after": num(after)},
	}
}

// Entry implements room.Log.
func (s *Store) Entry(ctx context.Context, name chat.Room, epoch chat.Epoch, seq chat.Seq) (*room.Entry, error) {
	it, err := s.get(ctx, s.names.Messages, entryKey(name, epoch, seq))
	if err != nil {
		return nil, err
	}
	e := readEntry(it, name, epoch)
	return &e, nil
}

// Times implements room.Log.
func (s *Store) Times(ctx context.Context, name chat.Room, epoch chat.Epoch, seq chat.Seq) (room.Times, error) {
	it, err := s.get(ctx, s.names.Messages, entryKey(name, epoch, seq), "storedAt", "expires")
	if err != nil {
		return room.Times{}, err
	}
	return room.Times{StoredAt: moment(it, "storedAt"), Expires: seconds(it, "expires")}, nil
}

// Read implements room.Log.
func (s *Store) Read(ctx context.Context, name chat.Room, epoch chat.Epoch, after chat.Seq,
	limit int) ([]room.Entry, error) {
	in := s.logQuery(name, epoch, after)
	in.Limit = aws.Int32(int32(limit))
	var found []room.Entry
	err := s.query(ctx, in, func(it item) bool {
		found = append(found, readEntry(it, name, epoch))
		return true
	})
	return found, err
}

func readEntry(it item, name chat.Room, epoch chat.Epoch) room.Entry {
	return room.Entry{
		Room:      name,
		Epoch:     epoch,
		Seq:       number[chat.Seq](it, "seq"),
		ID:        text[chat.MessageID](it, "id"),
		User:      text[chat.User](it, "user"),
		Device:    text[chat.Device](it, "device"),
		SenderKey: binary(it, "key"),
		StoredAt:  moment(it, "storedAt"),
		Expires:   seconds(it, "expires"),
		DataKey:   text[string](it, "dataKey"),
		Sealed:    binary(it, "sealed"),
	}
}
