// Command function has all functions of the board app; PART selects one. It is
// written for AWS: it sets no endpoint and posts to
// https://{domainName}/{stage}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdklambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// configuration reads no AWS_ENDPOINT_URL, like the one of older SDKs.
var configuration = aws.Config{
	Region: os.Getenv("AWS_REGION"),
	Credentials: credentials.NewStaticCredentialsProvider(
		os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
}

var (
	tables  = dynamodb.NewFromConfig(configuration)
	notices = aws.String(os.Getenv("NOTICES"))
	readers = aws.String(os.Getenv("READERS"))
)

type (
	item     = map[string]types.AttributeValue
	text     = types.AttributeValueMemberS
	incoming = events.APIGatewayWebsocketProxyRequest
	outgoing = events.APIGatewayProxyResponse
)

func main() {
	lambda.Start(map[string]any{
		"authorize": authorize, "readers": keepReaders, "pin": pin, "post": post, "who": who,
		"audit": audit, "lost": lost,
	}[os.Getenv("PART")])
}

func authorize(
	_ context.Context, e events.APIGatewayCustomAuthorizerRequestTypeRequest,
) (events.APIGatewayCustomAuthorizerResponse, error) {
	switch e.QueryStringParameters["token"] {
	case "open":
	case "shut":
		//lint:ignore ST1005 API Gateway answers 401 to this text
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("Unauthorized")
	default:
		return policy("unknown", "Deny", e.MethodArn), nil
	}
	return policy(e.QueryStringParameters["name"], "Allow", e.MethodArn), nil
}

func policy(who, effect, resource string) events.APIGatewayCustomAuthorizerResponse {
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: who,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{
				{Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: []string{resource}},
			},
		},
		Context: map[string]any{"name": who},
	}
}

func keepReaders(ctx context.Context, e incoming) (outgoing, error) {
	key := item{"id": &text{Value: e.RequestContext.ConnectionID}}
	var err error
	if e.RequestContext.RouteKey == "$connect" {
		_, err = tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: readers, Item: key})
	} else {
		_, err = tables.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: readers, Key: key})
	}
	return outgoing{StatusCode: 200}, err
}

func pin(ctx context.Context, e incoming) (outgoing, error) {
	var notice struct{ Text string }
	if err := json.Unmarshal([]byte(e.Body), &notice); err != nil {
		return outgoing{}, err
	}
	_, err := tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: notices, Item: item{
		"id": &text{Value: e.RequestContext.RequestID}, "text": &text{Value: notice.Text},
	}})
	if err != nil {
		return outgoing{}, err
	}
	_, err = sdklambda.NewFromConfig(configuration).Invoke(ctx, &sdklambda.InvokeInput{
		FunctionName:   aws.String(os.Getenv("AUDIT_FUNCTION")),
		InvocationType: lambdatypes.InvocationTypeEvent,
		Payload:        []byte(`"` + e.RequestContext.RequestID + `"`),
	})
	return outgoing{StatusCode: 200}, err
}

func post(ctx context.Context, e events.DynamoDBEvent) error {
	management := apigatewaymanagementapi.NewFromConfig(configuration, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(os.Getenv("MANAGEMENT"))
	})
	list, err := tables.Scan(ctx, &dynamodb.ScanInput{TableName: readers})
	if err != nil {
		return err
	}
	for _, record := range e.Records {
		notice := record.Change.NewImage["text"].String()
		for _, reader := range list.Items {
			id := reader["id"].(*text).Value
			_, err := management.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
				ConnectionId: &id,
				Data:         []byte(notice),
			})
			if err != nil {
				return fmt.Errorf("post to %s: %w", id, err)
			}
		}
	}
	return nil
}

func who(ctx context.Context, e incoming) (outgoing, error) {
	authorizer, _ := e.RequestContext.Authorizer.(map[string]any)
	answer := map[string]any{"name": authorizer["name"], "domain": e.RequestContext.DomainName}
	_, err := tables.Scan(ctx, &dynamodb.ScanInput{TableName: readers})
	if refusal := smithy.APIError(nil); errors.As(err, &refusal) {
		answer["scan"] = refusal.ErrorCode()
	}
	body, err := json.Marshal(answer)
	return outgoing{StatusCode: 200, Body: string(body)}, err
}

func audit(context.Context, json.RawMessage) error { return errors.New("the audit always fails") }

func lost(ctx context.Context, record struct {
	RequestContext struct{ Condition string }
	RequestPayload string
}) error {
	_, err := tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 notices,
		Key:                       item{"id": &text{Value: record.RequestPayload}},
		UpdateExpression:          aws.String("SET lost = :why"),
		ExpressionAttributeValues: item{":why": &text{Value: record.RequestContext.Condition}},
	})
	return err
}
