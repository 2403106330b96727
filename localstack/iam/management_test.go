package iam_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/smithy-go"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/trace"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

// patience is how long a test waits before it fails.
const patience = 20 * time.Second

const api = "a1b2c3d4e5"

// noFunctions is the invoker of an API without routes.
type noFunctions struct{}

func (noFunctions) Invoke(context.Context, string, []byte) (gateway.Result, error) {
	return gateway.Result{}, errors.New("the API has no functions")
}

// connected is a gateway with one client; its @connections API is behind a
// guard.
type connected struct {
	guard  *iam.Guard
	socket *websocket.Conn
	id     string
	url    string // the endpoint of @connections, with the stage
	log    *log
	events *tracetest.Recorder
}

func connect(t *testing.T) *connected {
	t.Helper()
	g, err := gateway.New(gateway.Options{
		APIs: []gateway.API{{
			ID:                       api,
			Stage:                    "prod",
			Region:                   region,
			Account:                  account,
			RouteSelectionExpression: "$request.body.action",
		}},
		Invoker: noFunctions{},
	})
	if err != nil {
		t.Fatal(err)
	}
	sockets := httptest.NewServer(g)
	t.Cleanup(sockets.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	socket, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(sockets.URL, "http")+"/prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = socket.CloseNow() // may be closed already
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	c := &connected{socket: socket, log: &log{}, events: &tracetest.Recorder{}}
	c.guard = newGuard(t, iam.Options{Log: c.log.logger(), Trace: c.events})
	c.url = serve(t, c.guard.Management(g.Management(), g.Resolve)) + "/prod"
	for ctx.Err() == nil && c.id == "" {
		for _, id := range g.ConnectionIDs() {
			c.id = id
		}
		time.Sleep(time.Millisecond)
	}
	if c.id == "" {
		t.Fatal("the client is not connected")
	}
	return c
}

func (c *connected) client(signer string) *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		BaseEndpoint: &c.url,
		Region:       region,
		Credentials:  signedBy(signer),
	})
}

func (c *connected) grant(t *testing.T, statements ...iam.Statement) {
	t.Helper()
	if err := c.guard.Update(map[string]iam.Role{function: role(statements...)}, nil); err != nil {
		t.Fatal(err)
	}
}

func (c *connected) call(ctx context.Context, client *apigatewaymanagementapi.Client, method string) error {
	var err error
	switch method {
	case http.MethodPost:
		_, err = client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: &c.id,
			Data:         []byte("hello"),
		})
	case http.MethodGet:
		_, err = client.GetConnection(ctx, &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &c.id})
	case http.MethodDelete:
		_, err = client.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &c.id})
	}
	return err
}

// The resource of a permission is API/STAGE/METHOD/@connections/ID.
func TestC13_ManageConnectionsResources(t *testing.T) {
	c := connect(t)
	arn := "arn:aws:execute-api:" + region + ":" + account + ":"
	for _, p := range []struct {
		name, resource string
		methods        string // the methods that it allows
	}{
		{"nothing", arn + api + "/prod", ""},
		{"everything", "*", "POST GET"},
		{"an API", arn + api + "/*", "POST GET"},
		{"another API", arn + "zzzzzzzzzz/*", ""},
		{"a stage", arn + api + "/prod/*", "POST GET"},
		{"another stage", arn + api + "/dev/*", ""},
		{"a method", arn + api + "/prod/POST/@connections/*", "POST"},
		{"another method", arn + api + "/prod/GET/@connections/*", "GET"},
		{"every method", arn + api + "/prod/*/@connections/*", "POST GET"},
		{"a connection", arn + api + "/prod/POST/@connections/" + c.id, "POST"},
		{"another connection", arn + api + "/prod/POST/@connections/x" + c.id, ""},
		{"a route is not a connection", arn + api + "/prod/$connect", ""},
		{"another region", strings.Replace(arn, region, "us-east-1", 1) + api + "/*", ""},
	} {
		t.Run(p.name, func(t *testing.T) {
			c.grant(t, statement("Allow", "execute-api:ManageConnections", p.resource, nil))
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				err := c.call(t.Context(), c.client(function), method)
				refusal, ok := errors.AsType[smithy.APIError](err)
				refused := ok && refusal.ErrorCode() == "AccessDeniedException"
				if want := strings.Contains(p.methods, method); want != (err == nil) || want == refused {
					t.Errorf("%s: got %v, want it allowed: %t", method, err, want)
				}
			}
		})
	}
	t.Run("execute-api:Invoke is not enough", func(t *testing.T) {
		c.grant(t, statement("Allow", "execute-api:Invoke", "*", nil))
		if err := c.call(t.Context(), c.client(function), http.MethodPost); err == nil {
			t.Error("the post succeeded, want it refused")
		}
	})
	t.Run("DELETE", func(t *testing.T) {
		c.grant(t, statement("Allow", "execute-api:ManageConnections", arn+api+"/prod/DELETE/@connections/*", nil))
		if err := c.call(t.Context(), c.client(function), http.MethodDelete); err != nil {
			t.Errorf("got %v, want success", err)
		}
	})
}

