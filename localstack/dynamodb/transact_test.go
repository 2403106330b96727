package dynamodb

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// holdAsTransaction keeps a transaction on the item of key open until release
// is called.
func (f *fixture) holdAsTransaction(t *testing.T, table string, key item) (release func()) {
	t.Helper()
	tab, err := f.engine.store.Table(table)
	if err != nil {
		t.Fatal(err)
	}
	decoded := attr.Item{}
	for name, v := range key {
		decoded[name] = attr.String(v.(*types.AttributeValueMemberS).Value)
	}
	running, end, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, _, err := f.engine.store.Transact(t.Context(), []store.Mutation{{
			Table: tab,
			Row:   tab.Definition().Row(decoded),
			Decide: func(attr.Item) (attr.Item, store.Action, error) {
				close(running)
				<-end
				return nil, store.Keep, nil
			},
		}}, nil)
		ended <- err
	}()
	<-running
	return func() {
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func txPut(table string, it item, condition string) types.TransactWriteItem {
	p := &types.Put{TableName: &table, Item: it}
	if condition != "" {
		p.ConditionExpression = &condition
		p.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: p}
}

func (f *fixture) transact(t testing.TB, token *string,
	items ...types.TransactWriteItem) (*sdk.TransactWriteItemsOutput, error) {
	if token == nil {
		token = aws.String("") // no token; the SDK creates one if the input has none
	}
	in := &sdk.TransactWriteItemsInput{TransactItems: items, ReturnConsumedCapacity: "TOTAL"}
	if *token != "" {
		in.ClientRequestToken = token
	}
	return f.TransactWriteItems(t.Context(), in)
}

func TestTransactWrite(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	f.createTable(t, "two", "pk S", []index{{"by-x", "x N", "KEYS_ONLY"}}, nil)
	f.put(t, "one", item{"pk": str("count"), "n": num(1)}, item{"pk": str("old")},
		item{"pk": str("check"), "ok": str("yes")})
	out, err := f.transact(t, nil,
		txPut("two", item{"pk": str("a"), "x": num(1), "t": str(long(1500))}, "attribute_not_exists(pk)"),
		types.TransactWriteItem{Update: &types.Update{
			TableName:                 aws.String("one"),
			Key:                       item{"pk": str("count")},
			UpdateExpression:          aws.String("ADD n :one"),
			ExpressionAttributeValues: item{":one": num(1)},
		}},
		types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("one"), Key: item{"pk": str("old")}}},
		types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName:                 aws.String("one"),
			Key:                       item{"pk": str("check")},
			ConditionExpression:       aws.String("ok = :y"),
			ExpressionAttributeValues: item{":y": str("yes")},
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	// Table two: 2 units for the item, doubled, and 1 for the index. Table one:
	// 3 actions of 1 unit, doubled.
	same(t, "capacity", []float64{*out.ConsumedCapacity[0].CapacityUnits,
		*out.ConsumedCapacity[1].CapacityUnits}, []float64{5, 6})
	same(t, "write capacity", *out.ConsumedCapacity[0].WriteCapacityUnits, 5.0)
	same(t, "count", f.get(t, "one", item{"pk": str("count")}), item{"pk": str("count"), "n": num(2)})
	if f.get(t, "one", item{"pk": str("old")}) != nil {
		t.Error("got the deleted item, want none")
	}
	got, err := f.TransactGetItems(t.Context(),
		&sdk.TransactGetItemsInput{ReturnConsumedCapacity: "TOTAL", TransactItems: []types.TransactGetItem{
			{Get: &types.Get{
				TableName:            aws.String("two"),
				Key:                  item{"pk": str("a")},
				ProjectionExpression: aws.String("x"),
			}},
			{Get: &types.Get{TableName: aws.String("two"), Key: item{"pk": str("nothing")}}},
		}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "read", []any{got.Responses[0].Item, got.Responses[1].Item}, []any{item{"x": num(1)}, item(nil)})
	same(t, "read capacity", []float64{*got.ConsumedCapacity[0].CapacityUnits,
		*got.ConsumedCapacity[0].ReadCapacityUnits}, []float64{4, 4})
}

func TestCancellationReasons(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	there := item{"pk": str("there"), "t": str("text")}
	f.put(t, "one", there)
	defer f.holdAsTransaction(t, "one", item{"pk": str("busy")})()
	_, err := f.transact(t, nil,
		txPut("one", item{"pk": str("new")}, ""),
		txPut("one", item{"pk": str("there")}, "attribute_not_exists(pk)"),
		txPut("one", item{"pk": str("busy")}, ""),
		types.TransactWriteItem{Update: &types.Update{
			TableName:                 aws.String("one"),
			Key:                       item{"pk": str("fresh")},
			UpdateExpression:          aws.String("SET a = b + :one"),
			ExpressionAttributeValues: item{":one": num(1)},
		}},
		types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName:           aws.String("one"),
			Key:                 item{"pk": str("absent")},
			ConditionExpression: aws.String("attribute_exists(pk)"),
		}},
	)
	wantError(t, err, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, TransactionConflict, ValidationError, ConditionalCheckFailed]")
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		t.Fatalf("got an error of type %T, want a TransactionCanceledException", err)
	}
	r := cancelled.CancellationReasons
	same(t, "reasons", []string{*r[0].Code, *r[1].Code, *r[1].Message, *r[2].Code, *r[2].Message,
		*r[3].Code, *r[3].Message},
		[]string{"None", "ConditionalCheckFailed", "The conditional request failed", "TransactionConflict",
			"Transaction is ongoing for the item",
			"ValidationError", "The provided expression refers to an attribute that does not exist in the item"})
	same(t, "items", []item{r[0].Item, r[1].Item, r[4].Item}, []item{nil, there, nil})
	if f.get(t, "one", item{"pk": str("new")}) != nil {
		t.Error("got an item of a cancelled transaction, want none")
	}
}

