package stacktest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/stack"
	"github.com/sotto-chat/sotto/localstack/stacktest"
)

// A test of a WebSocket API with one route, add, that stores its text in a
// table and answers with the number of texts.
func ExampleStart() {
	var t *testing.T // of the test
	s := stacktest.Start(t, "testdata/notes/template.yaml")
	conn, _, err := websocket.Dial(t.Context(), s.WebSocketURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	err = conn.Write(t.Context(), websocket.MessageText, []byte(`{"action":"add","text":"buy milk"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, answer, err := conn.Read(t.Context())
	if err != nil || string(answer) != "1" {
		t.Errorf("answer %q, %v, want 1", answer, err)
	}
}

// Options of package stack choose parameters, faults and more.
func ExampleStart_options() {
	var t *testing.T // of the test
	s := stacktest.Start(t, "testdata/notes/template.yaml", func(o *stack.Options) {
		o.Account = "111122223333"
		o.LogRequests = true
	})
	_ = s.WebSocketURL()
}

// Clients of the AWS SDK read what the functions have written.
func ExampleStack_AWS() {
	var t *testing.T // of the test
	s := stacktest.Start(t, "testdata/notes/template.yaml")
	client := dynamodb.NewFromConfig(s.AWS())
	notes, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("notes")})
	if err != nil || len(notes.Items) != 0 {
		t.Errorf("%d notes, %v, want none", len(notes.Items), err)
	}
}

// Subtests share a stack, which saves the time to build and start it.
func ExampleStack_Reset() {
	var t *testing.T // of the test
	s := stacktest.Start(t, "testdata/notes/template.yaml")
	t.Run("add", func(t *testing.T) {
		s.Reset(t)
		// The tables are empty and no WebSocket is open.
	})
	t.Run("remove", func(t *testing.T) {
		s.Reset(t)
		// Here too.
	})
}
