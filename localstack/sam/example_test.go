package sam_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/sotto-chat/sotto/localstack/sam"
)

// A template is resolved without AWS. Its names and ARNs are the same in every
// run.
func ExampleLoad() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(path, []byte(`
Parameters: {Stage: {Type: String, Default: dev}}
Resources:
  Rooms:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub '${Stage}-rooms'
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
`), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	plan, err := sam.Load(sam.Options{Path: path, Parameters: map[string]string{"Stage": "test"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range plan.Tables {
		fmt.Println(t.Name, t.ARN)
	}
	// Output:
	// test-rooms arn:aws:dynamodb:us-east-1:000000000000:table/test-rooms
}
