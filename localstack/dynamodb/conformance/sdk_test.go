package conformance

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// These tests use the typed errors, waiters and paginators of the Go SDK.

func TestTypedErrors(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","n":1}`)
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}}
	number := func(item map[string]types.AttributeValue) string {
		n, _ := item["n"].(*types.AttributeValueMemberN)
		if n == nil {
			return ""
		}
		return n.Value
	}
	_, err := target.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName:                           &tb.name,
		Key:                                 key,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok || failed.ErrorMessage() != "The conditional request failed" ||
		number(failed.Item) != "1" {
		t.Errorf("got %v, want a ConditionalCheckFailedException with the item", err)
	}
	_, err = target.client.TransactWriteItems(t.Context(),
		&sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{
				TableName: &tb.name,
				Item:      map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "b"}},
			}},
			{ConditionCheck: &types.ConditionCheck{
				TableName:                           &tb.name,
				Key:                                 key,
				ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			}},
		}})
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || cancelled.ErrorMessage() == "" || len(cancelled.CancellationReasons) != 2 ||
		*cancelled.CancellationReasons[0].Code != "None" ||
		*cancelled.CancellationReasons[1].Code != "ConditionalCheckFailed" ||
		number(cancelled.CancellationReasons[1].Item) != "1" {
		t.Errorf("got %v, want a TransactionCanceledException with two reasons and the item", err)
	}
	_, err = target.client.DescribeTable(t.Context(),
		&sdk.DescribeTableInput{TableName: aws.String("conformance-nothing")})
	missing, ok := errors.AsType[*types.ResourceNotFoundException](err)
	if !ok || missing.ErrorMessage() != "Requested resource not found: Table: conformance-nothing not found" {
		t.Errorf("got %v, want a ResourceNotFoundException that names the table", err)
	}
}

func TestPaginatorsAndWaiters(t *testing.T) {
	tb := newTable(t, "pk S, sk S")
	tb.fill(t, 7, 10)
	pages := sdk.NewQueryPaginator(target.client, &sdk.QueryInput{
		TableName:                 &tb.name,
		Limit:                     aws.Int32(3),
		KeyConditionExpression:    aws.String("pk = :p"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "p"}},
	})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Items))
	}
	if len(sizes) != 3 || sizes[0] != 3 || sizes[1] != 3 || sizes[2] != 1 {
		t.Errorf("got pages of %v items, want 3, 3 and 1", sizes)
	}
	tb.must(t, "DeleteTable", "{}")
	if err := sdk.NewTableNotExistsWaiter(target.client).Wait(t.Context(),
		&sdk.DescribeTableInput{TableName: &tb.name}, timeout); err != nil {
		t.Error(err)
	}
}
