package lambda_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// environment returns the files in the instance's temporary directory, its log
// stream and the number of its invocation.
func environment(t *testing.T, st *stack) (files []string, stream, count string) {
	t.Helper()
	list := value[[]string](t, st.invoke(t, "f", event{Do: "files"}))
	n := len(list) - 2
	return list[:n], list[n], list[n+1]
}

func TestD4_3_FilesOutliveACrashAndATimeout(t *testing.T) {
	for name, end := range map[string]event{
		"crash":   {Do: "leave", Text: "left", N: 1},
		"timeout": {Do: "leave", Text: "left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := serve(t, nil, function("f", timeout(3*time.Second))) // includes the start of a process
			_, stream, _ := environment(t, st)
			if result := st.invoke(t, "f", end); result.FunctionError == "" {
				t.Fatal("the function succeeded, want it to fail")
			}
			files, again, count := environment(t, st)
			if !slices.Equal(files, []string{"left"}) || again != stream || count != "1" {
				t.Errorf("after the reset: got the files %q, log stream %s and invocation %s, want [left], %s and 1",
					files, again, count, stream)
			}
		})
	}
}

func TestD4_3_FilesGoWithTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	st := serve(t, func(o *lambda.Options) { o.TempDir = dir }, function("f"))
	st.invoke(t, "f", event{Do: "leave", Text: "left", N: 1})
	left := func() int {
		list, err := filepath.Glob(filepath.Join(dir, "*", "*", "left"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if left() != 1 {
		t.Errorf("got %d files after the crash, want 1", left())
	}
	if err := st.Deploy(nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removed function's files are removed", func() bool { return left() == 0 })
}

// The initialization after a reset is part of the next invocation and is not
// reported separately.
func TestD4_3_ResetInitializesWithinTheInvocation(t *testing.T) {
	st := serve(t, nil, function("f"))
	st.invoke(t, "f", event{Do: "exit", N: 1})
	result, err := st.Do(t.Context(), lambda.Request{Function: "f", Payload: []byte(`{"Do":"count"}`), Tail: true})
	if err != nil {
		t.Fatal(err)
	}
	if result.InitDuration != 0 || strings.Contains(result.LogTail, "Init Duration") || string(result.Payload) != "1" {
		t.Errorf("got %+v, want the response 1 without an init duration", result)
	}
}

// A second attempt to initialize has the function's timeout instead of the init
// timeout.
func TestD4_1_SlowInitializationIsTriedAgain(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	st := serve(t, func(o *lambda.Options) { o.InitTimeout = 50 * time.Millisecond },
		function("f", env("INIT", "slow"), env("MARK", mark)))
	done := make(chan lambda.Result, 1)
	go func() { done <- st.invoke(t, "f", event{Do: "count"}) }()
	eventually(t, "the first attempt has failed",
		func() bool { return len(linesWith(st.output, "f - INIT_REPORT ")) == 1 })
	touch(t, mark)
	if result := <-done; string(result.Payload) != "1" || result.InitDuration != 0 {
		t.Errorf("got %+v, want the response 1 without an init duration", result)
	}
	if report := linesWith(st.output, "f - INIT_REPORT ")[0]; !regexp.MustCompile(`^Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: timeout$`).MatchString(report) {
		t.Errorf("got the report %q, want Status: timeout in the init phase", report)
	}
}
