package dynamodb_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
)

// Open an engine, serve it over HTTP and use it with the SDK. Any credentials
// are accepted.
func Example() {
	if err := greet(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: hello
}

func greet(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "dynamodb-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	engine, err := dynamodb.Open(dynamodb.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := engine.EnsureTable(ctx, dynamodb.CreateTableInput{
		TableName:            aws.String("greetings"),
		AttributeDefinitions: []dynamodb.AttributeDefinition{{AttributeName: "name", AttributeType: "S"}},
		KeySchema:            []dynamodb.KeySchemaElement{{AttributeName: "name", KeyType: "HASH"}},
		BillingMode:          "PAY_PER_REQUEST",
	}, ""); err != nil {
		return err
	}

	server := httptest.NewServer(engine)
	defer server.Close()
	client := sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
	key := map[string]types.AttributeValue{"name": &types.AttributeValueMemberS{Value: "ada"}}
	if _, err := client.UpdateItem(ctx, &sdk.UpdateItemInput{
		TableName:                 aws.String("greetings"),
		Key:                       key,
		UpdateExpression:          aws.String("SET greeting = :g"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":g": &types.AttributeValueMemberS{Value: "hello"}},
	}); err != nil {
		return err
	}
	out, err := client.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("greetings"), Key: key})
	if err != nil {
		return err
	}
	fmt.Println(out.Item["greeting"].(*types.AttributeValueMemberS).Value)
	return nil
}
