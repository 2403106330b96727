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

// The policies are those of the DynamoDB developer guide, "Using IAM policy
// conditions for fine-grained access control".
func TestFineGrainedAccess(t *testing.T) {
	d := startDatabase(t)
	own := conditions{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": {"ada"}}}
	user := func(name string) item { return item{"user": text(name)} }
	names := aws.String("Users")
	get := func(in awsdynamodb.GetItemInput) dynamoDBCall {
		in.TableName = names
		return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.GetItem(ctx, &in); return err }
	}
	query := func(in awsdynamodb.QueryInput) dynamoDBCall {
		in.TableName = names
		return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.Query(ctx, &in); return err }
	}
	put := func(it item) dynamoDBCall {
		return func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: names, Item: it})
			return err
		}
	}
	update := func(in awsdynamodb.UpdateItemInput) dynamoDBCall {
		in.TableName = names
		return func(ctx context.Context, c *awsdynamodb.Client) error { _, err := c.UpdateItem(ctx, &in); return err }
	}
	batch := func(keys ...item) dynamoDBCall {
		return func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.BatchGetItem(ctx, &awsdynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"Users": {Keys: keys}}})
			return err
		}
	}
	writes := func(requests ...types.WriteRequest) dynamoDBCall {
		return func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.BatchWriteItem(ctx,
				&awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"Users": requests}})
			return err
		}
	}
	transact := func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.TransactWriteItems(ctx,
			&awsdynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
				TableName: names,
				Item:      user("ada"),
			}}}})
		return err
	}
	scan := func(ctx context.Context, c *awsdynamodb.Client) error {
		_, err := c.Scan(ctx, &awsdynamodb.ScanInput{TableName: names})
		return err
	}
	onlyNames := conditions{
		"ForAllValues:StringEquals": {"dynamodb:Attributes": {"user", "name", "tags"}},
		"StringEqualsIfExists": {"dynamodb:Select": {"SPECIFIC_ATTRIBUTES"},
			"dynamodb:ReturnValues": {"NONE", "UPDATED_OLD", "UPDATED_NEW"}},
	}
	for _, c := range []struct {
		name  string
		where conditions
		call  dynamoDBCall
		want  bool
	}{
		{"own key", own, get(awsdynamodb.GetItemInput{Key: user("ada")}), true},
		{"another's key", own, get(awsdynamodb.GetItemInput{Key: user("bob")}), false},
		{"own item", own, put(user("ada")), true},
		{"another's item", own, put(user("bob")), false},
		{"own keys in a batch", own, batch(user("ada")), true},
		{"one key of another in a batch", own, batch(user("ada"), user("bob")), false},
		{"own writes", own, writes(types.WriteRequest{PutRequest: &types.PutRequest{Item: user("ada")}}), true},
		{"a delete of another's item", own,
			writes(types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: user("bob")}}), false},
		{"own partition", own, query(awsdynamodb.QueryInput{
			KeyConditionExpression:    aws.String("#u = :u"),
			ExpressionAttributeNames:  map[string]string{"#u": "user"},
			ExpressionAttributeValues: item{":u": text("ada")},
		}), true},
		{"another's partition", own, query(awsdynamodb.QueryInput{
			KeyConditionExpression:    aws.String("( #u = :u)"),
			ExpressionAttributeNames:  map[string]string{"#u": "user"},
			ExpressionAttributeValues: item{":u": text("bob")},
		}), false},
		{"a partition of an index", own, query(awsdynamodb.QueryInput{
			IndexName:                 aws.String("byOwner"),
			KeyConditionExpression:    aws.String("#o=:o"),
			ExpressionAttributeNames:  map[string]string{"#o": "owner"},
			ExpressionAttributeValues: item{":o": text("bob")},
		}), false},
		{"an old form of query", own, query(awsdynamodb.QueryInput{KeyConditions: map[string]types.Condition{"user": {
			ComparisonOperator: "EQ",
			AttributeValueList: []types.AttributeValue{text("bob")},
		}}}), false},
		{"a scan names no key", own, scan, true},
		{"a scan must name a key", conditions{"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": {"ada"}}}, scan, false},

		{"attributes that may be read", onlyNames, get(awsdynamodb.GetItemInput{
			Key:                      user("ada"),
			ProjectionExpression:     aws.String("#n, tags[0].secret"),
			ExpressionAttributeNames: map[string]string{"#n": "name"},
		}), true},
		{"attributes that may not", onlyNames, get(awsdynamodb.GetItemInput{
			Key:                      user("ada"),
			ProjectionExpression:     aws.String("#n, #s"),
			ExpressionAttributeNames: map[string]string{"#n": "name", "#s": "secret"},
		}), false},
		{"all attributes", onlyNames, get(awsdynamodb.GetItemInput{Key: user("ada")}), false},
		{"all attributes in a query", onlyNames, query(awsdynamodb.QueryInput{
			KeyConditionExpression:    aws.String("#u = :u"),
			ExpressionAttributeNames:  map[string]string{"#u": "user"},
			ExpressionAttributeValues: item{":u": text("ada")},
		}), false},
		{"a filter names attributes", onlyNames, query(awsdynamodb.QueryInput{
			KeyConditionExpression:    aws.String("#u = :u"),
			FilterExpression:          aws.String("secret = :u"),
			ProjectionExpression:      aws.String("tags"),
			ExpressionAttributeNames:  map[string]string{"#u": "user"},
			ExpressionAttributeValues: item{":u": text("ada")},
		}), false},
		{"attributes that may be written", onlyNames, put(item{"user": text("ada"), "tags": text("x")}), true},
		{"attributes that may not be written", onlyNames, put(item{"user": text("ada"), "secret": text("x")}), false},
		{"an update", onlyNames, update(awsdynamodb.UpdateItemInput{
			Key:                       user("ada"),
			UpdateExpression:          aws.String("SET tags = if_not_exists(tags, :t) REMOVE #n"),
			ConditionExpression:       aws.String("NOT tags IN (:t) AND attribute_exists(#n)"),
			ExpressionAttributeNames:  map[string]string{"#n": "name"},
			ExpressionAttributeValues: item{":t": text("1")},
		}), true},
		{"an update's function of another attribute", onlyNames, update(awsdynamodb.UpdateItemInput{
			Key:                       user("ada"),
			UpdateExpression:          aws.String("SET tags = if_not_exists(secret, :t)"),
			ExpressionAttributeValues: item{":t": text("1")},
		}), false},
		{"an update that returns all", onlyNames, update(awsdynamodb.UpdateItemInput{
			Key:          user("ada"),
			ReturnValues: types.ReturnValueAllOld,
		}), false},
		{"an update that returns what it wrote", onlyNames, update(awsdynamodb.UpdateItemInput{
			Key:          user("ada"),
			ReturnValues: types.ReturnValueUpdatedNew,
		}), true},

		{"only within a transaction", conditions{"StringEquals": {"dynamodb:EnclosingOperation": {"TransactWriteItems"}}}, transact, true},
		{"outside a transaction", conditions{"StringEquals": {"dynamodb:EnclosingOperation": {"TransactWriteItems"}}}, put(user("ada")), false},
		{"from this machine", conditions{"IpAddress": {"aws:SourceIp": {"127.0.0.0/8", "::1"}}},
			put(user("ada")), true},
		{"over TLS", conditions{"Bool": {"aws:SecureTransport": {"true"}}}, put(user("ada")), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.grant(t, statement("Allow", "dynamodb:*", users+" "+users+"/index/*", c.where))
			err := c.call(t.Context(), d.function)
			var api smithy.APIError
			refused := errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException"
			if refused == c.want {
				t.Errorf("got %v, want it served: %t", err, c.want)
			}
		})
	}
}
