package conformance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Developer Guide, "Transaction conflict handling in DynamoDB".

// TestE6_Conflicts runs transactions and plain writes on the same items. No
// reader may see half of a transaction, every write that succeeds must be
// counted, and a failed one must fail with the error of a conflict.
func TestE6_Conflicts(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","n":0}`, `{"pk":"b","n":0}`)
	const rounds, workers = 25, 4
	var (
		mu       sync.Mutex
		added    = map[string]int{}
		problems []string
		wg       sync.WaitGroup
	)
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	add := expressions(t, "UpdateExpression", "ADD n {1}")
	both := writes(action("Update", `"Key":{"pk":"a"},`+add), action("Update", `"Key":{"pk":"b"},`+add))
	work := func(operation, request string, done func(answer)) {
		wg.Go(func() {
			for range rounds {
				done(tb.call(t, operation, request))
			}
		})
	}
	for range workers {
		work("TransactWriteItems", both, func(got answer) {
			switch {
			case got.Status == 200:
				mu.Lock()
				added["a"]++
				added["b"]++
				mu.Unlock()
			case got.Code == "TransactionCanceledException":
				for _, reason := range got.Body["CancellationReasons"].([]any) {
					if code := reason.(map[string]any)["Code"]; code != "TransactionConflict" && code != "None" {
						note("a transaction: got the reason %v, want TransactionConflict", code)
					}
				}
				if !strings.Contains(got.Message, "TransactionConflict") {
					note("a transaction: got the message %q, want TransactionConflict in it", got.Message)
				}
			default:
				note("a transaction: got %s, want success or a conflict", got)
			}
		})
		work("UpdateItem", `{"Key":{"pk":"a"},`+add+`}`, func(got answer) {
			switch {
			case got.Status == 200:
				mu.Lock()
				added["a"]++
				mu.Unlock()
			case got.Code != "TransactionConflictException":
				note("a write: got %s, want success or a conflict", got)
			}
		})
		work("TransactGetItems",
			writes(action("Get", `"Key":{"pk":"a"}`), action("Get", `"Key":{"pk":"b"}`)), func(got answer) {
				if got.Status != 200 && got.Code != "TransactionCanceledException" {
					note("a read: got %s, want success or a conflict", got)
				}
			})
	}
	wg.Wait()
	for _, p := range problems {
		t.Error(p)
	}
	for _, pk := range []string{"a", "b"} {
		if n := tb.get(t, fmt.Sprintf(`{"pk":%q}`, pk)).at("Item", "n", "N"); n != fmt.Sprint(added[pk]) {
			t.Errorf("got %v in item %s, want %d", n, pk, added[pk])
		}
	}
}
