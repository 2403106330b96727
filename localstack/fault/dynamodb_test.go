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

// code is an error's code, or "no answer".
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, io.EOF), strings.Contains(err.Error(),
		"reset"), strings.Contains(err.Error(), "closed"), strings.Contains(err.Error(), "aborted"):
		return "no answer"
	}
	return err.Error()
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
				t.Errorf("PutItem: %q (%v), want %q", got, err, c.want)
			}
			var status interface{ HTTPStatusCode() int }
			if c.want == "InternalServerError" &&
				(!errors.As(err, &status) || status.HTTPStatusCode() != http.StatusInternalServerError) {
				t.Errorf("not a 500: %v", err)
			}
			want := uint64(1)
			if c.want == "" {
				want = 0
			}
			s.cleared(want)
			if got := s.exists(id); got != c.committed {
				t.Errorf("the item is there: %v, want %v", got, c.committed)
			}
			if err := s.put(id); err != nil {
				t.Errorf("after DELETE: %v", err)
			}
		})
	}
}

func TestConflictCancelsATransaction(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.conflict","target":"TransactWriteItems","table":"things"}`)
	err := s.transact("a", "b")
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 {
		t.Fatalf("TransactWriteItems: %v", err)
	}
	for _, r := range cancelled.CancellationReasons {
		if *r.Code != "TransactionConflict" {
			t.Errorf("reason %s", *r.Code)
		}
	}
	if err := s.put("c"); err != nil {
		t.Errorf("another operation: %v", err)
	}
	s.cleared(1)
	if s.exists("a") {
		t.Error("a cancelled transaction wrote")
	}
	if err := s.transact("a", "b"); err != nil {
		t.Errorf("after DELETE: %v", err)
	}
}

func TestConflictsAreOfOperationsThatCanMeetATransaction(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.conflict"}`)
	if s.exists("a") {
		t.Error("there is an item")
	}
	s.cleared(0)
}

// What failed by itself has no effect whose answer could be lost.
func TestOnlyAnswersOfSuccessAreLost(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.lose-answer"}`)
	_, err := s.tables().PutItem(t.Context(), &sdk.PutItemInput{
		TableName:           aws.String("things"),
		Item:                thing("a"),
		ConditionExpression: aws.String("attribute_exists(id)"),
	})
	if got := code(err); got != "ConditionalCheckFailedException" {
		t.Errorf("PutItem: %q (%v)", got, err)
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
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.tables().ListTables(t.Context(), &sdk.ListTablesInput{}); err != nil {
		t.Errorf("a request without a table: %v", err)
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
		t.Errorf("%d failed, want 2", failed)
	}
	s.cleared(2)
}
