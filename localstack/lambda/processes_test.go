package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// Vulnerability: only the account's concurrency of 1000 bounded the processes,
// and idle ones of other functions came on top, whatever the machine's memory.
// Attack: mallory makes many invocations at a time, and the machine runs out of
// memory. This verifies that invocations above the bound are throttled as above
// an account's concurrency, that an event waits, and that the log says it once.
func TestAttackInvocationsUseUpMemory(t *testing.T) {
	const bound = 3
	st := serve(t, func(opt *lambda.Options) { opt.Processes = bound }, function("f"), function("g"),
		function("own", reserved(2)))
	release := filepath.Join(t.TempDir(), "release")
	var all sync.WaitGroup
	for range bound {
		all.Go(func() { st.invoke(t, "f", event{Do: "block", File: release}) })
	}
	eventually(t, "all run", func() bool { return st.states("f")[lambda.StateRunning] == bound })
	for _, name := range []string{"f", "g", "own"} {
		_, err := st.client().Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String(name)})
		e, ok := errors.AsType[*types.TooManyRequestsException](err)
		if !ok || e.Reason != types.ThrottleReasonConcurrentInvocationLimitExceeded {
			t.Errorf("%s: got %v, want TooManyRequestsException for ConcurrentInvocationLimitExceeded", name, err)
		}
	}
	if n := strings.Count(st.log.String(), "-processes"); n != 1 {
		t.Errorf("the log names the flag %d times, want once", n)
	}
	id, err := st.InvokeAsync(context.Background(), "g", marshal(t, event{Do: "count"}))
	if err != nil {
		t.Fatalf("an event: got error %v, want that it waits", err)
	}
	touch(t, release)
	all.Wait()
	eventually(t, "the event is handled", func() bool { return strings.Contains(st.output.String(), id[:8]) })
}

// The processes of functions that are not used any more make room for others.
func TestIdleProcessesMakeRoom(t *testing.T) {
	const bound, count = 3, 8
	var functions []lambda.Function
	for i := range count {
		functions = append(functions, function(fmt.Sprint("f", i)))
	}
	st := serve(t, func(opt *lambda.Options) { opt.Processes = bound }, functions...)
	for i := range count {
		st.invoke(t, fmt.Sprint("f", i), event{Do: "count"})
	}
	eventually(t, "only the last processes are left", func() bool { return len(st.Instances()) == bound })
	for _, name := range []string{"f5", "f6", "f7"} {
		if n := value[int](t, st.invoke(t, name, event{Do: "count"})); n != 2 {
			t.Errorf("%s: got invocation %d of its instance, want 2", name, n)
		}
	}
}
