// Command function handles the routes of the echo app with the AWS SDK, like a
// function on AWS.
package main

import (
	"context"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

type app struct {
	table, key  *string
	tables      *dynamodb.Client
	keys        *kms.Client
	connections *apigatewaymanagementapi.Client
}

func main() {
	c := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	}
	if url, ok := os.LookupEnv("AWS_ENDPOINT_URL"); ok {
		c.BaseEndpoint = &url
	}
	management := os.Getenv("MANAGEMENT")
	if url, ok := os.LookupEnv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"); ok {
		management = url
	}
	a := app{
		table:  aws.String(os.Getenv("TABLE")),
		key:    aws.String(os.Getenv("KEY")),
		tables: dynamodb.NewFromConfig(c),
		keys:   kms.NewFromConfig(c),
		connections: apigatewaymanagementapi.NewFromConfig(c, func(o *apigatewaymanagementapi.Options) {
			o.BaseEndpoint = &management
		}),
	}
	lambda.Start(a.handle)
}

// handle stores a message under its text, and a closed connection under its id.
// It sends a message back.
func (a app) handle(
	ctx context.Context, e events.APIGatewayWebsocketProxyRequest,
) (events.APIGatewayProxyResponse, error) {
	ok := events.APIGatewayProxyResponse{StatusCode: 200}
	id := e.RequestContext.ConnectionID
	switch e.RequestContext.RouteKey {
	case "$connect":
		return ok, nil
	case "$disconnect":
		return ok, a.put(ctx, id, "code", []byte(strconv.FormatInt(e.RequestContext.DisconnectStatusCode, 10)))
	}
	sealed, err := a.keys.Encrypt(ctx, &kms.EncryptInput{KeyId: a.key, Plaintext: []byte(e.Body)})
	if err != nil {
		return ok, err
	}
	if err := a.put(ctx, e.Body, "sealed", sealed.CiphertextBlob); err != nil {
		return ok, err
	}
	_, err = a.connections.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &id,
		Data:         []byte(e.Body),
	})
	return ok, err
}

func (a app) put(ctx context.Context, id, attribute string, value []byte) error {
	_, err := a.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: a.table, Item: map[string]types.AttributeValue{
		"id":      &types.AttributeValueMemberS{Value: id},
		attribute: &types.AttributeValueMemberB{Value: value},
	}})
	return err
}
