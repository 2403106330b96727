package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// binary is testdata/function, built once by the package that builds them all.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv("LAMBDA_TEST_STACK") != "" {
		runStack()
		return
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambda-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	source, err := filepath.Abs("testdata/function")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built, err := builder.Build(context.Background(), dir, []builder.Target{
		{Name: "function", Dir: source, Method: builder.MethodGo},
	}, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = built["function"]
	return m.Run()
}

// stack is a service behind a real listener.
type stack struct {
	*lambda.Service
	url    string
	output *buffer
	log    *buffer
	// deadlines holds what the Runtime API said, by request id.
	deadlines sync.Map
}

// observe remembers what instances are told.
func (st *stack) observe(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if id := w.Header().Get("Lambda-Runtime-Aws-Request-Id"); id != "" {
			st.deadlines.Store(id, w.Header().Get("Lambda-Runtime-Deadline-Ms"))
		}
	})
}

// buffer is written by the service and read by the test.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const runtimePath = "/_runtime"

// serve starts a stack; configure may change its options, which are complete
// but for what a test is about.
func serve(tb testing.TB, configure func(*lambda.Options), functions ...lambda.Function) *stack {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	st := &stack{url: "http://" + listener.Addr().String(), output: new(buffer), log: new(buffer)}
	opt := lambda.Options{
		RuntimeAPI: listener.Addr().String() + runtimePath,
		TempDir:    tb.TempDir(),
		Output:     st.output,
		Log:        slog.New(slog.NewTextHandler(st.log, nil)),
	}
	if configure != nil {
		configure(&opt)
	}
	st.Service, err = lambda.New(opt)
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(runtimePath+"/", st.observe(st.RuntimeHandler()))
	mux.Handle("/", st.APIHandler())
	server := &http.Server{Handler: mux, MaxHeaderBytes: 2 << 20}
	go server.Serve(listener)
	tb.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what a test has left running is not waited for
		if err := st.Close(ctx); err != nil {
			tb.Error(err)
		}
		server.Close()
		if tb.Failed() {
			tb.Logf("output:\n%s\nlog:\n%s", st.output, st.log)
		}
	})
	if err := st.Deploy(functions); err != nil {
		tb.Fatal(err)
	}
	return st
}

// function is one with the defaults of a template and generous time.
func function(name string, change ...func(*lambda.Function)) lambda.Function {
	fn := lambda.Function{Name: name, Binary: binary, Timeout: time.Minute}
	for _, c := range change {
		c(&fn)
	}
	return fn
}

func env(key, value string) func(*lambda.Function) {
	return func(fn *lambda.Function) {
		if fn.Env == nil {
			fn.Env = make(map[string]string)
		}
		fn.Env[key] = value
	}
}

func timeout(d time.Duration) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.Timeout = d }
}

func memory(mb int) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.MemoryMB = mb }
}

func reserved(n int) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.ReservedConcurrency = &n }
}

// client is AWS's own, pointed at the stack and without retries.
func (st *stack) client() *sdk.Client {
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(st.url),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:      aws.NopRetryer{},
	})
}

// invoke fails the test if the invocation did not happen. It returns when the
// instance is ready for the next one, so that a test can tell which it will be.
func (st *stack) invoke(tb testing.TB, name string, event any) lambda.Result {
	tb.Helper()
	result, err := st.Invoke(context.Background(), name, marshal(tb, event))
	if err != nil {
		tb.Fatalf("invoke %s with %v: %v", name, event, err)
	}
	eventually(tb, "instance is back", func() bool { return st.states(name)[lambda.StateResponded] == 0 })
	return result
}

// value is the response of an invocation that has to succeed.
func value[T any](tb testing.TB, result lambda.Result) T {
	tb.Helper()
	if result.FunctionError != "" {
		tb.Fatalf("function failed: %s", result.Payload)
	}
	return unmarshal[T](tb, result.Payload)
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func unmarshal[T any](tb testing.TB, text []byte) T {
	tb.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return v
}

// event is what testdata/function understands.
type event struct {
	Do   string `json:",omitempty"`
	Text string `json:",omitempty"`
	N    int    `json:",omitempty"`
	File string `json:",omitempty"`
}

// eventually waits for a condition of the world outside this process.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("gave up waiting: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// lines of a file, none if there is none.
func lines(tb testing.TB, path string) []string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")[:strings.Count(string(text), "\n")]
}

func touch(tb testing.TB, path string) {
	tb.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// states counts a function's instances by what they do.
func (st *stack) states(name string) map[lambda.State]int {
	counts := make(map[lambda.State]int)
	for _, in := range st.Instances() {
		if in.Function == name {
			counts[in.State]++
		}
	}
	return counts
}
