package table

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/room"
)

// Keys implements keyring.Store: wrapped private keys, data keys and the key
// set. They have a separate table, since few functions may read it.
type Keys struct{ *Store }

var _ keyring.Store = Keys{}

func recordKey(kind keyring.Kind, id string) item {
	return item{"kind": str(kind), "id": str(id)}
}

func readRecord(it item) keyring.Record {
	return keyring.Record{
		Kind:       text[keyring.Kind](it, "kind"),
		ID:         text[string](it, "id"),
		Generation: number[int64](it, "gen"),
		Value:      binary(it, "value"),
	}
}

// List implements keyring.Store. The table has few rows, so one scan costs less
// than a query for each kind.
func (k Keys) List(ctx context.Context) ([]keyring.Record, error) {
	var found []keyring.Record
	pages := dynamodb.NewScanPaginator(k.db, &dynamodb.ScanInput{
		TableName:      &k.names.Keys,
		ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scan the keys: %w", outcome(err))
		}
		for _, it := range page.Items {
			found = append(found, readRecord(it))
		}
	}
	return found, nil
}

// Get implements keyring.Store.
func (k Keys) Get(ctx context.Context, kind keyring.Kind, id string) (keyring.Record, error) {
	it, err := k.get(ctx, k.names.Keys, recordKey(kind, id))
	if errors.Is(err, room.ErrNotFound) {
		return keyring.Record{}, keyring.ErrNotFound
	}
	return readRecord(it), err
}

// Create implements keyring.Store.
func (k Keys) Create(ctx context.Context, r keyring.Record) error {
	return k.put(ctx, r, "attribute_not_exists(#gen)", nil)
}

// Replace implements keyring.Store.
func (k Keys) Replace(ctx context.Context, r keyring.Record) error {
	return k.put(ctx, r, "#gen = :old", item{":old": num(r.Generation - 1)})
}

func (k Keys) put(ctx context.Context, r keyring.Record, condition string, values item) error {
	it := recordKey(r.Kind, r.ID)
	it["gen"], it["value"] = num(r.Generation), bin(r.Value)
	_, err := k.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &k.names.Keys,
		Item:                      it,
		ConditionExpression:       &condition,
		ExpressionAttributeNames:  names("gen"),
		ExpressionAttributeValues: values,
	})
	if err = outcome(err); errors.Is(err, room.ErrConflict) {
		return keyring.ErrConflict
	}
	return err
}

// Delete implements keyring.Store.
func (k Keys) Delete(ctx context.Context, kind keyring.Kind, id string) error {
	_, err := k.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &k.names.Keys, Key: recordKey(kind, id)})
	return outcome(err)
}
