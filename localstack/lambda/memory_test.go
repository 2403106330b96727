//go:build linux

package lambda_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

func TestD4_4_MemoryLimit(t *testing.T) {
	const killed = `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}`
	for name, ev := range map[string]event{
		"holds":   {Do: "allocate", N: 300, Text: "hold"},
		"returns": {Do: "allocate", N: 300},
		"child":   {Do: "shell", Text: "(head -c 300m /dev/zero; sleep 60) | tail -c 299m"},
	} {
		t.Run(name, func(t *testing.T) {
			st := serve(t, nil, function("f", memory(128)))
			value[int](t, st.invoke(t, "f", event{Do: "count"}))
			result, err := st.Do(t.Context(), lambda.Request{Function: "f", Payload: marshal(t, ev), Tail: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(string(result.Payload), result.RequestID, "ID"); got != killed {
				t.Errorf("got the payload %s, want %s", got, killed)
			}
			report := regexp.MustCompile(`Memory Size: 128 MB\tMax Memory Used: (\d+) MB\tStatus: error\tError Type: Runtime.OutOfMemory\n$`).FindStringSubmatch(result.LogTail)
			if report == nil || len(report[1]) != 3 || report[1] <= "128" {
				t.Errorf("got the log %q, want a report with more than 128 MB and Runtime.OutOfMemory", result.LogTail)
			}
			if n := value[int](t, st.invoke(t, "f", event{Do: "count"})); n != 1 {
				t.Errorf("the next invocation: got number %d of its instance, want 1", n)
			}
		})
	}
}

func TestD4_4_MemoryWithinTheLimit(t *testing.T) {
	st := serve(t, nil, function("f", memory(512)))
	value[int](t, st.invoke(t, "f", event{Do: "allocate", N: 200}))
	in := st.Instances()[0]
	if in.Memory < 200<<20 || in.Memory > 512<<20 {
		t.Errorf("got a peak of %d bytes, want between 200 and 512 MiB", in.Memory)
	}
}
