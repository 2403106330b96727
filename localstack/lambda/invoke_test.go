package lambda_test

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/trace"
)

func TestD4_2_SequentialInvocationsShareOneInstance(t *testing.T) {
	st := serve(t, nil, function("counter"))
	for i := 1; i <= 50; i++ {
		result := st.invoke(t, "counter", event{Do: "count"})
		if n := value[int](t, result); n != i {
			t.Fatalf("invocation %d: got number %d of its instance, want %[1]d", i, n)
		}
		if (result.InitDuration > 0) != (i == 1) {
			t.Errorf("invocation %d: got the init duration %v, want one for the first only", i, result.InitDuration)
		}
	}
	if n := len(st.Instances()); n != 1 {
		t.Errorf("got %d instances, want 1", n)
	}
}

func TestD4_2_ConcurrentInvocationsRunInInstancesOfTheirOwn(t *testing.T) {
	const n = 6
	st := serve(t, nil, function("f"))
	release := filepath.Join(t.TempDir(), "release")
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if got := value[string](t, st.invoke(t, "f", event{Do: "block", File: release})); got != "released" {
				t.Errorf("got %q, want \"released\"", got)
			}
		})
	}
	eventually(t, "all run concurrently", func() bool { return st.states("f")[lambda.StateRunning] == n })
	touch(t, release)
	all.Wait()
	eventually(t, "all are idle", func() bool { return st.states("f")[lambda.StateIdle] == n })

	// The instance that was used last is used again, so that the others can
	// end.
	first := pid(t, st)
	for range 5 {
		if p := pid(t, st); p != first {
			t.Fatalf("process %d answered, want %d again", p, first)
		}
	}
	if got := len(st.Instances()); got != n {
		t.Errorf("got %d instances, want %d", got, n)
	}
}

// seen is what the action context of the function returns.
type seen struct {
	RequestID, Arn, Dir, Trace, Client string
	Deadline                           string
	PID                                int
}

// pid returns the process that runs an invocation of f.
func pid(t *testing.T, st *stack) int {
	t.Helper()
	return value[seen](t, st.invoke(t, "f", event{Do: "context"})).PID
}

func TestIdleInstancesEnd(t *testing.T) {
	st := serve(t, func(o *lambda.Options) { o.IdleTimeout = 20 * time.Millisecond }, function("f"))
	st.invoke(t, "f", event{})
	eventually(t, "no instance is left", func() bool { return len(st.Instances()) == 0 })
	if n := value[int](t, st.invoke(t, "f", event{Do: "count"})); n != 1 {
		t.Errorf("the next invocation: got number %d of its instance, want 1", n)
	}
}

func TestD5_3_LargestPayloadsPass(t *testing.T) {
	st := serve(t, nil, function("f"))
	frame := len(marshal(t, event{Text: "x"})) - 1
	text := strings.Repeat("a", 6<<20-frame)
	if got := value[string](t, st.invoke(t, "f", event{Text: text})); got != text {
		t.Errorf("got %d bytes, want %d", len(got), len(text))
	}
	_, err := st.Invoke(t.Context(), "f", marshal(t, event{Text: text + "a"}))
	if !isRefusal(err, lambda.CodeTooLarge) {
		t.Errorf("one byte more: got %v, want %s", err, lambda.CodeTooLarge)
	}
}

