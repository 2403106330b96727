package iam_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

var (
	usersTable = aws.String("Users")
	ownKeys    = conditions{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": {"ada"}}}
	onlyNames  = conditions{
		"ForAllValues:StringEquals": {"dynamodb:Attributes": {"user", "name", "tags"}},
		"StringEqualsIfExists": {"dynamodb:Select": {"SPECIFIC_ATTRIBUTES"},
			"dynamodb:ReturnValues": {"NONE", "UPDATED_OLD", "UPDATED_NEW"}},
	}
	inTransaction = conditions{"StringEquals": {"dynamodb:EnclosingOperation": {"TransactWriteItems"}}}
)

func user(name string) item { return item{"user": text(name)} }

func getUser(in awsdynamodb.GetItemInput) dynamoDBCall {
	in.TableName = usersTable
	return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.GetItem(ctx, &in); return err }
}

func queryUsers(in awsdynamodb.QueryInput) dynamoDBCall {
	in.TableName = usersTable
	return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.Query(ctx, &in); return err }
}

func putUser(it item) dynamoDBCall {
	return func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: usersTable, Item: it})
		return err
	}
}

func updateUser(in awsdynamodb.UpdateItemInput) dynamoDBCall {
	in.TableName = usersTable
	return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.UpdateItem(ctx, &in); return err }
}

func batchGetUsers(keys ...item) dynamoDBCall {
	in := awsdynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*usersTable: {Keys: keys}}}
	return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.BatchGetItem(ctx, &in); return err }
}

func batchWriteUsers(requests ...types.WriteRequest) dynamoDBCall {
	in := awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*usersTable: requests}}
	return func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.BatchWriteItem(ctx, &in)
		return err
	}
}

func transactPutUser(ctx context.Context, c *awsdynamodb.Client) error {
	_, err := c.TransactWriteItems(ctx, &awsdynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: usersTable, Item: user("ada")}}},
	})
	return err
}

func scanUsers(ctx context.Context, c *awsdynamodb.Client) error {
	_, err := c.Scan(ctx, &awsdynamodb.ScanInput{TableName: usersTable})
	return err
}

