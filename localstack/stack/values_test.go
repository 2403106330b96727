package stack_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// Every value that the loader gives to a template is one that the service of
// the resource takes. An output's name begins with what the value is.
func TestValues(t *testing.T) {
	s, err := stack.New(stack.Options{
		Template: "testdata/values.yaml",
		Data:     t.TempDir(),
		Log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := aws.Config{
		Region:       s.Addresses().Region,
		BaseEndpoint: aws.String(s.Addresses().AWS),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	take := map[string]func(value *string) error{
		"Function": func(value *string) error {
			_, err := lambda.NewFromConfig(config).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: value})
			return err
		},
		"Table": func(value *string) error {
			_, err := dynamodb.NewFromConfig(config).DescribeTable(t.Context(),
				&dynamodb.DescribeTableInput{TableName: value})
			return err
		},
		"Stream": func(value *string) error {
			_, err := dynamodbstreams.NewFromConfig(config).DescribeStream(t.Context(),
				&dynamodbstreams.DescribeStreamInput{StreamArn: value})
			return err
		},
		"Key": func(value *string) error {
			_, err := kms.NewFromConfig(config).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: value})
			return err
		},
	}
	for _, output := range s.Plan().Outputs {
		taken := false
		for prefix, call := range take {
			if !strings.HasPrefix(output.Name, prefix) {
				continue
			}
			taken = true
			if err := call(&output.Value); err != nil {
				t.Errorf("%s, %s: %v", output.Name, output.Value, err)
			}
		}
		if !taken {
			t.Errorf("output %s: no service takes its value", output.Name)
		}
	}

	// The integration of $connect names the alias.
	conn, _, err := websocket.Dial(t.Context(), s.Addresses().WebSockets[0], nil)
	if err != nil {
		t.Fatalf("a route to an alias: %v", err)
	}
	conn.CloseNow()
}
