package lambda_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// A service runs the executables of functions and serves them the Runtime API.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	service, err := lambda.New(lambda.Options{RuntimeAPI: listener.Addr().String()})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close(context.Background())
	go http.Serve(listener, service.RuntimeHandler())

	// The executable returns the member Text of its event.
	err = service.Deploy([]lambda.Function{{Name: "say", Binary: binary}})
	if err != nil {
		log.Fatal(err)
	}
	result, err := service.Invoke(context.Background(), "say", []byte(`{"Text":"hello"}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(result.Payload))
	// Output: "hello"
}
