package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

// patience is how long a test waits for an event before it fails.
const patience = time.Minute

// function is a Lambda function.
type function func(ctx context.Context, event []byte) (result []byte, functionError string, err error)

// lambdas is the Lambda service of these tests. It keeps the events of each
// function.
type lambdas struct {
	functions   map[string]function
	invocations atomic.Int64
	mu          sync.Mutex
	events      map[string]chan []byte
}

func (l *lambdas) Invoke(ctx context.Context, name string, event []byte) (Result, error) {
	result := Result{RequestID: fmt.Sprint("invocation-", l.invocations.Add(1))}
	select {
	case l.queue(name) <- event:
	default: // more events than any test reads
	}
	f, ok := l.functions[name]
	if !ok {
		return Result{}, fmt.Errorf("no function %q", name)
	}
	var err error
	result.Payload, result.FunctionError, err = f(ctx, event)
	return result, err
}

// queue returns the events of a function.
func (l *lambdas) queue(name string) chan []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events[name] == nil {
		l.events[name] = make(chan []byte, 1000)
	}
	return l.events[name]
}

// returns returns a function with a constant result.
func returns(result string) function {
	return func(context.Context, []byte) ([]byte, string, error) { return []byte(result), "", nil }
}

// fails returns a function that ends with a function error of this type.
func fails(errorType string) function {
	return func(context.Context, []byte) ([]byte, string, error) {
		return fmt.Appendf(nil, `{"errorMessage":"the text of a message","errorType":%q}`, errorType), "Unhandled", nil
	}
}

// echoes is a function that returns the body of its event.
func echoes(_ context.Context, event []byte) ([]byte, string, error) {
	var e events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, "", err
	}
	result, err := json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200, Body: e.Body})
	return result, "", err
}

// ok is the smallest valid result of a function.
const ok = `{"statusCode":200}`

// clock is an Options.Now that tests advance.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stack is a gateway with two real listeners: one for WebSockets, one for
// @connections.
type stack struct {
	t       *testing.T
	gateway *Gateway
	lambdas *lambdas
	clock   *clock
	sockets *httptest.Server
	posts   *httptest.Server
}

// start serves the API "api1" with the stage "prod" until the end of the test.
// It has a route for each function, by route key, except for "authorizer".
// change, if not nil, changes the options.
func start(t *testing.T, functions map[string]function, change func(*Options)) *stack {
	t.Helper()
	s := &stack{
		t:       t,
		lambdas: &lambdas{functions: functions, events: map[string]chan []byte{}},
		clock:   &clock{now: time.Date(2024, 11, 11, 11, 35, 24, 561e6, time.UTC)},
	}
	api := API{
		ID:                       "api1",
		Stage:                    "prod",
		Region:                   "us-east-1",
		Account:                  "000000000000",
		RouteSelectionExpression: "$request.body.action",
		Routes:                   map[string]Route{},
	}
	for key := range functions {
		if key != "authorizer" {
			api.Routes[key] = Route{Key: key, Function: key, Permitted: true}
		}
	}
	// Tests call expire themselves, except the one about the ticker.
	options := Options{APIs: []API{api}, Invoker: s.lambdas, Now: s.clock.Now, Sweep: time.Hour}
	if change != nil {
		change(&options)
	}
	gateway, err := New(options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s.gateway = gateway
	s.sockets = httptest.NewUnstartedServer(gateway)
	s.sockets.Listener = KeepHeaderNames(s.sockets.Listener)
	s.sockets.Config.ConnContext = ConnContext
	s.sockets.Start()
	s.posts = httptest.NewServer(gateway.Management())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := gateway.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		s.sockets.Close()
		s.posts.Close()
	})
	return s
}

// route returns a change of one route.
func route(key string, change func(*Route)) func(*Options) {
	return func(o *Options) {
		r := o.APIs[0].Routes[key]
		change(&r)
		o.APIs[0].Routes[key] = r
	}
}

// twoWay returns a change that gives routes a route response.
func twoWay(keys ...string) func(*Options) {
	return func(o *Options) {
		for _, key := range keys {
			route(key, func(r *Route) { r.RouteResponse = true })(o)
		}
	}
}

// event waits for the next event of a function.
func (s *stack) event(name string) (events.APIGatewayWebsocketProxyRequest, []byte) {
	s.t.Helper()
	select {
	case raw := <-s.lambdas.queue(name):
		var e events.APIGatewayWebsocketProxyRequest
		if err := json.Unmarshal(raw, &e); err != nil {
			s.t.Fatalf("event of %s: %v", name, err)
		}
		return e, raw
	case <-time.After(patience):
		s.t.Fatalf("got no event for %s in %v, want one", name, patience)
	}
	panic("unreachable")
}

// noEvent fails the test if a function has another event now.
func (s *stack) noEvent(name string) {
	s.t.Helper()
	select {
	case raw := <-s.lambdas.queue(name):
		s.t.Errorf("got event for %s, want none: %s", name, raw)
	default:
	}
}

// disconnected waits for the $disconnect event and returns its code and reason.
func (s *stack) disconnected() (int64, string) {
	s.t.Helper()
	e, _ := s.event("$disconnect")
	reason := ""
	if e.RequestContext.DisconnectReason != nil {
		reason = *e.RequestContext.DisconnectReason
	}
	return e.RequestContext.DisconnectStatusCode, reason
}

// wantDisconnect waits for the $disconnect event and compares it.
func (s *stack) wantDisconnect(code int64, reason string) {
	s.t.Helper()
	if gotCode, gotReason := s.disconnected(); gotCode != code || gotReason != reason {
		s.t.Errorf("got $disconnect event with %d %q, want %d %q", gotCode, gotReason, code, reason)
	}
}

// eventually waits until the condition is true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// management returns a client of the AWS SDK for /prod.
func (s *stack) management() *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.posts.URL + "/prod"),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   s.posts.Client(), // one for all tests, so that connections are reused
	})
}

// post posts to a connection and returns the SDK's error.
func (s *stack) post(id, data string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := s.management().PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &id,
		Data:         []byte(data),
	})
	return err
}

// mustPost posts to a connection.
func (s *stack) mustPost(id, data string) {
	s.t.Helper()
	if err := s.post(id, data); err != nil {
		s.t.Fatalf("post: %v", err)
	}
}

// request calls @connections without an SDK. It returns the answer and its
// body.
func (s *stack) request(method, path, body string, signed bool) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.posts.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if signed {
		r.Header.Set("Authorization", signature)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(answer)
}
