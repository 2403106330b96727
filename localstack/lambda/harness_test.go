package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// binary is the executable of testdata/function.
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
	// deadlines are those that the Runtime API has sent, by request id.
	deadlines sync.Map
}

// observe records the deadlines that h sends to instances.
func (st *stack) observe(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if id := w.Header().Get("Lambda-Runtime-Aws-Request-Id"); id != "" {
			st.deadlines.Store(id, w.Header().Get("Lambda-Runtime-Deadline-Ms"))
		}
	})
}

// buffer is a bytes.Buffer for concurrent use.
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

// startSchedules deploys the running functions again, with these schedules.
func (st *stack) startSchedules(schedules []lambda.Schedule) error {
	commit, err := st.Prepare(st.Functions(), schedules)
	if err == nil {
		commit()
	}
	return err
}

// serve starts a stack with these functions. configure, if not nil, changes the
// options.
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
		cancel() // does not wait for what a test has left running
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

// function returns a function with Lambda's defaults and a generous timeout.
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

// client returns an SDK client for the stack, without retries.
func (st *stack) client() *sdk.Client {
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(st.url),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:      aws.NopRetryer{},
	})
}

// invoke invokes a function and fails the test if the function did not run. It
// returns when the instance is ready again, so that the next invocation reuses
// it.
func (st *stack) invoke(tb testing.TB, name string, event any) lambda.Result {
	tb.Helper()
	result, err := st.Invoke(context.Background(), name, marshal(tb, event))
	if err != nil {
		tb.Fatalf("invoke %s with %v: %v", name, event, err)
	}
	eventually(tb, "instance is back", func() bool { return st.states(name)[lambda.StateResponded] == 0 })
	return result
}

// value returns the response of an invocation that must succeed.
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

// event is an event of testdata/function.
type event struct {
	Do   string `json:",omitempty"`
	Text string `json:",omitempty"`
	N    int    `json:",omitempty"`
	File string `json:",omitempty"`
}

// eventually polls until the condition holds.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("timed out waiting for: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// lines returns the lines of a file, none if the file does not exist.
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

// isRefusal reports whether err is a refusal with this code.
func isRefusal(err error, code string) bool {
	refusal, ok := errors.AsType[*lambda.Error](err)
	return ok && refusal.Code == code
}

// states counts a function's instances by state.
func (st *stack) states(name string) map[lambda.State]int {
	counts := make(map[lambda.State]int)
	for _, in := range st.Instances() {
		if in.Function == name {
			counts[in.State]++
		}
	}
	return counts
}
