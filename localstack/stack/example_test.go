package stack_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// A program runs an app, sends it one message and stops it.
func Example() {
	ctx := context.Background()
	data, err := os.MkdirTemp("", "notes-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(data)
	s, err := stack.New(stack.Options{
		Template: "../stacktest/testdata/notes/template.yaml",
		Data:     data,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		log.Fatal(err)
	}
	conn, _, err := websocket.Dial(ctx, s.Addresses().WebSockets[0], nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.CloseNow()
	err = conn.Write(ctx, websocket.MessageText, []byte(`{"action":"add","text":"buy milk"}`))
	if err != nil {
		log.Fatal(err)
	}
	_, answer, err := conn.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s note\n", answer)
	// Output: 1 note
}
