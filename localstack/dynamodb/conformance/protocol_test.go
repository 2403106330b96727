package conformance

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"testing"
)

// Developer Guide, "DynamoDB low-level API" and "Error handling with DynamoDB".

func TestProtocol(t *testing.T) {
	tb := newTable(t, "pk S")
	const target, coral, own = "DynamoDB_20120810.", "com.amazon.coral.service#", "com.amazonaws.dynamodb.v20120810#"
	for _, c := range []struct {
		name, operation, body string
		headers               map[string]string
		status                int
		kind                  string // __type
	}{
		{"an answer", target + "ListTables", `{}`, nil, 200, ""},
		{"JSON with spaces", target + "ListTables", " {\n\t} ", nil, 200, ""},
		{"unknown members", target + "ListTables", `{"Whatever":{"a":[1]}}`, nil, 200, ""},
		{"no operation", "", `{}`, nil, 400, coral + "UnknownOperationException"},
		{"an unknown operation", target + "MakeTable", `{}`, nil, 400, coral + "UnknownOperationException"},
		{"another version", "DynamoDB_20111205.ListTables", `{}`, nil, 400, coral + "UnknownOperationException"},
		{"a lower-case operation", target + "listTables", `{}`, nil, 400, coral + "UnknownOperationException"},
		{"no JSON", target + "ListTables", `{`, nil, 400, coral + "SerializationException"},
		{"no body", target + "ListTables", ``, nil, 400, coral + "SerializationException"},
		{"a list", target + "ListTables", `[]`, nil, 400, coral + "SerializationException"},
		{"no signature", target + "ListTables", `{}`, map[string]string{"Authorization": ""}, 400,
			coral + "MissingAuthenticationTokenException"},
		{"a list as text", target + "DescribeTable", `{"TableName":[]}`, nil, 400, coral + "SerializationException"},
		{"a number as text", target + "DescribeTable", `{"TableName":5}`, nil, 400, coral + "SerializationException"},
		{"a text as number", target + "ListTables", `{"Limit":"5"}`, nil, 400, coral + "SerializationException"},
		{"a wrong value", target + "DescribeTable", `{"TableName":"x"}`, nil, 400,
			"com.amazon.coral.validate#ValidationException"},
		{"a missing table", target + "DescribeTable", `{"TableName":"conformance-nothing"}`, nil,
			400, own + "ResourceNotFoundException"},
		{"lower-case members", target + "DescribeTable", fmt.Sprintf(`{"tableName":%q}`, tb.name), nil,
			400, "…ValidationException"},
		{"a failed condition", target + "DeleteItem",
			fmt.Sprintf(`{"TableName":%q,"Key":{"pk":{"S":"a"}},"ConditionExpression":"attribute_exists(pk)"}`,
				tb.name), nil, 400, own + "ConditionalCheckFailedException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := raw(t.Context(), t, c.operation, c.body, c.headers)
			kind, _ := got.Body["__type"].(string)
			if got.Status != c.status || !textMatches(kind, c.kind) {
				t.Errorf("got %d %s, want %d %s", got.Status, got.Text, c.status, c.kind)
			}
			if id := got.Header.Get("X-Amzn-Requestid"); !regexp.MustCompile("^[A-Z0-9]{52}$").MatchString(id) {
				t.Errorf("got the request id %q, want 52 capital letters and digits", id)
			}
			if sum := got.Header.Get("X-Amz-Crc32"); sum != fmt.Sprint(crc32.ChecksumIEEE([]byte(got.Text))) {
				t.Errorf("got the checksum %s, want the CRC-32 of the body", sum)
			}
			if kind := got.Header.Get("Content-Type"); kind != "application/x-amz-json-1.0" {
				t.Errorf("got the content type %s, want application/x-amz-json-1.0", kind)
			}
			if c.status != 200 && got.Message == "" &&
				!strings.HasSuffix(kind, "UnknownOperationException") &&
				!strings.HasSuffix(kind, "SerializationException") {
				t.Errorf("got no message in %s, want one", got.Text)
			}
		})
	}
}

// TestRequiredMembers sends requests without a required member.
func TestRequiredMembers(t *testing.T) {
	tb := newTable(t, "pk S")
	for _, c := range []struct{ operation, request string }{
		{"GetItem", `{"TableName":null,"Key":{"pk":"a"}}`}, {"GetItem", `{}`}, {"PutItem", `{}`},
		{"PutItem", `{"TableName":null,"Item":{"pk":"a"}}`}, {"DeleteItem", `{}`}, {"UpdateItem", `{}`},
		{"Query", `{"TableName":null}`}, {"Scan", `{"TableName":null}`}, {"BatchGetItem", `{}`},
		{"BatchWriteItem", `{}`}, {"TransactGetItems", `{}`}, {"TransactWriteItems", `{}`},
		{"CreateTable", `{}`}, {"DescribeTable", `{"TableName":null}`},
		{"DeleteTable", `{"TableName":null}`}, {"UpdateTable", `{"TableName":null}`},
		{"UpdateTimeToLive", `{}`}, {"DescribeTimeToLive", `{"TableName":null}`},
		{"TagResource", `{}`}, {"UntagResource", `{}`}, {"ListTagsOfResource", `{}`},
	} {
		t.Run(c.operation+" "+c.request, func(t *testing.T) {
			got := tb.call(t, c.operation, c.request)
			if got.Status != 400 || got.Code != "ValidationException" || got.Message == "" {
				t.Errorf("got %d %s, want 400 ValidationException with a message", got.Status, got)
			}
		})
	}
}
