package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/gateway"
)

// greeter is an Invoker with one function, which greets the name in a message.
type greeter struct{}

func (greeter) Invoke(_ context.Context, _ string, payload []byte) (gateway.Result, error) {
	var event events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return gateway.Result{}, err
	}
	var message struct{ Name string }
	if err := json.Unmarshal([]byte(event.Body), &message); err != nil {
		return gateway.Result{}, err
	}
	response, err := json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200, Body: "hello " + message.Name})
	return gateway.Result{Payload: response}, err
}

// A two-way route runs a function for each message and sends its body back.
func ExampleNew() {
	g, err := gateway.New(gateway.Options{
		Invoker: greeter{},
		APIs: []gateway.API{{
			ID:                       "api1",
			Stage:                    "prod",
			Region:                   "us-east-1",
			Account:                  "000000000000",
			RouteSelectionExpression: "$request.body.action",
			Routes: map[string]gateway.Route{
				"greet": {Function: "greeter", Permitted: true, RouteResponse: true},
			},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(g)
	defer server.Close()
	ctx := context.Background()
	defer g.Shutdown(ctx)

	client, _, err := websocket.Dial(ctx, strings.Replace(server.URL, "http", "ws", 1)+"/prod", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseNow()
	if err := client.Write(ctx, websocket.MessageText, []byte(`{"action":"greet","name":"ada"}`)); err != nil {
		log.Fatal(err)
	}
	_, answer, err := client.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer))
	// Output: hello ada
}
