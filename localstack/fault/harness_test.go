package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdklambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// binary is the test function of package lambda, which does what its event
// says.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "fault-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		source, err := filepath.Abs("../lambda/testdata/function")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		built, err := builder.Build(context.Background(), dir, []builder.Target{{
			Name:   "f",
			Dir:    source,
			Method: builder.MethodGo,
		}}, nil)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		binary = built["f"]
		return m.Run()
	}())
}

// stack has every service with faults, behind the edge on a real port.
type stack struct {
	t       *testing.T
	url     string
	faults  *fault.Injector
	lambda  *lambda.Service
	gateway *gateway.Gateway
}

// invoker lets the gateway run functions.
type invoker struct{ *lambda.Service }

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) (gateway.Result, error) {
	result, err := i.Service.Invoke(ctx, function, payload)
	return gateway.Result{
		Payload:       result.Payload,
		FunctionError: result.FunctionError,
		RequestID:     result.RequestID,
	}, err
}

// start serves the function f, the function g with a reserved concurrency of 1,
// a table "things" and an API whose messages go to f.
func start(t *testing.T) *stack {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	address := listener.Addr().String()
	s := &stack{
		t:      t,
		url:    "http://" + address,
		faults: fault.New(fault.Options{Functions: []string{"f", "g"}, Log: log}),
	}
	front, err := edge.New(address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: front}
	go server.Serve(listener)

	tables, err := dynamodb.Open(dynamodb.Options{Dir: t.TempDir(), Faults: s.faults.DynamoDB()})
	if err != nil {
		t.Fatal(err)
	}
	s.lambda, err = lambda.New(lambda.Options{
		RuntimeAPI: address + edge.RuntimePrefix,
		TempDir:    t.TempDir(),
		Faults:     s.faults.Lambda(),
		Output:     t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	one := 1
	err = s.lambda.Deploy([]lambda.Function{
		{Name: "f", Binary: binary, Timeout: time.Minute},
		{Name: "g", Binary: binary, Timeout: time.Minute, ReservedConcurrency: &one},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.gateway, err = gateway.New(gateway.Options{
		Invoker: invoker{s.lambda},
		Faults:  s.faults.Gateway(),
		APIs: []gateway.API{{
			ID:                       "api1",
			Stage:                    "local",
			Region:                   awsname.DefaultRegion,
			Account:                  awsname.DefaultAccount,
			RouteSelectionExpression: "$request.body.action",
			Routes:                   map[string]gateway.Route{"$default": {Function: "f", Permitted: true}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	front.Serve(edge.Services{
		DynamoDB:   tables,
		Lambda:     s.lambda.APIHandler(),
		Runtime:    s.lambda.RuntimeHandler(),
		Gateway:    s.gateway,
		Management: s.gateway.Management(),
		Faults:     s.faults.Handler(edge.FaultsPath, fault.Targets{Functions: s.lambda, Connections: s.gateway}),
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // does not wait for what a test has left running
		s.gateway.Shutdown(ctx)
		if err := s.lambda.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	})
	s.createTable()
	return s
}

// createTable creates the table "things".
func (s *stack) createTable() {
	s.t.Helper()
	_, err := s.tables().CreateTable(s.t.Context(), &sdkdynamodb.CreateTableInput{
		TableName:   aws.String("things"),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{
			AttributeName: aws.String("id"),
			AttributeType: types.ScalarAttributeTypeS,
		}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// config returns a configuration for clients that do not retry.
func (s *stack) config() aws.Config {
	return aws.Config{
		Region:       awsname.DefaultRegion,
		BaseEndpoint: &s.url,
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func (s *stack) tables() *sdkdynamodb.Client { return sdkdynamodb.NewFromConfig(s.config()) }

// request calls the faults' API and returns the answer's status and body.
func (s *stack) request(method, path, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+edge.FaultsPath+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set(edge.FaultsHeader, "test")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// call is request for a request that must succeed.
func call[T any](s *stack, method, path, body string) T {
	s.t.Helper()
	status, answer := s.request(method, path, body)
	var v T
	if err := json.Unmarshal([]byte(answer), &v); status >= 300 || err != nil {
		s.t.Fatalf("%s %s %s: %d %s (%v)", method, path, body, status, answer, err)
	}
	return v
}

// set sets a fault.
func (s *stack) set(body string) {
	s.t.Helper()
	if got := call[fault.Status](s, http.MethodPost, "", body); got.ID == 0 || got.Struck != 0 {
		s.t.Fatalf("set %s: got %+v, want an id and no strikes", body, got)
	}
}

// act carries out an action and returns how much it struck.
func (s *stack) act(body string) int {
	s.t.Helper()
	return call[fault.Done](s, http.MethodPost, "", body).Struck
}

// struck returns how often the only fault has struck.
func (s *stack) struck() uint64 {
	s.t.Helper()
	on := call[fault.State](s, http.MethodGet, "", "").Faults
	if len(on) != 1 {
		s.t.Fatalf("got %d faults, want 1", len(on))
	}
	return on[0].Struck
}

// cleared clears the only fault and checks how often it has struck.
func (s *stack) cleared(want uint64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("the fault has struck %d times", want), func() bool { return s.struck() == want })
	call[fault.State](s, http.MethodDelete, "", "")
	if on := call[fault.State](s, http.MethodGet, "", "").Faults; len(on) != 0 {
		s.t.Fatalf("after DELETE: got the faults %+v, want none", on)
	}
}

// invoke runs a function with the AWS SDK and returns its response or its error
// object.
func (s *stack) invoke(function string, event map[string]any) (payload string, failed bool) {
	s.t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := sdklambda.NewFromConfig(s.config()).Invoke(context.Background(), &sdklambda.InvokeInput{
		FunctionName: &function,
		Payload:      text,
	})
	if err != nil {
		s.t.Errorf("invoke %s with %s: %v", function, text, err)
		return "", true
	}
	return string(out.Payload), out.FunctionError != nil
}

// lines returns the words of a file, none if the file does not exist.
func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for: %s", what)
		}
	}
}
