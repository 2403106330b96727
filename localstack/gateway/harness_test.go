package gateway

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/coder/websocket"
)

// patience is how long a test waits for what must happen before it fails.
const patience = time.Minute

// function stands for one Lambda function.
type function func(ctx context.Context, event []byte) (result []byte, functionError string, err error)

// lambdas is the Lambda service of these tests: a table of functions, and the
// events each was given.
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
	default: // more events than any test looks at
	}
	f, ok := l.functions[name]
	if !ok {
		return Result{}, fmt.Errorf("no function %q", name)
	}
	var err error
	result.Payload, result.FunctionError, err = f(ctx, event)
	return result, err
}

func (l *lambdas) queue(name string) chan []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events[name] == nil {
		l.events[name] = make(chan []byte, 1000)
	}
	return l.events[name]
}

// returns is a function with a constant result.
func returns(result string) function {
	return func(context.Context, []byte) ([]byte, string, error) { return []byte(result), "", nil }
}

// fails is a function that ends in a function error.
func fails(errorType string) function {
	return func(context.Context, []byte) ([]byte, string, error) {
		return fmt.Appendf(nil, `{"errorMessage":"the text of a message","errorType":%q}`, errorType), "Unhandled", nil
	}
}

// echoes returns the message's body, as a two-way route does.
func echoes(_ context.Context, event []byte) ([]byte, string, error) {
	var e events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, "", err
	}
	result, err := json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200, Body: e.Body})
	return result, "", err
}

const ok = `{"statusCode":200}`

// clock is an adjustable Options.Now.
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

// stack is a gateway on two real listeners: sockets on one, @connections on the
// other.
type stack struct {
	t       *testing.T
	gateway *Gateway
	lambdas *lambdas
	clock   *clock
	sockets *httptest.Server
	posts   *httptest.Server
}

// start serves an API "api1" with stage "prod" whose routes are the functions,
// by route key; "authorizer" is no route. change may alter the options.
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
	// Tests call expire themselves, except for the one that shows the ticker.
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

// route alters one route.
func route(key string, change func(*Route)) func(*Options) {
	return func(o *Options) {
		r := o.APIs[0].Routes[key]
		change(&r)
		o.APIs[0].Routes[key] = r
	}
}

// twoWay makes routes answer their callers.
func twoWay(keys ...string) func(*Options) {
	return func(o *Options) {
		for _, key := range keys {
			route(key, func(r *Route) { r.RouteResponse = true })(o)
		}
	}
}

// event waits for the next event given to a function.
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
		s.t.Fatalf("%s was not invoked", name)
	}
	panic("unreachable")
}

// noEvent says that a function was not invoked so far.
func (s *stack) noEvent(name string) {
	s.t.Helper()
	select {
	case raw := <-s.lambdas.queue(name):
		s.t.Errorf("%s was invoked: %s", name, raw)
	default:
	}
}

// disconnected waits for $disconnect and returns what it was told.
func (s *stack) disconnected() (int64, string) {
	s.t.Helper()
	e, _ := s.event("$disconnect")
	reason := ""
	if e.RequestContext.DisconnectReason != nil {
		reason = *e.RequestContext.DisconnectReason
	}
	return e.RequestContext.DisconnectStatusCode, reason
}

func (s *stack) wantDisconnect(code int64, reason string) {
	s.t.Helper()
	if gotCode, gotReason := s.disconnected(); gotCode != code || gotReason != reason {
		s.t.Errorf("$disconnect got %d %q, want %d %q", gotCode, gotReason, code, reason)
	}
}

// client is a WebSocket client.
type client struct {
	*websocket.Conn
	t  *testing.T
	id string // of the connection, known if there is a $connect function
}

// dial opens a connection to /prod.
func (s *stack) dial() *client {
	s.t.Helper()
	c, response, err := s.tryDial("/prod", nil)
	if err != nil {
		s.t.Fatalf("dial: %v (%v)", err, response)
	}
	if _, ok := s.lambdas.functions["$connect"]; ok {
		e, _ := s.event("$connect")
		c.id = e.RequestContext.ConnectionID
	}
	return c
}

func (s *stack) tryDial(path string, options *websocket.DialOptions) (*client, *http.Response, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.sockets.URL, "http")+path, options)
	if err != nil {
		return nil, response, err
	}
	conn.SetReadLimit(-1)
	s.t.Cleanup(func() { conn.CloseNow() })
	return &client{Conn: conn, t: s.t}, response, nil
}

// refused returns the status of a handshake that does not succeed.
func (s *stack) refused(path string) int {
	s.t.Helper()
	_, response, err := s.tryDial(path, nil)
	if err == nil {
		s.t.Fatalf("GET %s: the handshake succeeded", path)
	}
	if response == nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	return response.StatusCode
}

func (c *client) send(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// receive returns the next text message.
func (c *client) receive() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kind, data, err := c.Read(ctx)
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	if kind != websocket.MessageText {
		c.t.Fatalf("received a message of kind %v", kind)
	}
	return string(data)
}

// closed reads until the connection is closed and returns the close frame's
// code and reason, or 1006.
func (c *client) closed() (websocket.StatusCode, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, _, err := c.Read(ctx)
		if closing := (websocket.CloseError{}); errors.As(err, &closing) {
			return closing.Code, closing.Reason
		}
		if ctx.Err() != nil {
			c.t.Fatal("the connection was not closed")
		}
		if err != nil {
			return websocket.StatusAbnormalClosure, ""
		}
	}
}

func (c *client) wantClosed(code websocket.StatusCode, reason string) {
	c.t.Helper()
	if gotCode, gotReason := c.closed(); gotCode != code || gotReason != reason {
		c.t.Errorf("closed with %d %q, want %d %q", gotCode, gotReason, code, reason)
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// management is the AWS SDK's client for /prod.
func (s *stack) management() *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.posts.URL + "/prod"),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   s.posts.Client(), // one for all, so that sockets are used again
	})
}

func (s *stack) post(id, data string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := s.management().PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &id,
		Data:         []byte(data),
	})
	return err
}

func (s *stack) mustPost(id, data string) {
	s.t.Helper()
	if err := s.post(id, data); err != nil {
		s.t.Fatalf("post: %v", err)
	}
}

// request calls @connections without an SDK; the answer's body is returned
// beside it.
func (s *stack) request(method, path, body string, signed bool) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.posts.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if signed {
		r.Header.Set("Authorization",
			"AWS4-HMAC-SHA256 Credential=A/20241111/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0")
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
