package lambda_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/trace"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

func TestInvocationsAreTraced(t *testing.T) {
	t.Parallel()
	events := new(tracetest.Recorder)
	st := serve(t, func(o *lambda.Options) { o.Trace = events }, function("f", memory(256), timeout(3*time.Second)))
	for i, test := range []struct {
		event event
		error string
		cold  bool
	}{
		{event{Text: "hello"}, "", true},
		{event{Text: "hello"}, "", false},
		{event{Do: "fail", Text: "secret"}, "errorString", false},
		{event{Do: "hang"}, "Sandbox.Timedout", false},
		{event{Do: "exit"}, "Runtime.ExitError", false},
	} {
		result := st.invoke(t, "f", test.event)
		e := events.Next(t, "the invocation", func(e trace.Event) bool { return e.RequestID == result.RequestID })
		if e.Kind != trace.Invoke || e.Invocation != result.RequestID || e.Function != "f" ||
			e.MemoryMB != 256 || e.Status != 200 ||
			e.Error != test.error || e.Bytes != len(marshal(t, test.event)) || (e.Init > 0) != test.cold ||
			e.Duration < result.Duration || time.Since(e.At) > time.Minute {
			t.Errorf("%d: got the trace event %+v, want one for %+v with the error %q", i, e, result, test.error)
		}
	}
	if more := events.Events(); len(more) > 0 {
		t.Errorf("got %+v beside one event for each invocation, want no more", more)
	}
}

// An access key id identifies the function and its current invocation.
func TestCallerIsAnInvocation(t *testing.T) {
	st := serve(t, nil, function("f"), function("g"))
	release := filepath.Join(t.TempDir(), "release")
	var all sync.WaitGroup
	for _, name := range []string{"f", "f", "g"} {
		all.Go(func() { st.invoke(t, name, event{Do: "block", File: release}) })
	}
	eventually(t, "all run", func() bool {
		return st.states("f")[lambda.StateRunning] == 2 && st.states("g")[lambda.StateRunning] == 1
	})
	seen := make(map[string]bool)
	for _, in := range st.Instances() {
		if caller, ok := st.Caller(in.AccessKeyID); !ok || caller != (trace.Caller{
			Function:   in.Function,
			Invocation: in.RequestID,
		}) {
			t.Errorf("got the caller %+v, want the function and invocation of %+v", caller, in)
		}
		seen[in.AccessKeyID], seen[in.RequestID] = true, true
	}
	if len(seen) != 6 {
		t.Errorf("got the keys and invocations %v, want 6 different ones", seen)
	}
	touch(t, release)
	all.Wait()
	list := st.Instances()
	for _, in := range list {
		if caller, ok := st.Caller(in.AccessKeyID); !ok || caller != (trace.Caller{Function: in.Function}) {
			t.Errorf("got the caller %+v, want the function of the idle %+v", caller, in)
		}
		if in.Init <= 0 || in.LastDuration <= 0 || in.Invocations != 1 {
			t.Errorf("got the instance %+v, want one invocation with durations", in)
		}
	}
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := st.Caller(list[0].AccessKeyID); ok {
		t.Error("Caller knows the key of an ended instance, want false")
	}
	if _, ok := st.Caller("AKIDEXAMPLE"); ok {
		t.Error("Caller knows a key of no instance, want false")
	}
}

func TestTraceHeaderIsPassedOn(t *testing.T) {
	const header = "Root=1-67890abc-000000000000000000000001;Parent=0000000000000001;Sampled=1"
	st := serve(t, nil, function("f"))
	post := func(body string, kind string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "POST",
			st.url+"/2015-03-31/functions/f/invocations", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amzn-Trace-Id", header)
		req.Header.Set("X-Amz-Invocation-Type", kind)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	file := filepath.Join(t.TempDir(), "trace")
	for i, kind := range []string{"RequestResponse", "Event"} {
		res := post(string(marshal(t, event{Do: "trace", File: file})), kind)
		if kind == "RequestResponse" && res.Header.Get("X-Amzn-Trace-Id") != header {
			t.Errorf("got X-Amzn-Trace-Id %q, want %q", res.Header.Get("X-Amzn-Trace-Id"), header)
		}
		eventually(t, "the function has run", func() bool { return len(lines(t, file)) == i+1 })
		if got := lines(t, file)[i]; got != header {
			t.Errorf("%s: the function got %q, want %q", kind, got, header)
		}
	}
}
