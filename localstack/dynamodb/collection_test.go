package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestItemCollectionMetrics(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "local", "pk S, sk N", nil, []index{{"by-size", "pk S, size N", "ALL"}})
	f.createTable(t, "plain", "pk S, sk N", nil, nil)
	size := types.ReturnItemCollectionMetricsSize
	want := &types.ItemCollectionMetrics{ItemCollectionKey: item{"pk": str("a")}, SizeEstimateRangeGB: []float64{0, 1}}
	key := item{"pk": str("a"), "sk": num(1)}

	put, err := f.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:                   aws.String("local"),
		Item:                        key,
		ReturnItemCollectionMetrics: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "put", put.ItemCollectionMetrics, want)
	update, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName:                   aws.String("local"),
		Key:                         key,
		ReturnItemCollectionMetrics: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "update", update.ItemCollectionMetrics, want)
	transaction, err := f.TransactWriteItems(t.Context(),
		&sdk.TransactWriteItemsInput{ReturnItemCollectionMetrics: size, TransactItems: []types.TransactWriteItem{
			txPut("local", key, ""), txPut("local", item{"pk": str("a"), "sk": num(2)}, ""), txPut("plain", key, "")}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "transaction", transaction.ItemCollectionMetrics,
		map[string][]types.ItemCollectionMetrics{"local": {*want}})
	batch, err := f.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{ReturnItemCollectionMetrics: size,
		RequestItems: map[string][]types.WriteRequest{"local": putRequests(key)}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "batch", batch.ItemCollectionMetrics, map[string][]types.ItemCollectionMetrics{"local": {*want}})
	deleted, err := f.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName:                   aws.String("local"),
		Key:                         key,
		ReturnItemCollectionMetrics: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "delete", deleted.ItemCollectionMetrics, want)

	put, err = f.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:                   aws.String("plain"),
		Item:                        key,
		ReturnItemCollectionMetrics: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	if put.ItemCollectionMetrics != nil {
		t.Errorf("got the item collection %s for a table without local indexes, want none",
			dump(put.ItemCollectionMetrics))
	}
}
