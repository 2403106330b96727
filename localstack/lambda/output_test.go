package lambda_test

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// linesWith returns the lines of the output that have a prefix, without it.
func linesWith(output *buffer, prefix string) []string {
	var list []string
	for line := range strings.Lines(output.String()) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			list = append(list, strings.TrimSuffix(rest, "\n"))
		}
	}
	return list
}

func TestD6_OutputBelongsToItsInvocation(t *testing.T) {
	const instances, lines = 4, 500
	st := serve(t, nil, function("f"))
	var all sync.WaitGroup
	for i := range instances {
		all.Go(func() {
			text := fmt.Sprint("instance", i)
			result, err := st.Do(t.Context(), lambda.Request{
				Function: "f",
				Payload:  marshal(t, event{Do: "print", Text: text, N: lines}),
				Tail:     true,
			})
			if err != nil {
				t.Error(err)
				return
			}
			id := result.RequestID
			want := []string{"START RequestId: " + id + " Version: $LATEST"}
			for n := range lines {
				want = append(want, fmt.Sprint(text, " ", n))
			}
			want = append(want, "END RequestId: "+id)
			got := linesWith(st.output, "f "+id[:8]+" ")
			if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) {
				t.Errorf("got the output of %s\n%s\nwant\n%s\nand a report", id, strings.Join(got, "\n"),
					strings.Join(want, "\n"))
				return
			}
			report := regexp.MustCompile(`^REPORT RequestId: ` + id +
				`\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t(Max Memory Used: \d+ MB\t)?(Init Duration: \d+\.\d\d ms\t)?$`)
			if !report.MatchString(got[len(want)]) {
				t.Errorf("got the report %q, want the form of Lambda", got[len(want)])
			}
			if all := strings.Join(got, "\n") + "\n"; result.LogTail != all[len(all)-4096:] {
				t.Errorf("got a tail of %d bytes, want the last 4096 bytes of the output", len(result.LogTail))
			}
		})
	}
	all.Wait()
}

func TestD6_ReportLines(t *testing.T) {
	t.Parallel()
	st := serve(t, nil, function("f", memory(256), timeout(3*time.Second))) // includes the start of a process
	memoryUsed := `Max Memory Used: \d+ MB\t`
	if runtime.GOOS != "linux" {
		memoryUsed = ""
	}
	for _, test := range []struct {
		event event
		want  string // pattern
	}{
		{event{}, `Duration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t` + memoryUsed +
			`Init Duration: \d+\.\d\d ms\t`},
		{event{}, `Duration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t` + memoryUsed},
		{event{Do: "hang"}, `Duration: \d{4,}\.\d\d ms\tBilled Duration: \d{4,} ms\tMemory Size: 256 MB\t` + memoryUsed + `Status: timeout`},
		{event{
			Do: "exit",
			N:  1,
		}, `Duration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t` + memoryUsed +
			`Status: error\tError Type: Runtime.ExitError`},
		{event{Do: "fail"}, `Duration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t` + memoryUsed},
	} {
		result, err := st.Do(t.Context(), lambda.Request{Function: "f", Payload: marshal(t, test.event), Tail: true})
		if err != nil {
			t.Fatal(err)
		}
		id := result.RequestID
		if !regexp.MustCompile(`^START RequestId: ` + id + ` Version: \$LATEST\n(?s:.*)END RequestId: ` +
			id + `\nREPORT RequestId: ` + id + `\t` + test.want + `\n$`).MatchString(result.LogTail) {
			t.Errorf("%+v: got the log %q, want START, END and a REPORT with %s", test.event, result.LogTail, test.want)
		}
		if used, billed := reported(t, result.LogTail); billed < used-0.01 ||
			billed > used+1.01 { // used is the sum of two rounded values
			t.Errorf("got %.0f ms billed for %.2f ms, want it rounded up", billed, used)
		}
	}
}

// reported returns the milliseconds in a REPORT line: the sum of duration and
// initialization, and the billed duration.
func reported(t *testing.T, log string) (used, billed float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(Billed )?(?:Init )?Duration: ([0-9.]+) ms`).FindAllStringSubmatch(log, -1) {
		ms, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if m[1] != "" {
			billed = ms
		} else {
			used += ms
		}
	}
	return used, billed
}

func TestD6_LastLinesAreKept(t *testing.T) {
	t.Parallel()
	st := serve(t, nil, function("f"), function("brief", timeout(time.Second)))
	for _, test := range []struct {
		function string
		event    event
		want     string // pattern of the lines between START and END
	}{
		{"f", event{
			Do: "exit",
			N:  2,
		}, `last words\nRequestId: ID Error: Runtime exited with error: exit status 2\nRuntime.ExitError`},
		{"brief", event{Do: "hang"}, `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ID Task timed out after 1.00 seconds`},
		{"f", event{Do: "panic", Text: "oh"}, `(?s).*"errorMessage":"oh".*`},
		{"f", event{Do: "long", N: 600 << 10}, `<256K>\n<256K>\n<88K>`},
		{"f", event{Do: "child"}, ``},
	} {
		result, err := st.Do(t.Context(), lambda.Request{
			Function: test.function,
			Payload:  marshal(t, test.event),
			Tail:     true,
		})
		if err != nil {
			t.Fatal(err)
		}
		id := result.RequestID
		got := strings.Join(linesWith(st.output, test.function+" "+id[:8]+" "), "\n")
		got = strings.ReplaceAll(got, strings.Repeat("y", 256<<10), "<256K>")
		got = strings.ReplaceAll(got, strings.Repeat("y", 88<<10), "<88K>")
		want := `^START RequestId: ID Version: \$LATEST\n` + test.want +
			`\n?END RequestId: ID\nREPORT RequestId: ID\t.*$`
		if !regexp.MustCompile(strings.ReplaceAll(want, "ID", id)).MatchString(got) {
			t.Errorf("%+v: got %.2000s, want %s", test.event, got, want)
		}
	}
}
