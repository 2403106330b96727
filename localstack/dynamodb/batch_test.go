package dynamodb

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func putRequests(items ...item) []types.WriteRequest {
	var out []types.WriteRequest
	for _, it := range items {
		out = append(out, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	}
	return out
}

func TestBatchWriteAndGet(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	f.createTable(t, "two", "pk S, sk N", nil, nil)
	f.put(t, "one", item{"pk": str("gone"), "t": str(long(3000))})
	writes := map[string][]types.WriteRequest{
		"one": append(putRequests(item{"pk": str("a"), "x": num(1), "y": num(2)}),
			types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: item{"pk": str("gone")}}}),
		"two": putRequests(item{"pk": str("a"), "sk": num(1)}, item{"pk": str("a"), "sk": num(2)}),
	}
	out, err := f.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
		RequestItems:           writes,
		ReturnConsumedCapacity: "TOTAL",
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "unprocessed", len(out.UnprocessedItems), 0)
	same(t, "capacity", []float64{*out.ConsumedCapacity[0].CapacityUnits,
		*out.ConsumedCapacity[1].CapacityUnits}, []float64{1 + 3, 2})

	got, err := f.BatchGetItem(t.Context(),
		&sdk.BatchGetItemInput{ReturnConsumedCapacity: "TOTAL", RequestItems: map[string]types.KeysAndAttributes{
			"one": {
				Keys:                     []item{{"pk": str("a")}, {"pk": str("gone")}},
				ProjectionExpression:     aws.String("#x"),
				ExpressionAttributeNames: map[string]string{"#x": "x"},
			},
			"two": {Keys: []item{{"pk": str("a"), "sk": num(2)}}, ConsistentRead: aws.Bool(true)},
		}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "responses", got.Responses, map[string][]item{"one": {{"x": num(1)}},
		"two": {{"pk": str("a"), "sk": num(2)}}})
	same(t, "capacity", []float64{*got.ConsumedCapacity[0].CapacityUnits,
		*got.ConsumedCapacity[1].CapacityUnits}, []float64{1, 1})
}

func TestBatchLimits(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	keys := func(n int) (out []item) {
		for i := range n {
			out = append(out, item{"pk": str(fmt.Sprint(i))})
		}
		return out
	}
	f.createTable(t, "two", "pk S", nil, nil)
	type writes = map[string][]types.WriteRequest
	for _, tt := range []struct {
		items   writes
		message string
	}{
		{writes{"one": putRequests(keys(26)...)},
			"Value '{one=[26 requests]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"},
		{writes{"one": putRequests(keys(20)...), "two": putRequests(keys(6)...)},
			"Too many items requested for the BatchWriteItem call"},
		{writes{}, "The requestItems parameter is required for BatchWriteItem"},
		{writes{"one": putRequests(item{"pk": str("a")}, item{"pk": str("a")})},
			"Provided list of item keys contains duplicates"},
	} {
		_, err := f.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: tt.items})
		wantError(t, err, "ValidationException", tt.message)
	}
	type reads = map[string]types.KeysAndAttributes
	for _, tt := range []struct {
		items         reads
		code, message string
	}{
		{reads{}, "ValidationException", "The requestItems parameter is required for BatchGetItem"},
		{reads{"one": {Keys: keys(101)}}, "ValidationException", "Member must have length less than or equal to 100"},
		{reads{"one": {Keys: append(keys(2), keys(2)...)}}, "ValidationException",
			"Provided list of item keys contains duplicates"},
		{reads{"none": {Keys: keys(1)}}, "ResourceNotFoundException", "Requested resource not found"},
	} {
		_, err := f.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: tt.items})
		wantError(t, err, tt.code, tt.message)
	}
}

func TestBatchGetLeavesWhatIsOver16MB(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "large", "pk S", nil, nil)
	const count = 50
	var keys []item
	for i := range count {
		k := item{"pk": str(fmt.Sprintf("%02d", i))}
		keys = append(keys, k)
		f.put(t, "large", item{"pk": k["pk"], "t": str(long(390 << 10))})
	}
	request := map[string]types.KeysAndAttributes{"large": {Keys: keys, ConsistentRead: aws.Bool(true)}}
	var found []int
	for len(request) > 0 {
		out, err := f.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: request})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, len(out.Responses["large"]))
		request = out.UnprocessedKeys
		if rest, ok := request["large"]; ok && (rest.ConsistentRead == nil || !*rest.ConsistentRead) {
			t.Error("UnprocessedKeys has no ConsistentRead, want true")
		}
	}
	same(t, "items", found, []int{43, 7}) // 43 × 390 KiB is the first sum above 16 MiB
}

func TestBatchLeavesWhatATransactionHolds(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	release := f.holdAsTransaction(t, "one", item{"pk": str("busy")})
	defer release()
	requests := putRequests(item{"pk": str("busy"), "x": num(1)}, item{"pk": str("free")})
	out, err := f.BatchWriteItem(t.Context(),
		&sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": requests}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "unprocessed", out.UnprocessedItems, map[string][]types.WriteRequest{"one": requests[:1]})
	if f.get(t, "one", item{"pk": str("free")}) == nil {
		t.Error("got no item free, want it written")
	}
}
