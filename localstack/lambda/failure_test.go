package lambda_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// failure is one way in which an invocation can fail.
type failure struct {
	event   event
	payload string // pattern of the caller's payload, with ID for the request id
	dies    bool   // the process ends, so another one runs the next invocation
}

// check invokes a function that fails in this way.
func (f failure) check(t *testing.T, change ...func(*lambda.Function)) {
	t.Helper()
	st := serve(t, nil, function("f", change...))
	before := value[int](t, st.invoke(t, "f", event{Do: "count"}))
	result := st.invoke(t, "f", f.event)
	if result.FunctionError != "Unhandled" {
		t.Errorf("got the function error %q, want Unhandled", result.FunctionError)
	}
	if want := "^" + strings.ReplaceAll(f.payload, "ID", result.RequestID) +
		"$"; !regexp.MustCompile(want).Match(result.Payload) {
		t.Errorf("got the payload\n%s\nwant\n%s", result.Payload, want)
	}
	want := before + 2
	if f.dies {
		want = 1
	}
	if n := value[int](t, st.invoke(t, "f", event{Do: "count"})); n != want {
		t.Errorf("the next invocation: got number %d of its instance, want %d", n, want)
	}
}

func TestD2_1_GoError(t *testing.T) {
	failure{event{
		Do:   "fail",
		Text: "no such room",
	}, `{"errorMessage":"no such room","errorType":"errorString"}`, false}.check(t)
}

func TestD2_1_GoPanic(t *testing.T) {
	failure{event{
		Do:   "panic",
		Text: "oh",
	}, `{"errorMessage":"oh","errorType":"string","stackTrace":\[{"path":.*"line":.*"label":.*}\]}`, true}.check(t)
}

func TestD2_2_Timeout(t *testing.T) {
	t.Parallel()
	failure{event{Do: "hang"}, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`, true}.
		check(t, timeout(time.Second))
}

func TestD2_3_Exit(t *testing.T) {
	failure{event{Do: "exit"}, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`, true}.check(t)
}

func TestD2_3_ExitStatus(t *testing.T) {
	failure{event{
		Do: "exit",
		N:  127,
	}, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 127"}`, true}.check(t)
}

const tooLarge = `{"errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\).","errorType":"Function.ResponseSizeTooLarge"}`

func TestD2_4_ResponseTooLarge(t *testing.T) {
	failure{event{Do: "large", N: 7 << 20}, tooLarge, true}.check(t, memory(512))
}

// aws-lambda-go ends the process when a response is not accepted.
func TestD1_4b_ResponseTooLargeEndsTheProcess(t *testing.T) {
	failure{event{Do: "large", N: 6_291_557}, tooLarge, true}.check(t, memory(512))
}

func TestD1_1_AnythingBut202IsFatal(t *testing.T) {
	st := serve(t, nil, function("f", memory(512)))
	st.invoke(t, "f", event{Do: "large", N: 7 << 20})
	eventually(t, "the process ends itself", func() bool { return len(st.Instances()) == 0 })
	if !strings.Contains(st.output.String(), "unexpected status code: 413") {
		t.Errorf("got the output\n%s\nwant the reason of the function's library", st.output)
	}
}

func TestD1_2_ErrorMidway(t *testing.T) {
	failure{event{Do: "halfway"}, `.*"errorMessage":"source is gone".*`, false}.check(t)
}
