package eventsource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/eventsource"
)

// reader adapts the engine.
type reader struct{ engine *dynamodb.Engine }

func (r reader) Read(stream, after string, limit int) ([]eventsource.Record, error) {
	records, err := r.engine.ReadStream(stream, after, limit)
	out := make([]eventsource.Record, len(records))
	for i, record := range records {
		out[i] = eventsource.Record(record)
	}
	return out, err
}

func (r reader) End(stream string) (string, error) { return r.engine.StreamEnd(stream) }

func (r reader) Changed(stream string) (<-chan struct{}, error) {
	return r.engine.StreamChanged(stream)
}

// stack is an engine with a table and its stream, and the options of a service
// that invokes a Go function of the test.
type stack struct {
	t      *testing.T
	client *sdk.Client
	engine *dynamodb.Engine
	stream string
	opts   eventsource.Options
	*function
}

const table = "items"

func newStack(t *testing.T) *stack {
	t.Helper()
	engine, err := dynamodb.Open(dynamodb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(engine)
	t.Cleanup(func() {
		server.Close()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &stack{t: t, engine: engine, function: &function{}, client: sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})}
	out, err := s.client.CreateTable(t.Context(), &sdk.CreateTableInput{
		TableName:            aws.String(table),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled:  aws.Bool(true),
			StreamViewType: "NEW_AND_OLD_IMAGES",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.stream = *out.TableDescription.LatestStreamArn
	s.opts = eventsource.Options{
		Dir:        t.TempDir(),
		Reader:     reader{engine},
		Invoker:    s.function,
		RetryDelay: time.Millisecond,
		Log:        slog.New(slog.NewTextHandler(t.Output(), nil)),
		Discarded:  s.function.discarded,
	}
	return s
}

// put writes one item for each key, with v counting from 0.
func (s *stack) put(pks ...string) {
	s.t.Helper()
	for i, pk := range pks {
		s.putValue(pk, fmt.Sprint(i))
	}
}

// putValue writes an item.
func (s *stack) putValue(pk, v string) {
	s.t.Helper()
	_, err := s.client.PutItem(s.t.Context(), &sdk.PutItemInput{TableName: aws.String(table),
		Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk},
			"v": &types.AttributeValueMemberS{Value: v}}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// names returns n keys: prefix0, prefix1 and so on.
func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}

// mapping returns a mapping with Lambda's defaults, except that it starts at
// the oldest record. change, if not nil, changes it.
func (s *stack) mapping(change func(*eventsource.Config)) eventsource.Config {
	c := eventsource.Config{
		UUID:                  "0e8a1d5f-3c5f-4ce0-8f1a-6a4b0a5f4a10",
		StreamARN:             s.stream,
		Function:              "arn:aws:lambda:us-east-1:000000000000:function:f",
		StartingPosition:      eventsource.TrimHorizon,
		BatchSize:             100,
		ParallelizationFactor: 1,
		MaximumRetryAttempts:  -1,
		Enabled:               true,
	}
	if change != nil {
		change(&c)
	}
	return c
}

// start runs a service with mappings until the test ends or stop is called.
func (s *stack) start(configs ...eventsource.Config) (service *eventsource.Service, stop func()) {
	s.t.Helper()
	service, err := eventsource.New(s.opts)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := service.Set(configs); err != nil {
		s.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := service.Close(ctx); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return service, stop
}

// function is an Invoker that records its invocations.
type function struct {
	// handle answers an invocation; nil means success. It is called
	// concurrently only if parallel is set.
	handle   func(call int, batch []string) (eventsource.Response, error)
	parallel bool

	running   sync.Mutex
	mu        sync.Mutex
	batches   [][]string // the records of each batch, as key=v
	payloads  [][]byte
	documents []string
}

func (f *function) Invoke(_ context.Context, _ string, payload []byte) (eventsource.Response, error) {
	if !f.parallel {
		f.running.Lock()
		defer f.running.Unlock()
	}
	var event events.DynamoDBEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return eventsource.Response{}, err
	}
	var batch []string
	for _, r := range event.Records {
		batch = append(batch, r.Change.Keys["pk"].String()+"="+r.Change.NewImage["v"].String())
	}
	f.mu.Lock()
	call := len(f.batches)
	f.batches = append(f.batches, batch)
	f.payloads = append(f.payloads, payload)
	f.mu.Unlock()
	if f.handle == nil {
		return eventsource.Response{Payload: []byte("null")}, nil
	}
	return f.handle(call, batch)
}

func (f *function) discarded(destination string, document []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.documents = append(f.documents, destination+" "+string(document))
}

// calls returns the batches so far, each in one string.
func (f *function) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, b := range f.batches {
		out = append(out, strings.Join(b, " "))
	}
	return out
}

// seen returns all records so far, in order.
func (f *function) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Concat(f.batches...)
}

// discards returns the destinations and documents so far.
func (f *function) discards() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.documents)
}

var (
	failed     = eventsource.Response{FunctionError: "Unhandled", RequestID: "11111111-2222-4333-8444-555555555555"}
	errNotRun  = errors.New("TooManyRequestsException")
	longEnough = 30 * time.Second
)

// waitFor polls until done returns true.
func (s *stack) waitFor(what string, done func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(longEnough)
	for !done() {
		if time.Now().After(deadline) {
			s.t.Fatalf("timed out waiting for: %s; got the calls %v, discards %v", what, s.calls(), s.discards())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// waitForCalls waits for as many batches as in want and checks that they are
// equal.
func (s *stack) waitForCalls(want ...string) {
	s.t.Helper()
	s.waitFor(fmt.Sprintf("calls %v", want), func() bool { return len(s.calls()) >= len(want) })
	if got := s.calls(); !slices.Equal(got, want) {
		s.t.Fatalf("calls:\ngot  %v\nwant %v", got, want)
	}
}
