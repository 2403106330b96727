package dynamodb

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/sotto-chat/sotto/localstack/trace"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

// last returns the latest event.
func last(t *testing.T, r *tracetest.Recorder) trace.Event {
	t.Helper()
	events := r.Events()
	if len(events) == 0 {
		t.Fatal("got no event, want one")
	}
	return events[len(events)-1]
}

// errorCode returns the code of an API error, or "" for any other error.
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestTraceHasEveryRequest(t *testing.T) {
	var recorder tracetest.Recorder
	f := open(t, Options{Trace: &recorder})
	f.createTable(t, "notes", "pk S", []index{{"by-tag", "tag S", "ALL"}}, nil)
	name := aws.String("notes")
	note := item{"pk": str("1"), "tag": str("a"), "body": str(long(3000))} // 3 units and 3 in the index

	for _, tt := range []struct {
		what, operation, code string
		run                   func() error
		reads, writes         float64
	}{
		{"put", "PutItem", "", func() error {
			_, err := f.PutItem(t.Context(), &sdk.PutItemInput{TableName: name, Item: note})
			return err
		}, 0, 6},
		{"a failed condition costs the units of the existing item", "PutItem",
			"ConditionalCheckFailedException", func() error {
				_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
					TableName:           name,
					Item:                note,
					ConditionExpression: aws.String("attribute_not_exists(pk)"),
				})
				return err
			}, 0, 3},
		{"get", "GetItem", "", func() error {
			_, err := f.GetItem(t.Context(), &sdk.GetItemInput{
				TableName:      name,
				Key:            item{"pk": str("1")},
				ConsistentRead: aws.Bool(true),
			})
			return err
		}, 1, 0},
		{"query", "Query", "", func() error {
			_, err := f.Query(t.Context(), &sdk.QueryInput{
				TableName:                 name,
				KeyConditionExpression:    aws.String("pk = :p"),
				ExpressionAttributeValues: item{":p": str("1")},
			})
			return err
		}, 0.5, 0},
		{"transaction", "TransactWriteItems", "", func() error {
			_, err := f.TransactWriteItems(t.Context(),
				&sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
					{Put: &types.Put{TableName: name, Item: item{"pk": str("2")}}}}})
			return err
		}, 0, 2},
		{"describe", "DescribeTable", "", func() error {
			_, err := f.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: name})
			return err
		}, 0, 0},
	} {
		t.Run(tt.what, func(t *testing.T) {
			err := tt.run()
			if code := errorCode(err); code != tt.code {
				t.Fatalf("got the error %v, want %q", err, tt.code)
			}
			got := last(t, &recorder)
			status := http.StatusOK
			if tt.code != "" {
				status = http.StatusBadRequest
			}
			if got.Kind != trace.Request || got.Operation != tt.operation || got.Resource != "notes" ||
				got.Status != status ||
				got.Error != tt.code || got.RequestID == "" || got.Duration <= 0 || got.At.IsZero() {
				t.Errorf("got %+v, want a %s on notes with status %d and error %q", got, tt.operation, status, tt.code)
			}
			if got.ReadUnits != tt.reads || got.WriteUnits != tt.writes {
				t.Errorf("got %v read and %v write units, want %v and %v", got.ReadUnits, got.WriteUnits,
					tt.reads, tt.writes)
			}
		})
	}
}

func TestTraceNamesTheCaller(t *testing.T) {
	var recorder tracetest.Recorder
	f := open(t, Options{Trace: &recorder})
	caller := trace.Caller{Function: "send", Invocation: "c0ffee"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.engine.ServeHTTP(w, r.WithContext(trace.WithCaller(r.Context(), caller)))
	}))
	defer server.Close()
	if _, err := newClient(server.URL).ListTables(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := last(t, &recorder); got.Function != "send" || got.Invocation != "c0ffee" {
		t.Errorf("got %+v, want the function and invocation of %+v", got, caller)
	}
}

func TestSnapshot(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "notes", "pk S, at N", []index{{"by-tag", "tag S", "ALL"}},
		[]index{{"by-size", "pk S, size N", "KEYS_ONLY"}})
	for i := range 3 {
		f.put(t, "notes", item{"pk": str("p"), "at": num(i), "tag": str("a"), "body": str("shown")})
	}
	tables, err := f.engine.Tables()
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 1 {
		t.Fatalf("got the tables %+v, want one", tables)
	}
	got := tables[0]
	if got.Name != "notes" || got.Items != 3 || got.Bytes == 0 || got.Key != "pk (S), at (N)" ||
		got.Status != "ACTIVE" || len(got.Indexes) != 2 {
		t.Errorf("got %+v, want 3 items and 2 indexes in notes", got)
	}
	if x := got.Indexes[1]; x.Name != "by-tag" || x.Local || x.Items != 3 || x.Key != "tag (S)" ||
		x.Projection != "ALL" {
		t.Errorf("got the index %+v, want by-tag with 3 items", x)
	}
	items, err := f.engine.Peek("notes", 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 2 || items[0] != `{"at":{"N":"0"},"body":{"S":"shown"},"pk":{"S":"p"},"tag":{"S":"a"}}` {
		t.Errorf("got the items %v, want the first two", items)
	}
	if _, err := f.engine.Peek("none", 2); err == nil {
		t.Error("got no error for a table that does not exist, want one")
	}
}
