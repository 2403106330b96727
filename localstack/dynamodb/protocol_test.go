package dynamodb

import (
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// raw sends one request without an SDK. An empty target or authorization is
// left out of the headers.
func (f *fixture) raw(t *testing.T, target, authorization, body string) (status int, errorType, message string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "application/x-amz-json-1.0" {
		t.Errorf("got Content-Type %q, want application/x-amz-json-1.0", got)
	}
	if got, want := response.Header.Get("X-Amz-Crc32"), strconv.Itoa(int(crc32.ChecksumIEEE(answer))); got != want {
		t.Errorf("got X-Amz-Crc32 %s, want %s", got, want)
	}
	if id := response.Header.Get("x-amzn-RequestId"); len(id) != 52 {
		t.Errorf("got x-amzn-RequestId %q, want 52 characters", id)
	}
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		t.Fatalf("got the response %q, want JSON: %v", answer, err)
	}
	return response.StatusCode, e.Type, e.Message
}

func TestProtocolErrors(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "things", "pk S", nil, nil)
	const (
		prefix   = "DynamoDB_20120810."
		sig      = "AWS4-HMAC-SHA256 Credential=x"
		service  = "com.amazon.coral.service#"
		own      = "com.amazonaws.dynamodb.v20120810#"
		validate = "com.amazon.coral.validate#"
	)
	for _, tt := range []struct {
		name, target, auth, body string
		status                   int
		errorType, message       string
	}{
		{"no target", "", sig, "{}", 400, service + "UnknownOperationException", ""},
		{"unknown operation", prefix + "ExportTableToPointInTime", sig, "{}", 400,
			service + "UnknownOperationException", "ExportTableToPointInTime"},
		{"other service", "Kinesis_20131202.ListStreams", sig, "{}", 400, service + "UnknownOperationException", ""},
		{"no credentials", prefix + "ListTables", "", "{}", 400,
			service + "MissingAuthenticationTokenException", "Request is missing Authentication Token"},
		{"not JSON", prefix + "ListTables", sig, "{", 400, service + "SerializationException", ""},
		{"no body", prefix + "ListTables", sig, "", 400, service + "SerializationException", ""},
		{"number for text", prefix + "DescribeTable", sig, `{"TableName":5}`, 400,
			service + "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{"text for number", prefix + "ListTables", sig, `{"Limit":"5"}`, 400,
			service + "SerializationException", "STRING_VALUE cannot be converted to Long"},
		{"text for boolean", prefix + "GetItem", sig, `{"ConsistentRead":"yes"}`, 400,
			service + "SerializationException", "STRING_VALUE cannot be converted to Boolean"},
		{"list for text", prefix + "DescribeTable", sig, `{"TableName":[]}`, 400,
			service + "SerializationException", "Start of list found where not expected"},
		{"object for text", prefix + "DescribeTable", sig, `{"TableName":{}}`, 400,
			service + "SerializationException", "Start of structure or map found where not expected."},
		{"null member", prefix + "DescribeTable", sig, `{"TableName":null}`, 400, validate + "ValidationException",
			"The parameter 'TableName' is required but was not present in the request"},
		{"null member of an item operation", prefix + "GetItem", sig,
			`{"TableName":null,"Key":{"pk":{"S":"a"}}}`, 400, validate + "ValidationException",
			"1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"},
		{"empty name", prefix + "GetItem", sig, `{"TableName":"","Key":{"pk":{"S":"a"}}}`, 400,
			validate + "ValidationException",
			"1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"empty value", prefix + "PutItem", sig, `{"TableName":"things","Item":{"pk":{}}}`, 400,
			validate + "ValidationException",
			"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"several constraints", prefix + "PutItem", sig, `{"TableName":"x","ReturnValues":"SOME"}`, 400,
			validate + "ValidationException",
			"3 validation errors detected: Value 'x' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3; " +
				"Value 'SOME' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; " +
				"Value null at 'item' failed to satisfy constraint: Member must not be null"},
		{"bad table name", prefix + "DescribeTable", sig, `{"TableName":"a b c"}`, 400,
			validate + "ValidationException",
			"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"},
		{"no such table", prefix + "DescribeTable", sig, `{"TableName":"nothing"}`, 400,
			own + "ResourceNotFoundException", "Requested resource not found: Table: nothing not found"},
		{"too large", prefix + "ListTables", sig, strings.Repeat(" ", maxBody+1), 413,
			service + "RequestEntityTooLargeException", ""},
		{"members are case-sensitive", prefix + "DescribeTable", sig, `{"tablename":"things"}`, 400,
			validate + "ValidationException", "The parameter 'TableName' is required"},
		{"unknown members are ignored", prefix + "DescribeTable", sig, `{"TableName":"things","Zork":1}`, 200, "", ""},
		{"a table by ARN", prefix + "DescribeTable", sig,
			`{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/things"}`, 200, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, errorType, message := f.raw(t, tt.target, tt.auth, tt.body)
			if status != tt.status || errorType != tt.errorType || !strings.Contains(message, tt.message) {
				t.Errorf("got  %d %s %q\nwant %d %s %q", status, errorType, message, tt.status,
					tt.errorType, tt.message)
			}
		})
	}
}

func TestClosedEngineRefuses(t *testing.T) {
	f := open(t, Options{})
	if err := f.engine.Close(); err != nil {
		t.Fatal(err)
	}
	status, errorType, _ := f.raw(t, "DynamoDB_20120810.ListTables", "x", "{}")
	if status != http.StatusServiceUnavailable || !strings.HasSuffix(errorType, "#ServiceUnavailableException") {
		t.Errorf("got %d %s, want 503 ServiceUnavailableException", status, errorType)
	}
}
