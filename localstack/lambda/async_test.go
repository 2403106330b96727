package lambda_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// hasty makes the pauses between asynchronous retries short.
func hasty(o *lambda.Options) {
	o.RetryDelays = []time.Duration{time.Millisecond, 2 * time.Millisecond}
	o.ThrottleDelay = time.Millisecond
}

func TestD5_1_EventIsDeliveredOnce(t *testing.T) {
	st := serve(t, hasty, function("f"))
	dir := t.TempDir()
	id, err := st.InvokeAsync(t.Context(), "f", marshal(t, event{Do: "record", File: filepath.Join(dir, "one")}))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the function runs", func() bool { return len(lines(t, filepath.Join(dir, "one"))) > 0 })
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, filepath.Join(dir, "one")); !slices.Equal(got, []string{id}) {
		t.Errorf("got the attempts %q, want one with %s", got, id)
	}
}

func TestD5_1_FunctionErrorsAreRetriedUnderTheSameID(t *testing.T) {
	one := 1
	destination := "arn:aws:sqs:us-east-1:000000000000:failures"
	st := serve(t, hasty, function("default"),
		function("once", func(fn *lambda.Function) {
			fn.Async = lambda.AsyncConfig{MaximumRetryAttempts: &one, OnFailure: destination}
		}))
	for name, attempts := range map[string]int{"default": 3, "once": 2} {
		file := filepath.Join(t.TempDir(), name)
		id, err := st.InvokeAsync(t.Context(), name, marshal(t, event{Do: "record", File: file, Text: "try again"}))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the event is discarded", func() bool {
			return strings.Contains(st.log.String(), "invocation="+id+" condition=RetriesExhausted")
		})
		if got := lines(t, file); !slices.Equal(got, slices.Repeat([]string{id}, attempts)) {
			t.Errorf("%s: got the attempts %q, want %d with %s", name, got, attempts, id)
		}
	}
	if !strings.Contains(st.log.String(), "destination="+destination) {
		t.Errorf("got the log\n%s\nwant the destination %s in it", st.log, destination)
	}
}

func TestD5_3_LargestEventPasses(t *testing.T) {
	st := serve(t, hasty, function("f"), function("sink", env("INIT", "hang")))
	largest := strings.Repeat("1", 1<<20)
	if _, err := st.InvokeAsync(t.Context(), "sink", []byte(largest)); err != nil {
		t.Fatal(err)
	}
	_, err := st.InvokeAsync(t.Context(), "sink", []byte(largest+"1"))
	if refused, ok := errors.AsType[*lambda.Error](err); !ok || refused.Code != lambda.CodeTooLarge ||
		refused.Status != 413 {
		t.Errorf("one byte more: got %v, want %s with status 413", err, lambda.CodeTooLarge)
	}
	if got := delivered(t, st, "of no request"); got != largest {
		t.Errorf("got an event of %d bytes, want %d", len(got), len(largest))
	}
}

func TestD5_1_ThrottledEventsWait(t *testing.T) {
	st := serve(t, hasty, function("f", reserved(1)))
	dir := t.TempDir()
	release := filepath.Join(dir, "release")
	var busy sync.WaitGroup
	busy.Go(func() { st.invoke(t, "f", event{Do: "block", File: release}) })
	eventually(t, "the function runs", func() bool { return st.states("f")[lambda.StateRunning] == 1 })

	const n = 5
	record := filepath.Join(dir, "record")
	for range n {
		if _, err := st.InvokeAsync(t.Context(), "f", marshal(t, event{Do: "record", File: record})); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Invoke(t.Context(), "f", nil); !isRefusal(err, lambda.CodeThrottled) {
		t.Errorf("while the function is busy: got %v, want %s", err, lambda.CodeThrottled)
	}
	touch(t, release)
	busy.Wait()
	eventually(t, "all events are delivered", func() bool { return len(lines(t, record)) == n })
}

func TestD5_1_EventsTooOldAreDiscarded(t *testing.T) {
	st := serve(t, func(o *lambda.Options) { o.ThrottleDelay = time.Minute },
		function("f", reserved(1), func(fn *lambda.Function) { fn.Async.MaximumEventAge = time.Minute }))
	release := filepath.Join(t.TempDir(), "release")
	var busy sync.WaitGroup
	defer busy.Wait()
	defer touch(t, release)
	busy.Go(func() { st.invoke(t, "f", event{Do: "block", File: release}) })
	eventually(t, "the function runs", func() bool { return st.states("f")[lambda.StateRunning] == 1 })
	if _, err := st.InvokeAsync(t.Context(), "f", nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is discarded",
		func() bool { return strings.Contains(st.log.String(), "condition=EventAgeExceeded") })
}

func TestD5_2_EventsThatCannotRunAreDiscarded(t *testing.T) {
	st := serve(t, nil, function("off", reserved(0)), function("failing"))
	if _, err := st.InvokeAsync(t.Context(), "off", nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is discarded",
		func() bool { return strings.Contains(st.log.String(), "condition=ZeroReservedConcurrency") })

	// With AWS's delays this event waits a minute for its second attempt.
	file := filepath.Join(t.TempDir(), "record")
	if _, err := st.InvokeAsync(t.Context(), "failing", marshal(t, event{
		Do:   "record",
		File: file,
		Text: "no",
	})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first attempt is over", func() bool { return st.states("failing")[lambda.StateIdle] == 1 })
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(st.log.String(), "condition=ServiceClosed attempts=1") || len(lines(t, file)) != 1 {
		t.Errorf("got %d attempts and the log\n%s\nwant 1 attempt, discarded as ServiceClosed",
			len(lines(t, file)), st.log)
	}
}
