//go:build unix

package lambda_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// stopped reports whether a process has been stopped by a signal.
func stopped(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(out)), "T")
}

func size(tb testing.TB, path string) int64 {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}

func TestD4_2_NothingRunsBetweenInvocations(t *testing.T) {
	st := serve(t, nil, function("f"), function("other"))
	ticks := filepath.Join(t.TempDir(), "ticks")
	st.invoke(t, "f", event{Do: "background", File: ticks}) // the process and a child write there until they end
	in := st.Instances()[0]
	eventually(t, "the process is stopped", func() bool { return stopped(in.PID) })
	if !in.Frozen || in.State != lambda.StateIdle {
		t.Errorf("got the instance %+v, want it frozen and idle", in)
	}
	before := size(t, ticks)
	for range 100 { // takes some time
		st.invoke(t, "other", event{})
	}
	if after := size(t, ticks); after != before {
		t.Errorf("the frozen function wrote %d bytes, want 0", after-before)
	}

	// During an invocation the background work continues.
	release := filepath.Join(t.TempDir(), "release")
	done := make(chan lambda.Result, 1)
	go func() { done <- st.invoke(t, "f", event{Do: "block", File: release}) }()
	eventually(t, "the background work continues", func() bool { return size(t, ticks) > before+10 })
	touch(t, release)
	if got := value[string](t, <-done); got != "released" {
		t.Errorf("got %s, want released", got)
	}
}

func TestD4_2_FreezingCanBeLeftOff(t *testing.T) {
	st := serve(t, func(o *lambda.Options) { o.NoFreeze = true }, function("f"))
	ticks := filepath.Join(t.TempDir(), "ticks")
	st.invoke(t, "f", event{Do: "background", File: ticks})
	before := size(t, ticks)
	eventually(t, "the idle function runs on", func() bool { return size(t, ticks) > before+10 })
	if st.Instances()[0].Frozen {
		t.Error("got a frozen instance, want it not frozen")
	}
}

// A connection that a function keeps for its next invocation stays open.
func TestD4_2_ConnectionsSurviveTheFreeze(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	st := serve(t, nil, function("f"))
	for range 50 {
		value[int](t, st.invoke(t, "f", event{Do: "fetch", Text: server.URL}))
		eventually(t, "the instance is frozen", func() bool { return st.Instances()[0].Frozen })
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("got %d connections for 50 requests, want 1", n)
	}
}

func TestD4_2_FrozenInstanceCanBeKilled(t *testing.T) {
	st := serve(t, nil, function("f"))
	for range 20 {
		st.invoke(t, "f", event{})
		if n := st.Kill("f"); n != 1 {
			t.Fatalf("got %d instances killed, want 1", n)
		}
		eventually(t, "the instance is gone", func() bool { return len(st.Instances()) == 0 })
	}
}

// Thousands of invocations with varying concurrency freeze and thaw instances
// at many different moments. Each one writes a line and must be answered.
func TestD4_2_FreezingUnderLoad(t *testing.T) {
	const workers, each = 6, 200
	st := serve(t, nil, function("f"))
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				text := fmt.Sprint(w, "-", i)
				result, err := st.Do(t.Context(), lambda.Request{
					Function: "f",
					Payload:  marshal(t, event{Do: "say", Text: text}),
					Tail:     i%8 == 0,
				})
				if err != nil || string(result.Payload) != `"`+text+`"` {
					t.Errorf("got %s, %v, want %q", result.Payload, err, text)
					return
				}
				if i%8 == 0 && !strings.Contains(result.LogTail, "\nsays "+text+"\n") {
					t.Errorf("got the log %q, want the line of %s", result.LogTail, text)
				}
				// Some invocations follow at once, some when instances are
				// idle.
				for range (w * i) % 7 {
					runtime.Gosched()
				}
				if w == 0 && i%40 == 0 {
					deadline := time.Now().Add(10 * time.Millisecond)
					for st.states("f")[lambda.StateIdle] == 0 && time.Now().Before(deadline) {
						runtime.Gosched()
					}
				}
			}
		})
	}
	all.Wait()
	eventually(t, "all instances are frozen", func() bool {
		for _, in := range st.Instances() {
			if !in.Frozen {
				return false
			}
		}
		return true
	})
	if said := strings.Count(st.output.String(), " says "); said != workers*each {
		t.Errorf("got %d lines for %d invocations", said, workers*each)
	}
}