func TestD1_5_WhatAFunctionIsTold(t *testing.T) {
	dir, before := t.TempDir(), time.Now()
	st := serve(t, nil, function("f", func(fn *lambda.Function) { fn.Dir = dir }, timeout(90*time.Second)))
	result, err := st.Do(t.Context(), lambda.Request{
		Function:      "arn:aws:lambda:us-east-1:000000000000:function:f",
		Payload:       []byte(`{"Do":"context"}`),
		ClientContext: `{"client":{"app_title":"tests"}}`,
		TraceID:       "Root=1-00000000-000000000000000000000000",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := value[seen](t, result)
	if got.RequestID != result.RequestID ||
		!regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]`).MatchString(got.RequestID) {
		t.Errorf("the function got the request id %q, want %q, a UUID", got.RequestID, result.RequestID)
	}
	if got.Arn != "arn:aws:lambda:us-east-1:000000000000:function:f" || got.Client != "tests" ||
		got.Trace != "Root=1-00000000-000000000000000000000000" {
		t.Errorf("the function got %+v, want the ARN of f, the client \"tests\" and the trace id of the request", got)
	}
	if real, _ := filepath.EvalSymlinks(dir); got.Dir != real && got.Dir != dir {
		t.Errorf("the function works in %s, want %s", got.Dir, dir)
	}
	sent, _ := st.deadlines.Load(result.RequestID)
	ms, err := strconv.ParseInt(got.Deadline, 10, 64)
	if sent != got.Deadline || err != nil {
		t.Errorf("the function got the deadline %s, want %v, which the Runtime API sent", got.Deadline, sent)
	}
	if limit := time.UnixMilli(ms); limit.Before(before.Add(90*time.Second).Truncate(time.Millisecond)) ||
		limit.After(time.Now().Add(90*time.Second)) {
		t.Errorf("got the deadline %v, want 90 s after %v", limit, before)
	}
}

func TestD3_Environment(t *testing.T) {
	t.Setenv("HOST_SECRET", "leaked")
	st := serve(t, func(o *lambda.Options) {
		o.Env = map[string]string{"AWS_ENDPOINT_URL": "http://stack", "AWS_REGION": "moon-1"}
	},
		function("f", env("TABLE", "rooms"), env("AWS_ENDPOINT_URL", "http://template")),
		function("other"))
	read := func(name string) map[string]string {
		got := make(map[string]string)
		for _, kv := range value[[]string](t, st.invoke(t, name, event{Do: "env"})) {
			key, value, _ := strings.Cut(kv, "=")
			got[key] = value
		}
		return got
	}
	got := read("f")
	want := map[string]string{
		"TABLE":                           "rooms",
		"AWS_ENDPOINT_URL":                "http://stack",
		"AWS_REGION":                      "us-east-1",
		"AWS_DEFAULT_REGION":              "us-east-1",
		"_HANDLER":                        "bootstrap",
		"AWS_LAMBDA_FUNCTION_NAME":        "f",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/f",
		"AWS_LAMBDA_LOG_FORMAT":           "Text",
		"LAMBDA_TASK_ROOT":                filepath.Dir(binary),
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS":        "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",
		"TZ":                              ":UTC",
		"LANG":                            "en_US.UTF-8",
	}
	if runtime.GOOS != "windows" {
		want["PATH"] = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
		want["LD_LIBRARY_PATH"] = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("got %s=%q, want %q", key, got[key], value)
		}
	}
	if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(got["AWS_LAMBDA_LOG_STREAM_NAME"]) {
		t.Errorf("got the log stream %q, want date, version and 32 hexadecimal digits",
			got["AWS_LAMBDA_LOG_STREAM_NAME"])
	}
	for _, key := range []string{"HOST_SECRET", "HOME", "AWS_EXECUTION_ENV"} {
		if _, ok := got[key]; ok {
			t.Errorf("got %s=%q, want it not set", key, got[key])
		}
	}
	if !strings.HasPrefix(got["_X_AMZN_TRACE_ID"], "Root=1-") { // set by the function's library
		t.Errorf("got the trace id %q, want one that starts with Root=1-", got["_X_AMZN_TRACE_ID"])
	}
	creds, ok := st.Credentials(st.Instances()[0].ID)
	if !ok || got["AWS_ACCESS_KEY_ID"] != creds.AccessKeyID || got["AWS_SECRET_ACCESS_KEY"] != creds.SecretAccessKey ||
		got["AWS_SESSION_TOKEN"] != creds.SessionToken || len(creds.AccessKeyID) != 20 ||
		len(creds.SecretAccessKey) != 40 {
		t.Errorf("the function got other credentials, want %+v (%t)", creds, ok)
	}
	if other := read("other")["AWS_ACCESS_KEY_ID"]; other == creds.AccessKeyID {
		t.Errorf("two functions got the access key id %s, want different ones", other)
	}
	if caller, ok := st.Caller(creds.AccessKeyID); !ok || caller != (trace.Caller{Function: "f"}) {
		t.Errorf("got the caller %+v (%t), want f", caller, ok)
	}
}

// With AWS_LAMBDA_MAX_CONCURRENCY the Go library would run several invocations
// concurrently in one instance.
func TestD4_7_NoConcurrencyWithinAnInstance(t *testing.T) {
	st := serve(t, nil, function("f"))
	for _, kv := range value[[]string](t, st.invoke(t, "f", event{Do: "env"})) {
		if strings.HasPrefix(kv, "AWS_LAMBDA_MAX_CONCURRENCY=") {
			t.Errorf("got %s, want it not set", kv)
		}
	}
}

func TestD4_4_InvalidFunctionsAreRefused(t *testing.T) {
	st := serve(t, nil, function("kept"))
	minus := -1
	three := 3
	for want, fn := range map[string]lambda.Function{
		"reserved by Lambda":                  function("f", env("AWS_REGION", "x")),
		"allows 4096":                         function("f", env("BIG", strings.Repeat("x", 4094))),
		`"1X" is not a letter`:                function("f", env("1X", "")),
		"find executable":                     function("f", func(fn *lambda.Function) { fn.Binary = "absent" }),
		"timeout 15m1s":                       function("f", timeout(901*time.Second)),
		"reserved concurrency -1 is negative": {Name: "f", Binary: binary, ReservedConcurrency: &minus},
		"maximum retry attempts 3": {
			Name:   "f",
			Binary: binary,
			Async:  lambda.AsyncConfig{MaximumRetryAttempts: &three},
		},
		"reserved concurrency of all functions": function("f", reserved(1001)),
		"name is empty":                         function(""),
		"memory size 127 MB":                    function("f", memory(127)),
		"memory size 10241 MB":                  function("f", memory(10_241)),
		"maximum event age 59s": {
			Name:   "f",
			Binary: binary,
			Async:  lambda.AsyncConfig{MaximumEventAge: 59 * time.Second},
		},
		"maximum event age 6h0m1s": {
			Name:   "f",
			Binary: binary,
			Async:  lambda.AsyncConfig{MaximumEventAge: 6*time.Hour + time.Second},
		},
	} {
		if err := st.Deploy([]lambda.Function{fn}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("deploy: got %v, want an error with %q", err, want)
		}
	}
	if err := st.Deploy([]lambda.Function{function("a"), function("a")}); err == nil {
		t.Error("Deploy accepted two functions of one name, want an error")
	}
	st.invoke(t, "kept", event{})
}

func TestD4_8_FunctionFinishesWithoutItsCaller(t *testing.T) {
	st := serve(t, nil, function("f"))
	release := filepath.Join(t.TempDir(), "release")
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := st.Invoke(ctx, "f", marshal(t, event{Do: "block", File: release}))
		failed <- err
	}()
	eventually(t, "the function runs", func() bool { return strings.Contains(st.output.String(), "waiting") })
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	touch(t, release)
	eventually(t, "the instance is idle again", func() bool { return st.states("f")[lambda.StateIdle] == 1 })
	if n := value[int](t, st.invoke(t, "f", event{Do: "count"})); n != 2 {
		t.Errorf("got invocation %d of its instance, want 2", n)
	}
}

func TestDeployReplacesInstancesOfChangedFunctions(t *testing.T) {
	st := serve(t, nil, function("same"), function("changed", env("CODE", "1")), function("removed"))
	for _, name := range []string{"same", "changed", "removed"} {
		st.invoke(t, name, event{Do: "count"})
	}
	release := filepath.Join(t.TempDir(), "release")
	busy := make(chan lambda.Result, 1)
	go func() { busy <- st.invoke(t, "changed", event{Do: "block", File: release}) }()
	eventually(t, "the function runs", func() bool { return st.states("changed")[lambda.StateRunning] == 1 })

	if err := st.Deploy([]lambda.Function{function("same"), function("changed", env("CODE", "2"))}); err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, st.invoke(t, "same", event{Do: "count"})); n != 2 {
		t.Errorf("the unchanged function: got invocation %d of its instance, want 2", n)
	}
	if list := value[[]string](t, st.invoke(t, "changed", event{Do: "env"})); !slices.Contains(list, "CODE=2") {
		t.Errorf("the changed function got %q, want CODE=2", list)
	}
	if _, err := st.Invoke(t.Context(), "removed", nil); !isRefusal(err, lambda.CodeNotFound) {
		t.Errorf("the removed function: got %v, want %s", err, lambda.CodeNotFound)
	}
	touch(t, release)
	if got := value[string](t, <-busy); got != "released" {
		t.Errorf("the busy instance answered %q, want \"released\"", got)
	}
	eventually(t, "old instances are gone", func() bool { return len(st.Instances()) == 2 })
}

func TestReservedConcurrency(t *testing.T) {
	st := serve(t, func(o *lambda.Options) { o.Concurrency = 3 }, function("two", reserved(2)),
		function("rest"), function("off", reserved(0)))
	release := filepath.Join(t.TempDir(), "release")
	var all sync.WaitGroup
	defer all.Wait()
	defer touch(t, release)
	for _, name := range []string{"two", "two", "rest"} {
		all.Go(func() { st.invoke(t, name, event{Do: "block", File: release}) })
	}
	eventually(t, "three run", func() bool {
		return st.states("two")[lambda.StateRunning] == 2 && st.states("rest")[lambda.StateRunning] == 1
	})
	for name, reason := range map[string]string{
		"two":  "ReservedFunctionConcurrentInvocationLimitExceeded",
		"off":  "ReservedFunctionConcurrentInvocationLimitExceeded",
		"rest": "ConcurrentInvocationLimitExceeded",
	} {
		_, err := st.Invoke(t.Context(), name, nil)
		refused, ok := errors.AsType[*lambda.Error](err)
		if !ok || refused.Code != lambda.CodeThrottled || refused.Reason != reason || refused.Status != 429 {
			t.Errorf("%s: got %#v, want %s with status 429 and the reason %s", name, err, lambda.CodeThrottled, reason)
		}
	}
}

func TestClosedServiceRefusesWork(t *testing.T) {
	st := serve(t, nil, function("f"))
	release := filepath.Join(t.TempDir(), "release")
	running := make(chan lambda.Result, 1)
	go func() { running <- st.invoke(t, "f", event{Do: "block", File: release}) }()
	eventually(t, "the function runs", func() bool { return st.states("f")[lambda.StateRunning] == 1 })

	closed := make(chan error, 1)
	go func() { closed <- st.Close(t.Context()) }()
	eventually(t, "new work is refused", func() bool {
		_, err := st.InvokeAsync(t.Context(), "f", []byte(`{"Do":"count"}`))
		return errors.Is(err, lambda.ErrClosed)
	})
	if _, err := st.Invoke(t.Context(), "f", nil); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("invoke: got %v, want ErrClosed", err)
	}
	select {
	case err := <-closed:
		t.Fatalf("Close returned %v during an invocation, want it to wait", err)
	default:
	}
	touch(t, release)
	if got := value[string](t, <-running); got != "released" {
		t.Errorf("the running invocation got %q, want \"released\"", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
