package iam_test

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/trace"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

var (
	room  = item{"room": text("lobby")}
	rooms = aws.String("Rooms")
	users = "arn:aws:dynamodb:" + region + ":" + account + ":table/Users"
)

// need is a permission that a call needs.
type need struct{ action, resource string }

// dynamoDBCalls are calls with all the permissions that they need.
var dynamoDBCalls = []struct {
	name  string
	needs []need
	call  dynamoDBCall
}{
	{"PutItem", []need{{"PutItem", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: rooms, Item: room})
		return err
	}},
	{"GetItem by ARN", []need{{"GetItem", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: aws.String(table), Key: room})
		return err
	}},
	{"UpdateItem", []need{{"UpdateItem", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{TableName: rooms, Key: room})
		return err
	}},
	{"DeleteItem", []need{{"DeleteItem", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{TableName: rooms, Key: room})
		return err
	}},
	{"Query of a table", []need{{"Query", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.Query(ctx, &awsdynamodb.QueryInput{
			TableName:                 rooms,
			KeyConditionExpression:    aws.String("room = :r"),
			ExpressionAttributeValues: item{":r": text("lobby")},
		})
		return err
	}},
	{"Query of an index", []need{{"Query", table + "/index/byOwner"}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.Query(ctx, &awsdynamodb.QueryInput{
				TableName:                 rooms,
				IndexName:                 aws.String("byOwner"),
				KeyConditionExpression:    aws.String("#o = :o"),
				ExpressionAttributeNames:  map[string]string{"#o": "owner"},
				ExpressionAttributeValues: item{":o": text("ada")},
			})
			return err
		}},
	{"Scan of an index", []need{{"Scan", table + "/index/byOwner"}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.Scan(ctx, &awsdynamodb.ScanInput{TableName: rooms, IndexName: aws.String("byOwner")})
			return err
		}},
	{"BatchGetItem", []need{{"BatchGetItem", table}, {"BatchGetItem", users}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.BatchGetItem(ctx,
				&awsdynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
					"Rooms": {Keys: []item{room}}, "Users": {Keys: []item{{"user": text("ada")}}}}})
			return err
		}},
	{"BatchWriteItem", []need{{"BatchWriteItem", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.BatchWriteItem(ctx,
			&awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
				"Rooms": {{PutRequest: &types.PutRequest{Item: room}}}}})
		return err
	}},
	{"TransactGetItems", []need{{"GetItem", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.TransactGetItems(ctx,
			&awsdynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{
				TableName: rooms,
				Key:       room,
			}}}})
		return err
	}},
	{"TransactWriteItems", []need{{"PutItem", table}, {"UpdateItem", table}, {"DeleteItem", users},
		{"ConditionCheckItem", users}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.TransactWriteItems(ctx,
			&awsdynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: rooms, Item: item{"room": text("a")}}},
				{Update: &types.Update{
					TableName:                 rooms,
					Key:                       item{"room": text("b")},
					UpdateExpression:          aws.String("SET n = :n"),
					ExpressionAttributeValues: item{":n": text("1")},
				}},
				{Delete: &types.Delete{TableName: aws.String("Users"), Key: item{"user": text("c")}}},
				{ConditionCheck: &types.ConditionCheck{
					TableName:           aws.String("Users"),
					Key:                 item{"user": text("d")},
					ConditionExpression: aws.String("attribute_not_exists(x)"),
				}},
			}})
		return err
	}},
	{"ExecuteStatement", []need{{"PartiQLSelect", table + "/index/byOwner"}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.ExecuteStatement(ctx,
				&awsdynamodb.ExecuteStatementInput{Statement: aws.String(`SELECT a FROM "Rooms"."byOwner" WHERE owner = 'x from "y"'`)})
			return err
		}},
	{"ExecuteTransaction", []need{{"PartiQLInsert", table}, {"PartiQLUpdate", users},
		{"PartiQLDelete", table}, {"PartiQLSelect", users}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.ExecuteTransaction(ctx,
				&awsdynamodb.ExecuteTransactionInput{TransactStatements: []types.ParameterizedStatement{
					{Statement: aws.String(`INSERT INTO "Rooms" VALUE {'room': 'update'}`)},
					{Statement: aws.String(`update Users SET a = 1 WHERE user = 'ada'`)},
					{Statement: aws.String(`DELETE FROM Rooms WHERE room = 'x'`)},
					{Statement: aws.String(`EXISTS(SELECT * FROM "Users" WHERE user = 'ada')`)},
				}})
			return err
		}},
	{"BatchExecuteStatement", []need{{"PartiQLSelect", users}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.BatchExecuteStatement(ctx, &awsdynamodb.BatchExecuteStatementInput{
				Statements: []types.BatchStatementRequest{{
					Statement: aws.String(`SELECT * FROM Users WHERE user='ada'`),
				}},
			})
			return err
		}},
	{"DescribeTable", []need{{"DescribeTable", table}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: rooms})
		return err
	}},
	{"ListTables", []need{{"ListTables", "arn:aws:dynamodb:" + region + ":" + account + ":table/*"}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.ListTables(ctx, &awsdynamodb.ListTablesInput{})
			return err
		}},
	{"ListTagsOfResource", []need{{"ListTagsOfResource", table}},
		func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.ListTagsOfResource(ctx,
				&awsdynamodb.ListTagsOfResourceInput{ResourceArn: aws.String(table)})
			return err
		}},
	{"DescribeLimits", []need{{"DescribeLimits", "*"}}, func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.DescribeLimits(ctx, &awsdynamodb.DescribeLimitsInput{})
		return err
	}},
}