func TestPlainWriteConflictsWithTransaction(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	release := f.holdAsTransaction(t, "one", item{"pk": str("busy")})
	_, err := f.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("one"), Item: item{"pk": str("busy")}})
	wantError(t, err, "TransactionConflictException", "Transaction is ongoing for the item")
	f.put(t, "one", item{"pk": str("free")})
	release()
	f.put(t, "one", item{"pk": str("busy")})
}

func TestTransactionValidation(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "one", "pk S", nil, nil)
	var many []types.TransactWriteItem
	for i := range 101 {
		many = append(many, txPut("one", item{"pk": str(fmt.Sprint(i))}, ""))
	}
	var large []types.TransactWriteItem
	for i := range 11 {
		large = append(large, txPut("one", item{"pk": str(fmt.Sprint(i)), "t": str(long(399 << 10))}, ""))
	}
	for _, tt := range []struct {
		name          string
		items         []types.TransactWriteItem
		code, message string
	}{
		{"none", []types.TransactWriteItem{}, "ValidationException",
			"Member must have length greater than or equal to 1"},
		{"101 actions", many, "ValidationException", "Member must have length less than or equal to 100"},
		{"one item twice", []types.TransactWriteItem{many[0], many[0]}, "ValidationException",
			"Transaction request cannot include multiple operations on one item"},
		{"two actions in one", []types.TransactWriteItem{{
			Put:    many[0].Put,
			Delete: &types.Delete{TableName: aws.String("one"), Key: item{"pk": str("a")}},
		}}, "ValidationException",
			"TransactItems can only contain one of Check, Put, Update or Delete"},
		{"no table", []types.TransactWriteItem{txPut("none", item{"pk": str("a")}, "")},
			"ResourceNotFoundException", "Requested resource not found"},
		{"no key", []types.TransactWriteItem{txPut("one", item{"x": str("a")}, "")},
			"TransactionCanceledException", "[ValidationError]"},
		{"one without a key", []types.TransactWriteItem{txPut("one", item{"pk": str("a")}, ""),
			txPut("one", item{"pk": num(1)}, "")}, "TransactionCanceledException", "[None, ValidationError]"},
		{"more than 4 MB", large, "ValidationException",
			"The aggregate size of the items in the transaction exceeds 4194304 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.transact(t, nil, tt.items...)
			wantError(t, err, tt.code, tt.message)
		})
	}
}

func TestClientRequestToken(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	dir := t.TempDir()
	increment := func(key string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName:                 aws.String("one"),
			Key:                       item{"pk": str(key)},
			UpdateExpression:          aws.String("ADD #n :a SET b = :b"),
			ExpressionAttributeNames:  map[string]string{"#n": "n"},
			ExpressionAttributeValues: item{":a": num(1), ":b": str("b")},
		}}
	}
	token := aws.String("11111111-2222-3333-4444-555555555555")
	count := func(f *fixture) string {
		return f.get(t, "one", item{"pk": str("a")})["n"].(*types.AttributeValueMemberN).Value
	}
	run := func(do func(f *fixture)) {
		t.Helper()
		e, err := Open(Options{Dir: dir, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		f := serveFixture(t, e)
		do(f)
		f.server.Close()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(func(f *fixture) {
		f.createTable(t, "one", "pk S", nil, nil)
		for i := range 5 { // the SDK encodes maps in a different order each time
			out, err := f.transact(t, token, increment("a"))
			if err != nil {
				t.Fatal(err)
			}
			c := out.ConsumedCapacity[0]
			if written := c.WriteCapacityUnits != nil; written != (i == 0) || *c.CapacityUnits != 2 {
				t.Errorf("call %d: got the capacity %s, want 2 units, write units in the first call only", i, dump(c))
			}
		}
		same(t, "count", count(f), "1")
		_, err := f.transact(t, token, increment("b"))
		wantError(t, err, "IdempotentParameterMismatchException", "client token")
	})
	now = now.Add(9 * time.Minute)
	run(func(f *fixture) { // after a restart
		if _, err := f.transact(t, token, increment("a")); err != nil {
			t.Fatal(err)
		}
		same(t, "count after a restart", count(f), "1")
		now = now.Add(2 * time.Minute)
		if _, err := f.transact(t, token, increment("a")); err != nil {
			t.Fatal(err)
		}
		same(t, "count after the token's life", count(f), "2")
	})
}