func TestC13_CallerOutsideMayPost(t *testing.T) {
	c := connect(t)
	c.grant(t)
	if err := c.call(t.Context(), c.client("developer"), http.MethodPost); err != nil {
		t.Errorf("got %v, want success", err)
	}
}

// A refusal has the header x-amzn-ErrorType, a masked account and the literal
// {connectionId}.
func TestC5_403_AccessDenied(t *testing.T) {
	c := connect(t)
	post := func() (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			c.url+"/@connections/"+url.PathEscape(c.id), strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization",
			"AWS4-HMAC-SHA256 Credential="+function+
				"/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host, Signature=0")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	want := "User: " + session + " is not authorized to perform: execute-api:ManageConnections on resource: " +
		"arn:aws:execute-api:" + region + ":********9012:" + api + "/prod/POST/@connections/{connectionId}"
	for _, p := range []struct {
		name, suffix string
		statements   []iam.Statement
	}{
		{"nothing allows it", "", nil},
		{"a statement denies it", " with an explicit deny", []iam.Statement{statement("Deny", "*", "*", nil)}},
	} {
		t.Run(p.name, func(t *testing.T) {
			c.grant(t, p.statements...)
			c.log.lines()
			c.events.Take()
			response, body := post()
			var answer map[string]string
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if response.StatusCode != 403 || len(answer) != 1 || answer["Message"] != want+p.suffix {
				t.Errorf("got  %s %s\nwant 403 %s", response.Status, body, want+p.suffix)
			}
			if got := response.Header.Get("x-amzn-ErrorType"); got != "AccessDeniedException" {
				t.Errorf("x-amzn-ErrorType: got %q, want AccessDeniedException", got)
			}
			c.checkTrace(t)
			if lines := c.log.lines(); len(lines) != 1 ||
				!strings.Contains(lines[0], "action=execute-api:ManageConnections") {
				t.Errorf("got the log lines %q, want one with action=execute-api:ManageConnections", lines)
			}
		})
	}
	t.Run("the SDK's error", func(t *testing.T) {
		c.grant(t)
		err := c.call(t.Context(), c.client(function), http.MethodPost)
		refusal, ok := errors.AsType[smithy.APIError](err)
		if !ok || refusal.ErrorCode() != "AccessDeniedException" {
			t.Errorf("got %v, want AccessDeniedException", err)
		}
	})
}

// checkTrace checks that a refused post has left one trace event.
func (c *connected) checkTrace(t *testing.T) {
	t.Helper()
	traced := c.events.Take()
	if len(traced) != 1 {
		t.Fatalf("got the trace events %+v, want 1", traced)
	}
	e := traced[0]
	if e.Kind != trace.Post || e.Operation != "PostToConnection" || e.ConnectionID != c.id || e.API != api ||
		e.Stage != "prod" || e.Status != 403 || e.Error != "AccessDeniedException" {
		t.Errorf("got the trace event %+v, want a refused post to %s", e, c.id)
	}
}

// The guard lets a request for an unknown stage pass; the gateway refuses it.
func TestC5_403_ForbiddenIsTheGateways(t *testing.T) {
	c := connect(t)
	c.grant(t)
	c.url = strings.TrimSuffix(c.url, "/prod") + "/nowhere"
	err := c.call(t.Context(), c.client(function), http.MethodPost)
	refusal, ok := errors.AsType[smithy.APIError](err)
	if !ok || refusal.ErrorCode() != "ForbiddenException" {
		t.Errorf("got %v, want ForbiddenException", err)
	}
}
