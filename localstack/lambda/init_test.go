package lambda_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

func TestD4_1_FailedInitializationIsTriedAgain(t *testing.T) {
	st := serve(t, nil, function("f", env("INIT", "once"), env("MARK", filepath.Join(t.TempDir(), "mark"))))
	if n := value[int](t, st.invoke(t, "f", event{Do: "count"})); n != 1 {
		t.Errorf("got invocation %d of its instance, want 1", n)
	}
	if report := linesWith(st.output, "f - INIT_REPORT "); len(report) != 1 ||
		!strings.HasSuffix(report[0], "Phase: init\tStatus: error\tError Type: Runtime.ExitError") {
		t.Errorf("got the reports %q, want one failed initialization with Runtime.ExitError", report)
	}
}

func TestD4_1_FunctionThatCannotInitialize(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "gone")
	touch(t, gone)
	hasty := serve(t, func(o *lambda.Options) { o.InitTimeout = 50 * time.Millisecond },
		function("hangs", env("INIT", "hang"), timeout(time.Second)))
	st := serve(t, nil,
		function("exits", env("INIT", "exit")),
		function("gone", func(fn *lambda.Function) { fn.Binary = gone }))
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"exits": `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: \S+ Error: Runtime exited with error: exit status 3"}`,
		"hangs": `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: \S+ Error: Task timed out after 1.00 seconds"}`,
		"gone":  `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: \S+ Error: start executable: .*"}`,
	} {
		on := st
		if name == "hangs" {
			on = hasty
		}
		result := on.invoke(t, name, event{})
		if !regexp.MustCompile(want).Match(result.Payload) || result.FunctionError != "Unhandled" {
			t.Errorf("%s: got %s, want %s", name, result.Payload, want)
		}
	}
	if got := linesWith(hasty.output, "hangs - "); len(got) != 1 ||
		!strings.HasSuffix(got[0], "Phase: init\tStatus: timeout") {
		t.Errorf("output of the initialization that hangs: got %q, want one report with Status: timeout", got)
	}
	if got := linesWith(st.output, "exits - "); len(got) < 2 || got[0] != "no configuration" {
		t.Errorf("output of the initialization that exits: got %q, want \"no configuration\" and a report", got)
	}
}

func TestFirstInstancesServeABurst(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	st := serve(t, nil, function("f", env("INIT", "slow"), env("MARK", mark)))
	const n = 100
	done := make(chan lambda.Result, n)
	for range n {
		go func() { done <- st.invoke(t, "f", event{Do: "count"}) }()
	}
	eventually(t, "some instances start", func() bool { return st.states("f")[lambda.StateStarting] >= 4 })
	touch(t, mark)
	for range n {
		value[int](t, <-done)
	}
	if got := len(st.Instances()); got >= n/2 {
		t.Errorf("got %d instances for a burst of %d short invocations, want fewer than %d", got, n, n/2)
	}
}
