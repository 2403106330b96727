package fault_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func thing(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
}

func (s *stack) put(id string) error {
	_, err := s.tables().PutItem(s.t.Context(), &sdk.PutItemInput{TableName: aws.String("things"), Item: thing(id)})
	return err
}

func (s *stack) transact(ids ...string) error {
	in := &sdk.TransactWriteItemsInput{}
	for _, id := range ids {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{
			TableName: aws.String("things"),
			Item:      thing(id),
		}})
	}
	_, err := s.tables().TransactWriteItems(s.t.Context(), in)
	return err
}

func (s *stack) exists(id string) bool {
	s.t.Helper()
	out, err := s.tables().GetItem(s.t.Context(), &sdk.GetItemInput{
		TableName:      aws.String("things"),
		Key:            thing(id),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Item != nil
}

// code returns an error's code, or "no answer" for a lost connection.
func code(err error) string {
	if err == nil {
		return ""
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	text := err.Error()
	if errors.Is(err, io.EOF) || strings.Contains(text, "reset") || strings.Contains(text, "closed") ||
		strings.Contains(text, "aborted") {
		return "no answer"
	}
	return text
}

func TestDatabaseFaults(t *testing.T) {
	s := start(t)
	for i, c := range []struct {
		fault     string
		want      string
		committed bool
	}{
		{`{"kind":"dynamodb.throughput","target":"PutItem"}`, "ProvisionedThroughputExceededException", false},
		{`{"kind":"dynamodb.throughput","target":"PutItem","table":"things"}`,
			"ProvisionedThroughputExceededException", false},
		{`{"kind":"dynamodb.throughput","target":"PutItem","table":"others"}`, "", true},
		{`{"kind":"dynamodb.throughput","target":"UpdateItem"}`, "", true},
		{`{"kind":"dynamodb.throughput","probability":0}`, "", true},
		{`{"kind":"dynamodb.throttling"}`, "ThrottlingException", false},
		{`{"kind":"dynamodb.conflict"}`, "TransactionConflictException", false},
		{`{"kind":"dynamodb.error"}`, "InternalServerError", false},
		{`{"kind":"dynamodb.lose-answer","target":"PutItem"}`, "no answer", true},
		{`{"kind":"dynamodb.lose-answer","target":"PutItem","delay":"1ms"}`, "no answer", true},
		{`{"kind":"dynamodb.late-error","target":"PutItem","delay":"1ms"}`, "InternalServerError", true},
	} {
		t.Run(c.fault, func(t *testing.T) {
			id := fmt.Sprint("thing", i)
			s.t = t
			s.set(c.fault)
			err := s.put(id)
			if got := code(err); got != c.want {
				t.Errorf("PutItem: got %q (%v), want %q", got, err, c.want)
			}
			if c.want == "InternalServerError" {
				status, ok := errors.AsType[*smithyhttp.ResponseError](err)
				if !ok || status.HTTPStatusCode() != http.StatusInternalServerError {
					t.Errorf("got %v, want status 500", err)
				}
			}
			want := uint64(1)
			if c.want == "" {
				want = 0
			}
			s.cleared(want)
			if got := s.exists(id); got != c.committed {
				t.Errorf("the item exists: got %t, want %t", got, c.committed)
			}
			if err := s.put(id); err != nil {
				t.Errorf("PutItem after DELETE: got %v, want success", err)
			}
		})
	}
}

func TestConflictCancelsATransaction(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.conflict","target":"TransactWriteItems","table":"things"}`)
	err := s.transact("a", "b")
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(cancelled.CancellationReasons) != 2 {
		t.Fatalf("TransactWriteItems: got %v, want a cancellation with 2 reasons", err)
	}
	for _, r := range cancelled.CancellationReasons {
		if *r.Code != "TransactionConflict" {
			t.Errorf("reason: got %s, want TransactionConflict", *r.Code)
		}
	}
	if err := s.put("c"); err != nil {
		t.Errorf("PutItem: got %v, want success", err)
	}
	s.cleared(1)
	if s.exists("a") {
		t.Error("a cancelled transaction wrote an item")
	}
	if err := s.transact("a", "b"); err != nil {
		t.Errorf("TransactWriteItems after DELETE: got %v, want success", err)
	}
}

func TestConflictLeavesReadsAlone(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.conflict"}`)
	if s.exists("a") {
		t.Error("got an item, want none")
	}
	s.cleared(0)
}

// A request that failed without the fault has no effect whose answer could be
// lost.
func TestOnlyAnswersOfSuccessAreLost(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.lose-answer"}`)
	_, err := s.tables().PutItem(t.Context(), &sdk.PutItemInput{
		TableName:           aws.String("things"),
		Item:                thing("a"),
		ConditionExpression: aws.String("attribute_exists(id)"),
	})
	if got := code(err); got != "ConditionalCheckFailedException" {
		t.Errorf("PutItem: got %q (%v), want ConditionalCheckFailedException", got, err)
	}
	s.cleared(0)
}

func TestTablesOfARequest(t *testing.T) {
	s := start(t)
	batch := func() error {
		_, err := s.tables().BatchGetItem(t.Context(),
			&sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				"things": {Keys: []map[string]types.AttributeValue{thing("a")}},
			}})
		return err
	}
	byARN := func() error {
		_, err := s.tables().DescribeTable(t.Context(), &sdk.DescribeTableInput{
			TableName: aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/things")})
		return err
	}
	s.set(`{"kind":"dynamodb.error","table":"things"}`)
	for name, err := range map[string]error{"batch": batch(), "by ARN": byARN(), "transaction": s.transact("a")} {
		if got := code(err); got != "InternalServerError" {
			t.Errorf("%s: got %v, want InternalServerError", name, err)
		}
	}
	if _, err := s.tables().ListTables(t.Context(), &sdk.ListTablesInput{}); err != nil {
		t.Errorf("a request without a table: got %v, want success", err)
	}
	s.cleared(3)
	if err := errors.Join(batch(), byARN(), s.transact("a")); err != nil {
		t.Error(err)
	}
}

func TestCountBoundsStrikes(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.error","target":"PutItem","count":2}`)
	var failed int
	for range 5 {
		if s.put("a") != nil {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("got %d failed requests, want 2", failed)
	}
	s.cleared(2)
}
