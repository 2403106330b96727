package dynamodb

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %v\nwant %v", what, dump(got), dump(want))
	}
}

func TestPutGetDelete(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "notes", "pk S, sk N", nil, nil)
	one := item{"pk": str("ada"), "sk": num(1), "text": str("hello"), "blob": bin("\x00\x01"),
		"tags": &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
		"deep": &types.AttributeValueMemberM{Value: item{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1.5"), &types.AttributeValueMemberNULL{Value: true}}}}}}
	f.put(t, "notes", one)
	k := item{"pk": str("ada"), "sk": num(1)}
	same(t, "item", f.get(t, "notes", k), one)

	out, err := f.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:    aws.String("notes"),
		Item:         item{"pk": str("ada"), "sk": num(1), "text": str("again")},
		ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ALL_OLD of a put", out.Attributes, one)

	del, err := f.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName:    aws.String("notes"),
		Key:          k,
		ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ALL_OLD of a delete", del.Attributes, item{"pk": str("ada"), "sk": num(1), "text": str("again")})
	if got := f.get(t, "notes", k); got != nil {
		t.Errorf("got %v after the delete, want no item", got)
	}
}

func TestReturnValuesOfUpdate(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "notes", "pk S", nil, nil)
	for _, tt := range []struct {
		mode   types.ReturnValue
		before item
		want   item
	}{
		{types.ReturnValueNone, item{"pk": str("x"), "a": num(1), "b": num(2)}, nil},
		{types.ReturnValueAllOld, item{"pk": str("x"), "a": num(1), "b": num(2)},
			item{"pk": str("x"), "a": num(1), "b": num(2)}},
		{types.ReturnValueAllNew, item{"pk": str("x"), "a": num(1), "b": num(2)},
			item{"pk": str("x"), "a": num(6), "b": num(2), "c": str("new")}},
		{types.ReturnValueUpdatedOld, item{"pk": str("x"), "a": num(1), "b": num(2)}, item{"a": num(1)}},
		{types.ReturnValueUpdatedNew, item{"pk": str("x"), "a": num(1), "b": num(2)},
			item{"a": num(6), "c": str("new")}},
		{types.ReturnValueAllOld, nil, nil},
		{types.ReturnValueUpdatedOld, nil, nil},
		{types.ReturnValueAllNew, nil, item{"pk": str("x"), "a": num(5), "c": str("new")}},
	} {
		if _, err := f.DeleteItem(t.Context(), &sdk.DeleteItemInput{
			TableName: aws.String("notes"),
			Key:       item{"pk": str("x")},
		}); err != nil {
			t.Fatal(err)
		}
		if tt.before != nil {
			f.put(t, "notes", tt.before)
		}
		out, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName:                 aws.String("notes"),
			Key:                       item{"pk": str("x")},
			UpdateExpression:          aws.String("SET a = if_not_exists(a, :zero) + :five, c = :new"),
			ExpressionAttributeValues: item{":five": num(5), ":zero": num(0), ":new": str("new")},
			ReturnValues:              tt.mode,
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, string(tt.mode), out.Attributes, tt.want)
	}
}

func TestUpdateWithoutExpressionCreatesTheItem(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "notes", "pk S", nil, nil)
	k := item{"pk": str("x")}
	if _, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{TableName: aws.String("notes"), Key: k}); err != nil {
		t.Fatal(err)
	}
	same(t, "item", f.get(t, "notes", k), k)
}

func TestConditionFailureShowsTheItem(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "notes", "pk S", nil, nil)
	old := item{"pk": str("x"), "a": num(1)}
	f.put(t, "notes", old)
	in := &sdk.PutItemInput{
		TableName:                           aws.String("notes"),
		Item:                                item{"pk": str("x")},
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	_, err := f.PutItem(t.Context(), in)
	wantError(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		t.Fatalf("got an error of type %T, want a ConditionalCheckFailedException", err)
	}
	same(t, "item", failed.Item, old)

	in.ReturnValuesOnConditionCheckFailure = ""
	_, err = f.PutItem(t.Context(), in)
	failed, ok = errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok || failed.Item != nil {
		t.Errorf("got %v with the item %v, want a ConditionalCheckFailedException without one", err, failed.Item)
	}
	same(t, "item after the failures", f.get(t, "notes", item{"pk": str("x")}), old)
}

// long returns a string of n bytes.
func long(n int) string { return strings.Repeat("x", n) }

