package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// functionVariable makes the test binary the process of a real function that
// uses the Runtime API. So these tests need no other executable.
const functionVariable = "GATEWAY_TEST_FUNCTION"

// patience is how long a test waits for an event before it fails.
const patience = time.Minute

func TestMain(m *testing.M) {
	switch os.Getenv(functionVariable) {
	case "authorizer":
		runtime.Start(authorize)
	case "chat":
		runtime.Start(chat)
	default:
		os.Exit(m.Run())
	}
}

// authorize allows the user "good" and denies all others. For "unknown" it
// returns the error Unauthorized.
func authorize(_ context.Context,
	e events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
	user := e.QueryStringParameters["user"]
	effect := "Deny"
	switch user {
	case "good":
		effect = "Allow"
	case "unknown":
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("Unauthorized")
	}
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: user,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action:   []string{"execute-api:Invoke"},
				Effect:   effect,
				Resource: []string{e.MethodArn},
			}},
		},
	}, nil
}

// chat is the function of all routes.
func chat(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	ok := events.APIGatewayProxyResponse{StatusCode: 200}
	switch e.RequestContext.RouteKey {
	case "$connect":
		if e.QueryStringParameters["room"] == "full" {
			return events.APIGatewayProxyResponse{StatusCode: 409}, nil
		}
	case "ask":
		authorizer, _ := e.RequestContext.Authorizer.(map[string]any)
		ok.Body = fmt.Sprint("hello ", authorizer["principalId"])
	case "post":
		management := apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
			Region:       "us-east-1",
			BaseEndpoint: aws.String(os.Getenv("MANAGEMENT") + "/" + e.RequestContext.Stage),
			Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		})
		_, err := management.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: &e.RequestContext.ConnectionID,
			Data:         []byte("posted " + e.Body),
		})
		return ok, err
	case "raise":
		return ok, errors.New("requested by the test")
	}
	return ok, nil
}

// invoker adapts the Lambda service to the gateway.
type invoker struct{ *lambda.Service }

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) (gateway.Result, error) {
	r, err := i.Service.Invoke(ctx, function, payload)
	return gateway.Result{Payload: r.Payload, FunctionError: r.FunctionError, RequestID: r.RequestID}, err
}

// serve serves a gateway and functions on one port until the end of the test.
// It returns the address.
func serve(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	functions, err := lambda.New(lambda.Options{
		RuntimeAPI:  address + "/runtime",
		TempDir:     t.TempDir(),
		Output:      t.Output(),
		InitTimeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var list []lambda.Function
	for _, name := range []string{"authorizer", "chat"} {
		list = append(list, lambda.Function{
			Name:     name,
			Binary:   executable,
			Timeout:  patience,
			MemoryMB: 2048, // enough for the race detector
			Env:      map[string]string{functionVariable: name, "MANAGEMENT": "http://" + address},
		})
	}
	if err := functions.Deploy(list); err != nil {
		t.Fatal(err)
	}
	routes := map[string]gateway.Route{"$connect": {
		Function:  "chat",
		Permitted: true,
		Authorizer: &gateway.Authorizer{
			Function:        "authorizer",
			Permitted:       true,
			IdentitySources: []string{"route.request.querystring.user"},
		},
	}}
	for _, key := range []string{"ask", "post", "raise"} {
		routes[key] = gateway.Route{Function: "chat", Permitted: true, RouteResponse: key == "ask"}
	}
	g, err := gateway.New(gateway.Options{Invoker: invoker{functions}, APIs: []gateway.API{{
		ID:                       "api1",
		Stage:                    "prod",
		Region:                   "us-east-1",
		Account:                  "000000000000",
		RouteSelectionExpression: "$request.body.action",
		Routes:                   routes,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/runtime/", http.StripPrefix("/runtime", functions.RuntimeHandler()))
	mux.Handle("/prod/@connections/", g.Management())
	mux.Handle("/prod", g)
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(g.Shutdown(ctx), functions.Close(ctx), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return address
}

func TestRealFunctions(t *testing.T) {
	t.Parallel()
	address := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for query, want := range map[string]int{
		"": 401, "?user=unknown": 401, "?user=bad": 403, "?user=good&room=full": 409,
	} {
		_, response, err := websocket.Dial(ctx, "ws://"+address+"/prod"+query, nil)
		if err == nil || response == nil || response.StatusCode != want {
			t.Errorf("%s: got %v, %v, want %d", query, response, err, want)
		}
	}
	c, _, err := websocket.Dial(ctx, "ws://"+address+"/prod?user=good", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for _, test := range []struct{ send, want string }{
		{`{"action":"ask"}`, "hello good"},
		{`{"action":"post"}`, `posted {"action":"post"}`},
		{`{"action":"raise"}`, "Internal server error"},
		{`{"action":"none"}`, "Forbidden"},
	} {
		if err := c.Write(ctx, websocket.MessageText, []byte(test.send)); err != nil {
			t.Fatal(err)
		}
		_, data, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got := string(data)
		if strings.HasPrefix(got, "{") {
			var frame struct{ Message string }
			if err := json.Unmarshal(data, &frame); err != nil {
				t.Fatal(err)
			}
			got = frame.Message
		}
		if got != test.want {
			t.Errorf("%s: got message %s, want %s", test.send, data, test.want)
		}
	}
}