// fineGrainedExamples follow the DynamoDB developer guide, "Using IAM policy
// conditions for fine-grained access control".
var fineGrainedExamples = []struct {
	name  string
	where conditions
	call  dynamoDBCall
	want  bool
}{
	{"own key", ownKeys, getUser(awsdynamodb.GetItemInput{Key: user("ada")}), true},
	{"another's key", ownKeys, getUser(awsdynamodb.GetItemInput{Key: user("bob")}), false},
	{"own item", ownKeys, putUser(user("ada")), true},
	{"another's item", ownKeys, putUser(user("bob")), false},
	{"own keys in a batch", ownKeys, batchGetUsers(user("ada")), true},
	{"one key of another in a batch", ownKeys, batchGetUsers(user("ada"), user("bob")), false},
	{"own writes", ownKeys, batchWriteUsers(types.WriteRequest{PutRequest: &types.PutRequest{Item: user("ada")}}), true},
	{"a delete of another's item", ownKeys,
		batchWriteUsers(types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: user("bob")}}), false},
	{"own partition", ownKeys, queryUsers(awsdynamodb.QueryInput{
		KeyConditionExpression:    aws.String("#u = :u"),
		ExpressionAttributeNames:  map[string]string{"#u": "user"},
		ExpressionAttributeValues: item{":u": text("ada")},
	}), true},
	{"another's partition", ownKeys, queryUsers(awsdynamodb.QueryInput{
		KeyConditionExpression:    aws.String("( #u = :u)"),
		ExpressionAttributeNames:  map[string]string{"#u": "user"},
		ExpressionAttributeValues: item{":u": text("bob")},
	}), false},
	{"a partition of an index", ownKeys, queryUsers(awsdynamodb.QueryInput{
		IndexName:                 aws.String("byOwner"),
		KeyConditionExpression:    aws.String("#o=:o"),
		ExpressionAttributeNames:  map[string]string{"#o": "owner"},
		ExpressionAttributeValues: item{":o": text("bob")},
	}), false},
	{"an old form of query", ownKeys, queryUsers(awsdynamodb.QueryInput{KeyConditions: map[string]types.Condition{"user": {
		ComparisonOperator: "EQ",
		AttributeValueList: []types.AttributeValue{text("bob")},
	}}}), false},
	{"a scan names no key", ownKeys, scanUsers, true},
	{"a scan must name a key", conditions{"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": {"ada"}}},
		scanUsers, false},

	{"attributes that may be read", onlyNames, getUser(awsdynamodb.GetItemInput{
		Key:                      user("ada"),
		ProjectionExpression:     aws.String("#n, tags[0].secret"),
		ExpressionAttributeNames: map[string]string{"#n": "name"},
	}), true},
	{"attributes that may not", onlyNames, getUser(awsdynamodb.GetItemInput{
		Key:                      user("ada"),
		ProjectionExpression:     aws.String("#n, #s"),
		ExpressionAttributeNames: map[string]string{"#n": "name", "#s": "secret"},
	}), false},
	{"all attributes", onlyNames, getUser(awsdynamodb.GetItemInput{Key: user("ada")}), false},
	{"all attributes in a query", onlyNames, queryUsers(awsdynamodb.QueryInput{
		KeyConditionExpression:    aws.String("#u = :u"),
		ExpressionAttributeNames:  map[string]string{"#u": "user"},
		ExpressionAttributeValues: item{":u": text("ada")},
	}), false},
	{"a filter names attributes", onlyNames, queryUsers(awsdynamodb.QueryInput{
		KeyConditionExpression:    aws.String("#u = :u"),
		FilterExpression:          aws.String("secret = :u"),
		ProjectionExpression:      aws.String("tags"),
		ExpressionAttributeNames:  map[string]string{"#u": "user"},
		ExpressionAttributeValues: item{":u": text("ada")},
	}), false},
	{"attributes that may be written", onlyNames, putUser(item{"user": text("ada"), "tags": text("x")}), true},
	{"attributes that may not be written", onlyNames, putUser(item{"user": text("ada"), "secret": text("x")}), false},
	{"an update", onlyNames, updateUser(awsdynamodb.UpdateItemInput{
		Key:                       user("ada"),
		UpdateExpression:          aws.String("SET tags = if_not_exists(tags, :t) REMOVE #n"),
		ConditionExpression:       aws.String("NOT tags IN (:t) AND attribute_exists(#n)"),
		ExpressionAttributeNames:  map[string]string{"#n": "name"},
		ExpressionAttributeValues: item{":t": text("1")},
	}), true},
	{"an update's function of another attribute", onlyNames, updateUser(awsdynamodb.UpdateItemInput{
		Key:                       user("ada"),
		UpdateExpression:          aws.String("SET tags = if_not_exists(secret, :t)"),
		ExpressionAttributeValues: item{":t": text("1")},
	}), false},
	{"an update that returns all", onlyNames, updateUser(awsdynamodb.UpdateItemInput{
		Key:          user("ada"),
		ReturnValues: types.ReturnValueAllOld,
	}), false},
	{"an update that returns what it wrote", onlyNames, updateUser(awsdynamodb.UpdateItemInput{
		Key:          user("ada"),
		ReturnValues: types.ReturnValueUpdatedNew,
	}), true},

	{"only within a transaction", inTransaction, transactPutUser, true},
	{"outside a transaction", inTransaction, putUser(user("ada")), false},
	{"from this machine", conditions{"IpAddress": {"aws:SourceIp": {"127.0.0.0/8", "::1"}}},
		putUser(user("ada")), true},
	{"over TLS", conditions{"Bool": {"aws:SecureTransport": {"true"}}}, putUser(user("ada")), true},
}

func TestFineGrainedAccess(t *testing.T) {
	d := startDatabase(t)
	for _, c := range fineGrainedExamples {
		t.Run(c.name, func(t *testing.T) {
			d.grant(t, statement("Allow", "dynamodb:*", users+" "+users+"/index/*", c.where))
			err := c.call(t.Context(), d.function)
			api, ok := errors.AsType[smithy.APIError](err)
			refused := ok && api.ErrorCode() == "AccessDeniedException"
			if refused == c.want {
				t.Errorf("got %v, want it served: %t", err, c.want)
			}
		})
	}
}
