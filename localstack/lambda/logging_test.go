package lambda_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// platformLines returns the types and records of the JSON lines of a log.
func platformLines(t *testing.T, log string) map[string]map[string]any {
	t.Helper()
	found := make(map[string]map[string]any)
	for line := range strings.Lines(log) {
		var event struct {
			Type   string
			Record map[string]any
		}
		if err := json.Unmarshal([]byte(line), &event); err == nil {
			found[event.Type] = event.Record
		}
	}
	return found
}

func TestLogFormatJSON(t *testing.T) {
	asJSON := func(level string) func(*lambda.Function) {
		return func(fn *lambda.Function) {
			fn.Logging = lambda.Logging{JSON: true, Group: "/chat", ApplicationLevel: "DEBUG", SystemLevel: level}
		}
	}
	st := serve(t, nil, function("f", asJSON("")), function("quiet", asJSON("WARN")))
	call := func(name string, ev event) string {
		t.Helper()
		result, err := st.Do(t.Context(), lambda.Request{Function: name, Payload: marshal(t, ev), Tail: true})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(result.LogTail, "START RequestId") || strings.Contains(result.LogTail, "REPORT RequestId") {
			t.Errorf("%s: got lines in the format Text: %s", name, result.LogTail)
		}
		return result.LogTail
	}
	got := platformLines(t, call("f", event{Text: "x"}))
	report := got["platform.report"]
	if got["platform.start"]["version"] != "$LATEST" || report["status"] != "success" ||
		report["metrics"].(map[string]any)["memorySizeMB"] != 128.0 {
		t.Errorf("got %v, want platform.start and a platform.report with success", got)
	}
	if got := platformLines(t, call("quiet", event{Text: "x"})); len(got) != 0 {
		t.Errorf("level WARN: got %v, want no lines of a success", got)
	}
	got = platformLines(t, call("quiet", event{Do: "exit", N: 1}))
	if got["platform.report"]["status"] != "error" {
		t.Errorf("level WARN: got %v, want the report of an error", got)
	}
	variables := value[[]string](t, st.invoke(t, "f", event{Do: "env"}))
	for _, want := range []string{
		"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=DEBUG", "AWS_LAMBDA_LOG_GROUP_NAME=/chat",
	} {
		if !slices.Contains(variables, want) {
			t.Errorf("the environment has no %s", want)
		}
	}
}

func TestTracingActiveSamples(t *testing.T) {
	st := serve(t, nil, function("off"), function("on", func(fn *lambda.Function) { fn.Sampled = true }))
	for name, want := range map[string]string{"off": "Sampled=0", "on": "Sampled=1"} {
		result := st.invoke(t, name, event{})
		if !strings.HasSuffix(result.TraceID, want) {
			t.Errorf("%s: got the tracing header %q, want %s", name, result.TraceID, want)
		}
	}
	result, err := st.Do(t.Context(), lambda.Request{Function: "on", TraceID: "Root=1-0-0;Sampled=0"})
	if err != nil || result.TraceID != "Root=1-0-0;Sampled=0" {
		t.Errorf("a caller's header: got %q, %v, want it unchanged", result.TraceID, err)
	}
}
