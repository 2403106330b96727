package lambda_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// runtimeClient is a client of the Runtime API. It stands in for a function
// whose process does nothing.
type runtimeClient struct {
	t    *testing.T
	st   *stack
	base string
}

// puppet starts a stack with one such instance and one invocation.
func puppet(t *testing.T, payload string) (rt *runtimeClient, result <-chan lambda.Result) {
	st := serve(t, nil, function("f", env("INIT", "hang")))
	answer := make(chan lambda.Result, 1)
	go func() {
		if r, err := st.Invoke(t.Context(), "f", []byte(payload)); err == nil {
			answer <- r
		}
	}()
	eventually(t, "an instance starts", func() bool { return len(st.Instances()) == 1 && st.Instances()[0].PID != 0 })
	return &runtimeClient{t, st, st.url + runtimePath + "/" + st.Instances()[0].ID}, answer
}

// another returns a client for the instance that replaces this one.
func (rt *runtimeClient) another() *runtimeClient {
	rt.t.Helper()
	var next string
	eventually(rt.t, "another instance starts", func() bool {
		list := rt.st.Instances()
		if len(list) != 1 || list[0].PID == 0 {
			return false
		}
		next = rt.st.url + runtimePath + "/" + list[0].ID
		return next != rt.base
	})
	return &runtimeClient{rt.t, rt.st, next}
}

const apiPath = "/2018-06-01/runtime"