func TestItemValidation(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "items", "pk S, sk N",
		[]index{{"by-owner", "owner S, at N", "ALL"}}, []index{{"by-rank", "pk S, grade B", "KEYS_ONLY"}})
	put := func(it item) func() error {
		return func() error {
			_, err := f.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("items"), Item: it})
			return err
		}
	}
	update := func(expression string, values item) func() error {
		return func() error {
			_, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
				TableName:                 aws.String("items"),
				Key:                       item{"pk": str("a"), "sk": num(1)},
				UpdateExpression:          &expression,
				ExpressionAttributeValues: values,
			})
			return err
		}
	}
	get := func(k item) func() error {
		return func() error {
			_, err := f.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("items"), Key: k})
			return err
		}
	}
	const mismatch = "The provided key element does not match the schema"
	for _, tt := range []struct {
		name    string
		do      func() error
		message string
	}{
		{"missing key", put(item{"pk": str("a")}),
			"One or more parameter values were invalid: Missing the key sk in the item"},
		{"key of the wrong type", put(item{"pk": str("a"), "sk": str("1")}),
			"One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S"},
		{"empty key", put(item{"pk": str(""), "sk": num(1)}),
			"The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		{"long hash key", put(item{"pk": str(long(2049)), "sk": num(1)}),
			"Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"longest hash key", put(item{"pk": str(long(2048)), "sk": num(1)}), ""},
		{"index key of the wrong type", put(item{"pk": str("a"), "sk": num(1), "owner": num(1)}),
			"Type mismatch for Index Key owner Expected: S Actual: N IndexName: by-owner"},
		{"empty index key", put(item{"pk": str("a"), "sk": num(1), "grade": bin("")}),
			"cannot contain an empty binary value. IndexName: by-rank, IndexKey: grade"},
		{"long range key of an index", put(item{"pk": str("a"), "sk": num(1), "grade": bin(long(1025))}),
			"Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		{"largest item", put(item{"pk": str("a"), "sk": num(1), "t": str(long(400<<10 - 2 - 1 - 2 - 2 - 1))}), ""},
		{"too large an item", put(item{"pk": str("a"), "sk": num(1), "t": str(long(400<<10 - 2 - 1 - 2 - 2))}),
			"Item size has exceeded the maximum allowed size"},
		{"too large an update", update("SET u = :u", item{":u": str(long(400 << 10))}),
			"Item size to update has exceeded the maximum allowed size"},
		{"update of a key", update("SET sk = :v", item{":v": num(2)}),
			"One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key"},
		{"removal of a key", update("REMOVE pk", nil), "Cannot update attribute pk. This attribute is part of the key"},
		{"update of an index key", update("SET grade = :v", item{":v": str("no")}),
			"The update expression attempted to update the secondary index key to unsupported type"},
		{"get without range key", get(item{"pk": str("a")}), mismatch},
		{"get with another attribute", get(item{"pk": str("a"), "at": num(1)}), mismatch},
		{"get with the wrong type", get(item{"pk": str("a"), "sk": str("1")}), mismatch},
		{"get with more", get(item{"pk": str("a"), "sk": num(1), "x": num(1)}), mismatch},
		{"get with an empty key", get(item{"pk": str(""), "sk": num(1)}),
			"cannot contain an empty string value. Key: pk"},
		{"unused value", update("REMOVE a", item{":v": num(1)}), "unused in expressions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			if tt.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "ValidationException", tt.message)
		})
	}
}

func TestParametersWithoutEffectAreRefused(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "items", "pk S", nil, nil)
	_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:    aws.String("items"),
		Item:         item{"pk": str("a")},
		ReturnValues: types.ReturnValueAllNew,
	})
	wantError(t, err, "ValidationException", "ReturnValues can only be ALL_OLD or NONE")
	_, err = f.GetItem(t.Context(), &sdk.GetItemInput{
		TableName:                aws.String("items"),
		Key:                      item{"pk": str("a")},
		ExpressionAttributeNames: map[string]string{"#a": "a"},
	})
	wantError(t, err, "ValidationException", "ExpressionAttributeNames can only be specified when using expressions")
}

func TestNoTable(t *testing.T) {
	f := open(t, Options{})
	_, err := f.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("nothing"), Key: item{"pk": str("a")}})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found")
}

func TestProjection(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "notes", "pk S", nil, nil)
	f.put(t, "notes", item{"pk": str("x"), "a": num(1), "name": str("n")})
	out, err := f.GetItem(t.Context(), &sdk.GetItemInput{
		TableName:                aws.String("notes"),
		Key:                      item{"pk": str("x")},
		ProjectionExpression:     aws.String("#n, nothing"),
		ExpressionAttributeNames: map[string]string{"#n": "name"},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "projected", out.Item, item{"name": str("n")})
}
