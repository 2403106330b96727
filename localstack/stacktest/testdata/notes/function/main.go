// Command function stores the text of a message and answers with the number of
// texts that are stored.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type request = events.APIGatewayWebsocketProxyRequest

type response = events.APIGatewayProxyResponse

func main() {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	client := dynamodb.NewFromConfig(aws.Config{
		Region:       os.Getenv("AWS_REGION"),
		BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
	table := aws.String(os.Getenv("NOTES"))
	lambda.Start(func(ctx context.Context, r request) (response, error) {
		var message struct{ Text string }
		if err := json.Unmarshal([]byte(r.Body), &message); err != nil {
			return response{StatusCode: 400}, nil
		}
		fmt.Println("storing", message.Text)
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: table,
			Item:      map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: message.Text}},
		})
		if err != nil {
			return response{}, err
		}
		notes, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: table})
		if err != nil {
			return response{}, err
		}
		return response{StatusCode: 200, Body: strconv.Itoa(len(notes.Items))}, nil
	})
}