// do sends a request and returns the response and its body.
func (rt *runtimeClient) do(method, path string, body io.Reader,
	change ...func(*http.Request)) (*http.Response, string) {
	rt.t.Helper()
	req, err := http.NewRequestWithContext(rt.t.Context(), method, rt.base+path, body)
	if err != nil {
		rt.t.Fatal(err)
	}
	for _, c := range change {
		c(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		rt.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		rt.t.Fatal(err)
	}
	return res, string(text)
}

// want sends a request and checks the status and a part of the body.
func (rt *runtimeClient) want(status int, body, method, path, send string, change ...func(*http.Request)) {
	rt.t.Helper()
	res, got := rt.do(method, path, strings.NewReader(send), change...)
	if res.StatusCode != status || !strings.Contains(got, body) {
		rt.t.Errorf("%s %s: got %d %s, want %d %s", method, path, res.StatusCode, got, status, body)
	}
}

// next asks for an event and returns its request id.
func (rt *runtimeClient) next() (id string) {
	rt.t.Helper()
	res, _ := rt.do("GET", apiPath+"/invocation/next", nil)
	if res.StatusCode != http.StatusOK {
		rt.t.Fatalf("next: got %s, want 200", res.Status)
	}
	return res.Header.Get("Lambda-Runtime-Aws-Request-Id")
}

const ok = `{"status":"OK"}`

func TestD1_StatusesAndHeadersOfTheRuntimeAPI(t *testing.T) {
	before := time.Now()
	rt, result := puppet(t, `{"a":1}`)
	res, body := rt.do("GET", apiPath+"/invocation/next", nil)
	id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
	deadline, err := strconv.ParseInt(res.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if res.StatusCode != 200 || body != `{"a":1}` || len(id) != 36 || err != nil ||
		res.Header.Get("Content-Type") != "application/json" ||
		res.Header.Get("Lambda-Runtime-Invoked-Function-Arn") != "arn:aws:lambda:us-east-1:000000000000:function:f" ||
		!strings.HasPrefix(res.Header.Get("Lambda-Runtime-Trace-Id"), "Root=1-") ||
		res.Header["Lambda-Runtime-Aws-Tenant-Id"] != nil || res.Header["Lambda-Runtime-Cognito-Identity"] != nil ||
		res.Header["Lambda-Runtime-Client-Context"] != nil {
		t.Errorf("next: got %s %s %v, want the event with its headers", res.Status, body, res.Header)
	}
	if d := time.UnixMilli(deadline); d.Before(before.Add(time.Minute).Truncate(time.Millisecond)) ||
		d.After(time.Now().Add(time.Minute)) {
		t.Errorf("got the deadline %v, want a minute after %v", d, before)
	}

	rt.want(202, ok, "POST", apiPath+"/invocation/"+id+"/response", `{"b":2}`, func(r *http.Request) {
		r.ContentLength = -1 // chunked
	})
	if got := <-result; string(got.Payload) != `{"b":2}` || got.FunctionError != "" || got.RequestID != id {
		t.Errorf("got the result %+v, want {\"b\":2} for %s", got, id)
	}
}

func TestD1_4_WrongIdsAndStates(t *testing.T) {
	rt, result := puppet(t, "1")
	rt.want(400, `"errorType":"InvalidRequestID"`, "POST", apiPath+"/invocation/some/response", "1")
	id := rt.next()
	rt.want(403, `"errorType":"InvalidStateTransition"`, "GET", apiPath+"/invocation/next", "")
	rt.want(403, `"errorType":"InvalidStateTransition"`, "POST", apiPath+"/init/error", "{}")
	rt.want(400, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`, "POST",
		apiPath+"/invocation/other/response", "1")
	rt.want(400, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`, "POST",
		apiPath+"/invocation/other/error", "{}")
	rt.want(202, ok, "POST", apiPath+"/invocation/"+id+"/response", "2")
	<-result
	rt.want(403, `"errorType":"InvalidStateTransition"`, "POST", apiPath+"/invocation/"+id+"/response", "1")
}

func TestD1_3_ErrorWithALargeHeader(t *testing.T) {
	rt, result := puppet(t, "{}")
	rt.want(202, ok, "POST", apiPath+"/invocation/"+rt.next()+"/error", `{"errorType":"Mine"}`, func(r *http.Request) {
		r.Header.Set("Lambda-Runtime-Function-Xray-Error-Cause", strings.Repeat("x", 1<<20-1))
	})
	if got := <-result; string(got.Payload) != `{"errorType":"Mine"}` || got.FunctionError != "Unhandled" {
		t.Errorf("got the result %+v, want the error object", got)
	}
}

func TestD1_2_ErrorInTrailers(t *testing.T) {
	rt, result := puppet(t, "{}")
	object := `{"errorMessage":"source is gone","errorType":"errorString"}`
	rt.want(202, ok, "POST", apiPath+"/invocation/"+rt.next()+"/response", "the beginning", func(r *http.Request) {
		r.ContentLength = -1
		r.Trailer = http.Header{
			"Lambda-Runtime-Function-Error-Type": {"errorString"},
			"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(object))},
		}
	})
	if got := <-result; string(got.Payload) != object || got.FunctionError != "Unhandled" {
		t.Errorf("got the result %+v, want %s", got, object)
	}
}

func TestD1_4_TooLarge(t *testing.T) {
	rt, result := puppet(t, "{}")
	id := rt.next()
	res, body := rt.do("POST", apiPath+"/invocation/"+id+"/response", bytes.NewReader(make([]byte, 6_291_557)))
	if res.StatusCode != 413 || !strings.Contains(body, `"errorType":"RequestEntityTooLarge"`) {
		t.Errorf("got %s %s, want 413 RequestEntityTooLarge", res.Status, body)
	}
	if got := <-result; !strings.Contains(string(got.Payload), `"Function.ResponseSizeTooLarge"`) {
		t.Errorf("got the result %s, want Function.ResponseSizeTooLarge", got.Payload)
	}
}

func TestD1_4_LargestResponsePasses(t *testing.T) {
	rt, result := puppet(t, "{}")
	rt.want(202, ok, "POST", apiPath+"/invocation/"+rt.next()+"/response", strings.Repeat("1", 6_291_556))
	if got := <-result; len(got.Payload) != 6_291_556 || got.FunctionError != "" {
		t.Errorf("got %d bytes and the function error %q, want 6291556 bytes", len(got.Payload), got.FunctionError)
	}
}

func TestD1_6_ProcessWithoutRuntimeAPIExits(t *testing.T) {
	cmd := exec.Command(binary)
	cmd.Env = []string{"SystemRoot=" + os.Getenv("SystemRoot")}
	out, err := cmd.CombinedOutput()
	_, exited := errors.AsType[*exec.ExitError](err)
	if !exited || !strings.Contains(string(out), "expected AWS Lambda environment variables") ||
		!strings.Contains(string(out), "AWS_LAMBDA_RUNTIME_API") {
		t.Errorf("without the variables: got %v, %s, want an exit that names them", err, out)
	}
	st := serve(t, nil, function("f"))
	if got := value[int](t, st.invoke(t, "f", event{Do: "count"})); got != 1 {
		t.Errorf("with them: got %d, want 1", got)
	}
}

// An invocation waits a moment for an instance that has responded. If the
// instance does not ask for the next event, another one is started.
func TestInstanceThatDoesNotComeBack(t *testing.T) {
	st := serve(t, nil, function("f", env("INIT", "hang")))
	first := make(chan lambda.Result, 1)
	go func() {
		if r, err := st.Invoke(t.Context(), "f", nil); err == nil {
			first <- r
		}
	}()
	eventually(t, "an instance starts", func() bool { return len(st.Instances()) == 1 && st.Instances()[0].PID != 0 })
	slow := &runtimeClient{t, st, st.url + runtimePath + "/" + st.Instances()[0].ID}
	slow.want(202, ok, "POST", apiPath+"/invocation/"+slow.next()+"/response", `"slow"`)

	second := make(chan lambda.Result, 1)
	go func() {
		if r, err := st.Invoke(t.Context(), "f", nil); err == nil {
			second <- r
		}
	}()
	eventually(t, "another instance starts",
		func() bool { return len(st.Instances()) == 2 && st.Instances()[1].PID != 0 })
	quick := &runtimeClient{t, st, st.url + runtimePath + "/" + st.Instances()[1].ID}
	quick.want(202, ok, "POST", apiPath+"/invocation/"+quick.next()+"/response", `"quick"`)
	if got := <-second; string(got.Payload) != `"quick"` {
		t.Errorf("the second invocation got %s, want \"quick\"", got.Payload)
	}

	// The first instance asks again and gets the third invocation.
	third := make(chan lambda.Result, 1)
	go func() {
		if r, err := st.Invoke(t.Context(), "f", nil); err == nil {
			third <- r
		}
	}()
	slow.want(202, ok, "POST", apiPath+"/invocation/"+slow.next()+"/response", `"third"`)
	if got := <-third; string(got.Payload) != `"third"` {
		t.Errorf("the third invocation got %s, want \"third\"", got.Payload)
	}
	if got := <-first; string(got.Payload) != `"slow"` {
		t.Errorf("the first invocation got %s, want \"slow\"", got.Payload)
	}
}

// The caller does not see the failure of the first attempt, but that of the
// second one.
func TestD4_1_InitializationThatReportsItsFailure(t *testing.T) {
	st := serve(t, nil, function("f", env("INIT", "hang")))
	answer := make(chan lambda.Result, 1)
	go func() { answer <- st.invoke(t, "f", event{}) }()
	object := `{"errorMessage":"no table","errorType":"Config.Missing"}`
	previous := ""
	for range 2 {
		eventually(t, "an instance starts", func() bool {
			list := st.Instances()
			return len(list) == 1 && list[0].PID != 0 && list[0].ID != previous
		})
		previous = st.Instances()[0].ID
		rt := &runtimeClient{t, st, st.url + runtimePath + "/" + previous}
		rt.want(202, ok, "POST", apiPath+"/init/error", object)
	}
	if got := <-answer; string(got.Payload) != object || got.FunctionError != "Unhandled" {
		t.Errorf("got the result %+v, want %s", got, object)
	}
	eventually(t, "the instances are gone", func() bool { return len(st.Instances()) == 0 })
	rt := &runtimeClient{t, st, st.url + runtimePath + "/" + previous}
	rt.want(403, "", "GET", apiPath+"/invocation/next", "")
}
