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

// The main shapes with real functions: processes that speak the Runtime API.
// The executable is this test's own, so that nothing has to be built.
const functionVariable = "GATEWAY_TEST_FUNCTION"

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

// authorize lets everybody in who says "good", and knows nobody who says
// "nobody".
func authorize(_ context.Context, e events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
	who := e.QueryStringParameters["who"]
	effect := "Deny"
	switch who {
	case "good":
		effect = "Allow"
	case "nobody":
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("Unauthorized")
	}
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: who,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{Version: "2012-10-17", Statement: []events.IAMPolicyStatement{
			{Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: []string{e.MethodArn}},
		}},
	}, nil
}

// chat does what its route and its query say.
func chat(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	ok := events.APIGatewayProxyResponse{StatusCode: 200}
	switch e.RequestContext.RouteKey {
	case "$connect":
		if e.QueryStringParameters["room"] == "full" {
			return events.APIGatewayProxyResponse{StatusCode: 409}, nil
		}
	case "ask":
		who, _ := e.RequestContext.Authorizer.(map[string]any)
		ok.Body = fmt.Sprint("hello ", who["principalId"])
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
		return ok, errors.New("as asked")
	}
	return ok, nil
}

type invoker struct{ *lambda.Service }

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) (gateway.Result, error) {
	r, err := i.Service.Invoke(ctx, function, payload)
	return gateway.Result{Payload: r.Payload, FunctionError: r.FunctionError, RequestID: r.RequestID}, err
}

// serve starts gateway and functions behind one port and returns its address.
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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var list []lambda.Function
	for _, name := range []string{"authorizer", "chat"} {
		list = append(list, lambda.Function{
			Name:     name,
			Binary:   self,
			Timeout:  patience,
			MemoryMB: 2048, // under the race detector it is large
			Env:      map[string]string{functionVariable: name, "MANAGEMENT": "http://" + address},
		})
	}
	if err := functions.Deploy(list); err != nil {
		t.Fatal(err)
	}
	routes := map[string]gateway.Route{"$connect": {Function: "chat", Permitted: true, Authorizer: &gateway.Authorizer{
		Function:        "authorizer",
		Permitted:       true,
		IdentitySources: []string{"route.request.querystring.who"},
	}}}
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
		"": 401, "?who=nobody": 401, "?who=bad": 403, "?who=good&room=full": 409,
	} {
		_, response, err := websocket.Dial(ctx, "ws://"+address+"/prod"+query, nil)
		if err == nil || response == nil || response.StatusCode != want {
			t.Errorf("%s: %v, %v; want %d", query, response, err, want)
		}
	}
	c, _, err := websocket.Dial(ctx, "ws://"+address+"/prod?who=good", nil)
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
			t.Errorf("%s: received %s, want %s", test.send, data, test.want)
		}
	}
}