// allowing returns one statement for each need.
func allowing(needs []need) (statements []iam.Statement) {
	for _, n := range needs {
		statements = append(statements, statement("Allow", "dynamodb:"+n.action, n.resource, nil))
	}
	return statements
}

// Each call is refused if one of its permissions is missing, and served with
// these permissions alone.
func TestDynamoDBNeedsThePermissionsOfAWS(t *testing.T) {
	d := startDatabase(t)
	for _, c := range dynamoDBCalls {
		t.Run(c.name, func(t *testing.T) {
			for missing, n := range c.needs {
				d.grant(t, allowing(slices.Delete(slices.Clone(c.needs), missing, missing+1))...)
				wantDenied(t, c.call(t.Context(), d.function), d.log, "dynamodb:"+n.action, n.resource)
			}
			d.grant(t, allowing(c.needs)...)
			wantServed(t, c.call(t.Context(), d.function), d.log)
			d.grant(t)
			wantServed(t, c.call(t.Context(), d.outside), d.log)
		})
	}
}

func TestDynamoDBStreamsNeedPermissionsOfTheStream(t *testing.T) {
	d := startDatabase(t)
	stream := table + "/stream/2026-11-22T00:00:00.000"
	client := dynamodbstreams.New(dynamodbstreams.Options{
		BaseEndpoint: &d.url,
		Region:       region,
		Credentials:  signedBy(function),
	})
	d.grant(t, statement("Allow", "dynamodb:*", table, nil))
	_, err := client.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &stream})
	wantDenied(t, err, d.log, "dynamodb:DescribeStream", stream)
	_, err = client.GetRecords(t.Context(),
		&dynamodbstreams.GetRecordsInput{ShardIterator: aws.String(stream + "|1|AAAA")})
	wantDenied(t, err, d.log, "dynamodb:GetRecords", stream)
	_, err = client.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: rooms})
	wantDenied(t, err, d.log, "dynamodb:ListStreams", table+"/stream/*")
	d.grant(t, statement("Allow", "dynamodb:DescribeStream dynamodb:ListStreams", table+"/stream/*", nil))
	_, err = client.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &stream})
	wantServed(t, err, d.log)
	_, err = client.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: rooms})
	wantServed(t, err, d.log)
}

// A refusal has the bytes and headers of DynamoDB, a trace event and a line in
// the log that does not hold the item's key.
func TestDynamoDBRefusal(t *testing.T) {
	d := startDatabase(t)
	d.grant(t, statement("Allow", "dynamodb:PutItem", table, nil))
	const secret = "not for the log"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url,
		strings.NewReader(`{"TableName":"Rooms","Key":{"room":{"S":"`+secret+`"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential="+function+
			"/20261122/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: ` + session +
		` is not authorized to perform: dynamodb:GetItem on resource: ` + table +
		` because no identity-based policy allows the dynamodb:GetItem action"}`
	if response.StatusCode != 400 || string(body) != want {
		t.Errorf("got %s %s\nwant 400 %s", response.Status, body, want)
	}
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
	if got := response.Header.Get("X-Amz-Crc32"); got != sum {
		t.Errorf("got the checksum %s, want %s", got, sum)
	}
	if got := response.Header.Get("Content-Type"); got != "application/x-amz-json-1.0" {
		t.Errorf("got the content type %s, want application/x-amz-json-1.0", got)
	}
	d.checkRefusal(t, response.Header.Get("X-Amzn-Requestid"), secret)
}

// checkRefusal checks that a refused GetItem has left one trace event, and a
// line in the log without the secret.
func (d *database) checkRefusal(t *testing.T, requestID, secret string) {
	t.Helper()
	traced := d.events.Take()
	if len(traced) != 1 {
		t.Fatalf("got %d trace events, want 1", len(traced))
	}
	e := traced[0]
	if e.Kind != trace.Request || e.Operation != "GetItem" || e.Resource != "Rooms" || e.Status != 400 ||
		e.Error != "AccessDeniedException" || e.Function != function || e.Invocation == "" ||
		e.RequestID != requestID || e.At.IsZero() {
		t.Errorf("got the trace event %+v, want GetItem on Rooms by %s with status 400", e, function)
	}
	if text := strings.Join(d.log.lines(), "\n"); strings.Contains(text, secret) ||
		!strings.Contains(text, e.RequestID) {
		t.Errorf("got the log %s, want the request id %s and not the item's key", text, e.RequestID)
	}
}

// A request that the guard cannot read reaches the service unchanged, which
// refuses it.
func TestDynamoDBPassesMalformedRequests(t *testing.T) {
	d := startDatabase(t)
	d.grant(t)
	for _, c := range []struct{ name, target, body, want string }{
		{"not JSON", "DynamoDB_20120810.PutItem", `{"TableName":`, "SerializationException"},
		{"no table", "DynamoDB_20120810.PutItem", `{}`, "ValidationException"},
		{"no operation", "DynamoDB_20120810.", `{}`, "UnknownOperationException"},
		{"another service", "Nobody.PutItem", `{"TableName":"Rooms"}`, "UnknownOperationException"},
		{"too long", "DynamoDB_20120810.PutItem",
			`{"TableName":"Rooms","Item":{"room":{"S":"` + strings.Repeat("x", 17<<20),
			"RequestEntityTooLargeException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+function+"/")
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var answer struct {
				Type string `json:"__type"`
			}
			if err := json.NewDecoder(response.Body).Decode(&answer); err != nil ||
				!strings.HasSuffix(answer.Type, c.want) {
				t.Errorf("got %s %q (%v), want %s", response.Status, answer.Type, err, c.want)
			}
		})
	}
}
