// Command function posts every message back to its sender.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

func main() {
	management := os.Getenv("MANAGEMENT")
	if url, ok := os.LookupEnv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"); ok {
		management = url
	}
	connections := apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region:       os.Getenv("AWS_REGION"),
		BaseEndpoint: &management,
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
	lambda.Start(func(
		ctx context.Context, e events.APIGatewayWebsocketProxyRequest,
	) (events.APIGatewayProxyResponse, error) {
		_, err := connections.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: aws.String(e.RequestContext.ConnectionID),
			Data:         []byte(e.Body),
		})
		return events.APIGatewayProxyResponse{StatusCode: 200}, err
	})
}
