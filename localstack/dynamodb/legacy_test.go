package dynamodb

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// legacyTable has one item with attributes of all types and one with only its
// key.
func legacyTable(t *testing.T) *fixture {
	f := open(t, Options{})
	f.createTable(t, "legacy", "pk S, sk N", nil, nil)
	f.put(t, "legacy",
		item{"pk": str("a"), "sk": num(1), "s": str("hello"), "n": num(5), "b": bin("bytes"),
			"ss":   &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
			"l":    &types.AttributeValueMemberL{Value: []types.AttributeValue{str("in"), num(7)}},
			"flag": &types.AttributeValueMemberBOOL{Value: true}},
		item{"pk": str("a"), "sk": num(2)})
	return f
}

func TestLegacyOperators(t *testing.T) {
	f := legacyTable(t)
	type values = []types.AttributeValue
	for _, tt := range []struct {
		attribute string
		operator  types.ComparisonOperator
		args      values
		want      string // the sort keys of the found items
	}{
		{"s", "EQ", values{str("hello")}, "1"},
		{"s", "EQ", values{num(5)}, ""},
		{"ss", "EQ", values{&types.AttributeValueMemberSS{Value: []string{"y", "x"}}}, "1"},
		{"n", "NE", values{num(5)}, "2"},
		{"n", "NE", values{num(6)}, "1 2"},
		{"n", "LE", values{num(5)}, "1"},
		{"n", "LT", values{num(5)}, ""},
		{"n", "GE", values{num("5.0")}, "1"},
		{"n", "GT", values{num("4.9")}, "1"},
		{"n", "BETWEEN", values{num(4), num(5)}, "1"},
		{"n", "IN", values{num(3), num(5)}, "1"},
		{"n", "NOT_NULL", nil, "1"},
		{"n", "NULL", nil, "2"},
		{"s", "BEGINS_WITH", values{str("he")}, "1"},
		{"b", "BEGINS_WITH", values{bin("by")}, "1"},
		{"s", "CONTAINS", values{str("ell")}, "1"},
		{"ss", "CONTAINS", values{str("x")}, "1"},
		{"l", "CONTAINS", values{num(7)}, "1"},
		{"s", "NOT_CONTAINS", values{str("ell")}, "2"},
	} {
		t.Run(fmt.Sprint(tt.attribute, " ", tt.operator), func(t *testing.T) {
			filter := map[string]types.Condition{tt.attribute: {
				ComparisonOperator: tt.operator,
				AttributeValueList: tt.args,
			}}
			check := func(what string, items []item) {
				got := ""
				for _, it := range items {
					if got != "" {
						got += " "
					}
					got += it["sk"].(*types.AttributeValueMemberN).Value
				}
				if got != tt.want {
					t.Errorf("%s found %q, want %q", what, got, tt.want)
				}
			}
			scan, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("legacy"), ScanFilter: filter})
			if err != nil {
				t.Fatal(err)
			}
			check("ScanFilter", scan.Items)
			query, err := f.Query(t.Context(), &sdk.QueryInput{
				TableName:   aws.String("legacy"),
				QueryFilter: filter,
				KeyConditions: map[string]types.Condition{"pk": {
					ComparisonOperator: "EQ",
					AttributeValueList: values{str("a")},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			check("QueryFilter", query.Items)
			if query.ScannedCount != 2 {
				t.Errorf("QueryFilter evaluated %d items, want 2", query.ScannedCount)
			}
		})
	}
}

func TestLegacyKeyConditions(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "legacy", "pk S, sk N", nil, nil)
	for i := range 5 {
		f.put(t, "legacy", item{"pk": str("a"), "sk": num(i), "text": str("t")})
	}
	type values = []types.AttributeValue
	for _, tt := range []struct {
		operator types.ComparisonOperator
		args     values
		want     int32
		refusal  string
	}{
		{"EQ", values{num(3)}, 1, ""},
		{"LT", values{num(3)}, 3, ""},
		{"LE", values{num(3)}, 4, ""},
		{"GT", values{num(3)}, 1, ""},
		{"GE", values{num(3)}, 2, ""},
		{"BETWEEN", values{num(1), num(3)}, 3, ""},
		{"NE", values{num(3)}, 0, "Attempted conditional constraint is not an indexable operation"},
		{"IN", values{num(3)}, 0, "Attempted conditional constraint is not an indexable operation"},
		{"EQ", values{str("3")}, 0, "Condition parameter type does not match schema type"},
		{"BETWEEN", values{num(3), num(1)}, 0, "lower bound is greater than the upper bound"},
	} {
		out, err := f.Query(t.Context(), &sdk.QueryInput{
			TableName:       aws.String("legacy"),
			AttributesToGet: []string{"sk"},
			KeyConditions: map[string]types.Condition{
				"pk": {ComparisonOperator: "EQ", AttributeValueList: values{str("a")}},
				"sk": {ComparisonOperator: tt.operator, AttributeValueList: tt.args}},
		})
		if tt.refusal != "" {
			wantError(t, err, "ValidationException", tt.refusal)
			continue
		}
		if err != nil {
			t.Errorf("%s: got %v, want no error", tt.operator, err)
			continue
		}
		if out.Count != tt.want || len(out.Items[0]) != 1 {
			t.Errorf("%s found %s, want %d", tt.operator, dump(out.Items), tt.want)
		}
	}
}

func TestLegacyExpected(t *testing.T) {
	f := legacyTable(t)
	hello := types.ExpectedAttributeValue{Value: str("hello")}
	none := types.ExpectedAttributeValue{Exists: aws.Bool(false)}
	for _, tt := range []struct {
		name     string
		expected map[string]types.ExpectedAttributeValue
		operator types.ConditionalOperator
		code     string
		text     string
	}{
		{"value", map[string]types.ExpectedAttributeValue{"s": hello}, "", "", ""},
		{"absence", map[string]types.ExpectedAttributeValue{"none": none}, "", "", ""},
		{"both", map[string]types.ExpectedAttributeValue{"s": hello, "none": none}, "AND", "", ""},
		{"all must hold", map[string]types.ExpectedAttributeValue{"s": hello, "n": none}, "",
			"ConditionalCheckFailedException", ""},
		{"one is enough", map[string]types.ExpectedAttributeValue{"s": hello, "n": none}, "OR", "", ""},
		{"operator", map[string]types.ExpectedAttributeValue{"n": {
			ComparisonOperator: "GT",
			Value:              num(4),
		}}, "", "", ""},
		{"no value", map[string]types.ExpectedAttributeValue{"s": {}}, "", "ValidationException",
			"Value must be provided when Exists is null for Attribute: s"},
		{"exists without value", map[string]types.ExpectedAttributeValue{"s": {Exists: aws.Bool(true)}},
			"", "ValidationException", "Value must be provided when Exists is true for Attribute: s"},
		{"absent value", map[string]types.ExpectedAttributeValue{"s": {
			Exists: aws.Bool(false),
			Value:  str("x"),
		}}, "", "ValidationException", "Value cannot be used when Exists is false for Attribute: s"},
		{"exists and operator", map[string]types.ExpectedAttributeValue{"s": {
			Exists:             aws.Bool(true),
			ComparisonOperator: "NULL",
		}}, "", "ValidationException", "Exists and ComparisonOperator cannot be used together for Attribute: s"},
		{"arguments", map[string]types.ExpectedAttributeValue{"s": {
			ComparisonOperator: "BETWEEN",
			Value:              str("x"),
		}}, "", "ValidationException", "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
		{"type", map[string]types.ExpectedAttributeValue{"s": {
			ComparisonOperator: "BEGINS_WITH",
			Value:              num(1),
		}}, "", "ValidationException", "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
		{"operator on one condition", map[string]types.ExpectedAttributeValue{"s": hello}, "OR",
			"ValidationException", "ConditionalOperator can only be used when Filter or Expected has two or more elements"},
		{"unknown operator", map[string]types.ExpectedAttributeValue{"s": {
			ComparisonOperator: "LIKE",
			Value:              str("x"),
		}}, "", "ValidationException", "at 'expected.s.member.comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
				TableName:           aws.String("legacy"),
				Key:                 item{"pk": str("a"), "sk": num(1)},
				Expected:            tt.expected,
				ConditionalOperator: tt.operator,
			})
			if tt.code != "" {
				wantError(t, err, tt.code, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: aws.String("legacy"),
		Item:      item{"pk": str("a"), "sk": num(1)},
		Expected:  map[string]types.ExpectedAttributeValue{"s": none},
	})
	wantError(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	_, err = f.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName:           aws.String("legacy"),
		Key:                 item{"pk": str("a"), "sk": num(1)},
		Expected:            map[string]types.ExpectedAttributeValue{"s": hello},
		ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	wantError(t, err, "ValidationException",
		"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}")
}

func TestLegacyAttributeUpdates(t *testing.T) {
	f := legacyTable(t)
	type updates = map[string]types.AttributeValueUpdate
	update := func(sk int, u updates) (*sdk.UpdateItemOutput, error) {
		return f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName:        aws.String("legacy"),
			Key:              item{"pk": str("a"), "sk": num(sk)},
			AttributeUpdates: u,
			ReturnValues:     types.ReturnValueUpdatedNew,
		})
	}
	out, err := update(1, updates{
		"s":   {Value: str("bye")},
		"n":   {Action: "ADD", Value: num(2)},
		"new": {Action: "ADD", Value: num(1)},
		"ss":  {Action: "DELETE", Value: &types.AttributeValueMemberSS{Value: []string{"y"}}},
		"b":   {Action: "DELETE"},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "updated", out.Attributes, item{"s": str("bye"), "n": num(7), "new": num(1),
		"ss": &types.AttributeValueMemberSS{Value: []string{"x"}}})

	if _, err := update(8, updates{"b": {Action: "DELETE"}}); err != nil {
		t.Fatal(err)
	}
	if got := f.get(t, "legacy", item{"pk": str("a"), "sk": num(8)}); got != nil {
		t.Errorf("DELETE created the item %s, want none", dump(got))
	}
	if _, err := update(9, updates{"n": {Action: "ADD", Value: num(4)}}); err != nil {
		t.Fatal(err)
	}
	same(t, "ADD to a missing item", f.get(t, "legacy", item{"pk": str("a"), "sk": num(9)}),
		item{"pk": str("a"), "sk": num(9), "n": num(4)})

	for _, tt := range []struct {
		u    updates
		text string
	}{
		{updates{"s": {Action: "PUT"}}, "Only DELETE action is allowed when no attribute value is specified"},
		{updates{"s": {Action: "ADD", Value: str("x")}}, "ADD action is not supported for the type S"},
		{updates{"s": {Action: "DELETE", Value: str("x")}}, "DELETE action with value is not supported for the type S"},
		{updates{"s": {Action: "ADD", Value: num(1)}}, "Type mismatch for attribute to update"},
		{updates{"sk": {Value: num(1)}}, "Cannot update attribute sk. This attribute is part of the key"},
		{updates{"s": {
			Action: "SET",
			Value:  num(1),
		}}, "at 'attributeUpdates.s.member.action' failed to satisfy constraint: Member must satisfy enum value set: [ADD, PUT, DELETE]"},
	} {
		_, err := update(1, tt.u)
		wantError(t, err, "ValidationException", tt.text)
	}
}

func TestLegacyAttributesToGet(t *testing.T) {
	f := legacyTable(t)
	f.put(t, "legacy", item{"pk": str("b"), "sk": num(1), "a.b": str("dotted")})
	name := aws.String("legacy")
	got, err := f.GetItem(t.Context(), &sdk.GetItemInput{
		TableName:       name,
		Key:             item{"pk": str("b"), "sk": num(1)},
		AttributesToGet: []string{"a.b", "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "get", got.Item, item{"a.b": str("dotted")})
	batch, err := f.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"legacy": {Keys: []item{{"pk": str("a"), "sk": num(1)}}, AttributesToGet: []string{"n"}}}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "batch", batch.Responses["legacy"], []item{{"n": num(5)}})
	_, err = f.GetItem(t.Context(), &sdk.GetItemInput{
		TableName:       name,
		Key:             item{"pk": str("b"), "sk": num(1)},
		AttributesToGet: []string{"n", "n"},
	})
	wantError(t, err, "ValidationException", "Duplicate value in attribute name: n")
	_, err = f.Scan(t.Context(), &sdk.ScanInput{
		TableName:       name,
		AttributesToGet: []string{"n"},
		Select:          types.SelectCount,
	})
	wantError(t, err, "ValidationException", "Cannot specify the AttributesToGet when choosing to get COUNT")
}
