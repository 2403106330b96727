package app

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/shared/config"
	"github.com/sotto-chat/sotto/shared/post"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/table"
)

// signer returns the credentials that Lambda sets in the environment. They do
// not change during the life of an instance.
func signer(c config.Config) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

// endpoint returns the base of a service's URLs, nil for that of AWS.
func endpoint(url string) *string {
	if url == "" {
		return nil
	}
	return &url
}

// The clients are built by hand from the configuration: loading the SDK's
// configuration takes milliseconds of every cold start.

func rows(c config.Config) *table.Store {
	db := dynamodb.New(dynamodb.Options{
		Region:       c.Region,
		Credentials:  signer(c),
		HTTPClient:   client,
		BaseEndpoint: endpoint(c.DynamoDBEndpoint),
	})
	return table.New(db, table.Names(c.Tables), nil)
}

func poster(c config.Config) *post.Poster {
	return post.New(apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region:       c.Region,
		Credentials:  signer(c),
		HTTPClient:   client,
		BaseEndpoint: endpoint(c.ManagementEndpoint),
	}))
}

// courier returns nil if the template names no function for chunks.
func courier(c config.Config) room.Courier {
	if c.DeliverFunction == "" {
		return nil
	}
	return post.NewCourier(functions(c, client), c.DeliverFunction)
}

// keyMaker returns nil if the template names no function that makes keys.
func keyMaker(c config.Config) func(context.Context) error {
	if c.KeyFunction == "" {
		return nil
	}
	return post.NewKeyMaker(functions(c, waitingClient), c.KeyFunction).MakeKeys
}

func functions(c config.Config, client aws.HTTPClient) *lambda.Client {
	return lambda.New(lambda.Options{
		Region:       c.Region,
		Credentials:  signer(c),
		HTTPClient:   client,
		BaseEndpoint: endpoint(c.LambdaEndpoint),
	})
}
