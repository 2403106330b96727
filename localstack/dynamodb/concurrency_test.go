package dynamodb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func number(t testing.TB, v types.AttributeValue) int {
	t.Helper()
	i, err := strconv.Atoi(v.(*types.AttributeValueMemberN).Value)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestConcurrentIncrements(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "counts", "pk S", []index{{"by-n", "n N", "KEYS_ONLY"}}, nil)
	const clients, each = 8, 40
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				if _, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
					TableName:                 aws.String("counts"),
					Key:                       item{"pk": str("c")},
					UpdateExpression:          aws.String("ADD n :one"),
					ExpressionAttributeValues: item{":one": num(1)},
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	same(t, "count", f.get(t, "counts", item{"pk": str("c")})["n"], num(clients*each))
	out, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("counts"), IndexName: aws.String("by-n")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "index", out.Items, []item{{"pk": str("c"), "n": num(clients * each)}})
}

// Of the clients that write version v+1 over version v, exactly one succeeds.
func TestContendedConditionalPuts(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "versions", "pk S", nil, nil)
	const clients, versions = 6, 25
	wins := make([]map[int]bool, clients)
	var all sync.WaitGroup
	for c := range clients {
		wins[c] = make(map[int]bool)
		all.Go(func() {
			for v := 1; v <= versions; v++ {
				_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
					TableName:                 aws.String("versions"),
					Item:                      item{"pk": str("x"), "v": num(v), "by": num(c)},
					ConditionExpression:       aws.String("attribute_not_exists(pk) OR v < :v"),
					ExpressionAttributeValues: item{":v": num(v)},
				})
				if err == nil {
					wins[c][v] = true
				} else if code := errorCode(err); code != "ConditionalCheckFailedException" {
					t.Errorf("got %v, want a failed condition", err)
					return
				}
			}
		})
	}
	all.Wait()
	winners := make(map[int]int)
	for c := range clients {
		for v := range wins[c] {
			winners[v]++
		}
	}
	for v, times := range winners {
		if times != 1 {
			t.Errorf("version %d was written %d times, want once", v, times)
		}
	}
	last := f.get(t, "versions", item{"pk": str("x")})
	same(t, "version", last["v"], num(versions))
	if by := number(t, last["by"]); !wins[by][versions] {
		t.Errorf("the item is by client %d, whose put failed", by)
	}
}

// sums adds up the attribute n of all items of a table, once by a transaction
// that gets keys and once by a scan.
func (f *fixture) sums(t *testing.T, table string, keys []item) (inTransaction, inScan int, err error) {
	var gets []types.TransactGetItem
	for _, key := range keys {
		gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: &table, Key: key}})
	}
	out, err := f.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{TransactItems: gets})
	if err != nil {
		return 0, 0, err
	}
	scan, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: &table})
	if err != nil {
		return 0, 0, err
	}
	for _, r := range out.Responses {
		inTransaction += number(t, r.Item["n"])
	}
	for _, it := range scan.Items {
		inScan += number(t, it["n"])
	}
	return inTransaction, inScan, nil
}

// Transfers between accounts keep the sum of all balances the same for every
// reader.
func TestConcurrentTransactions(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "accounts", "pk S", nil, nil)
	const accounts, clients, each, balance = 5, 6, 30, 100
	account := func(i int) item { return item{"pk": str(fmt.Sprint("a", i))} }
	for i := range accounts {
		f.put(t, "accounts", item{"pk": account(i)["pk"], "n": num(balance)})
	}
	add := func(i int, amount string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName:                 aws.String("accounts"),
			Key:                       account(i),
			UpdateExpression:          aws.String("ADD n :a"),
			ExpressionAttributeValues: item{":a": num(amount)},
		}}
	}
	var all, reader sync.WaitGroup
	for range clients {
		all.Go(func() {
			for done := 0; done < each; {
				from := rand.IntN(accounts)
				to := (from + 1 + rand.IntN(accounts-1)) % accounts
				_, err := f.transact(t, nil, add(from, "-1"), add(to, "1"))
				if err == nil {
					done++
					continue
				}
				cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
				if !ok {
					t.Errorf("got %v, want a cancelled transaction", err)
					return
				}
				for _, r := range cancelled.CancellationReasons {
					if *r.Code != "None" && *r.Code != "TransactionConflict" {
						t.Errorf("got the reason %s, want TransactionConflict", *r.Code)
					}
				}
			}
		})
	}
	finished := make(chan struct{})
	reader.Go(func() {
		var keys []item
		for i := range accounts {
			keys = append(keys, account(i))
		}
		for {
			inTransaction, inScan, err := f.sums(t, "accounts", keys)
			if err != nil {
				t.Error(err)
				return
			}
			if want := accounts * balance; inTransaction != want || inScan != want {
				t.Errorf("got the sum %d in a transaction and %d in a scan, want %d", inTransaction, inScan, want)
				return
			}
			select {
			case <-finished:
				return
			default:
			}
		}
	})
	all.Wait()
	close(finished)
	reader.Wait()
}

// A table is deleted and created again while clients write to it.
func TestTablesDroppedUnderWrites(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "flicker", "pk S", nil, nil)
	finished := make(chan struct{})
	var writers sync.WaitGroup
	for c := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-finished:
					return
				default:
				}
				_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
					TableName: aws.String("flicker"),
					Item:      item{"pk": str(fmt.Sprint(c, i))},
				})
				if code := errorCode(err); err != nil && code != "ResourceNotFoundException" {
					t.Errorf("got %v, want no error or a missing table", err)
					return
				}
			}
		})
	}
	for range 20 {
		if _, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("flicker")}); err != nil {
			t.Error(err)
		}
		f.createTable(t, "flicker", "pk S", nil, nil)
	}
	close(finished)
	writers.Wait()
	out, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("flicker"), Select: types.SelectCount})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "items and their count", int64(out.Count), *f.describe(t, "flicker").ItemCount)
}
