package lambda_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// install puts a copy of the test function at a path as a build does: it writes
// another file and renames it.
func install(t *testing.T, path string, modified time.Time) {
	t.Helper()
	code, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", code, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// New code takes over while clients invoke the function. No invocation fails,
// and the old code finishes those that it has begun.
func TestDeployReloadsWithoutAFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), filepath.Base(binary))
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	install(t, path, start)
	fn := function("f", func(fn *lambda.Function) { fn.Binary = path })
	st := serve(t, nil, fn)

	release := filepath.Join(t.TempDir(), "release")
	long := make(chan lambda.Result, 1)
	go func() { long <- st.invoke(t, "f", event{Do: "block", File: release}) }()
	eventually(t, "the function runs", func() bool { return st.states("f")[lambda.StateRunning] == 1 })
	old := st.Instances()[0].PID

	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for i := 0; !stop.Load(); i++ {
				text := fmt.Sprint(i)
				if result, err := st.Invoke(t.Context(), "f", marshal(t, event{Text: text})); err != nil ||
					string(result.Payload) != `"`+text+`"` {
					t.Errorf("during a deployment: got %s, %v, want %q", result.Payload, err, text)
					return
				}
			}
		})
	}
	for version := range 5 {
		stale := make(map[string]bool) // instances with the previous code, except for the busy one
		for _, in := range st.Instances() {
			stale[in.ID] = in.PID != old
		}
		install(t, path, start.Add(time.Duration(version+1)*time.Minute))
		if err := st.Deploy([]lambda.Function{fn}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "new instances have taken over", func() bool {
			for _, in := range st.Instances() {
				if stale[in.ID] {
					return false
				}
			}
			return len(st.Instances()) > 1
		})
	}
	stop.Store(true)
	clients.Wait()
	if in := st.Instances(); in[0].PID != old || in[0].State != lambda.StateRunning {
		t.Errorf("got the instances %+v, want the busy process %d to run on", in, old)
	}
	touch(t, release)
	if got := value[string](t, <-long); got != "released" {
		t.Errorf("the old code answered %q, want \"released\"", got)
	}
	eventually(t, "the old instance ends", func() bool {
		return !slices.ContainsFunc(st.Instances(), func(in lambda.Instance) bool { return in.PID == old })
	})
}

// An instance that is still initializing when its function is removed stops
// without a report of a failed initialization, and no other one is started.
func TestDeployDuringAnInitialization(t *testing.T) {
	st := serve(t, nil, function("f", env("INIT", "hang")))
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := st.Invoke(t.Context(), "f", nil)
			done <- err
		}()
	}
	eventually(t, "two instances start", func() bool {
		list := st.Instances()
		return len(list) == 2 && list[0].PID != 0 && list[1].PID != 0
	})
	var clients []*runtimeClient
	for _, in := range st.Instances() {
		clients = append(clients, &runtimeClient{t, st, st.url + runtimePath + "/" + in.ID})
	}
	first, second := clients[0], clients[1]
	for range 2 { // the first instance runs both invocations
		first.want(202, ok, "POST", apiPath+"/invocation/"+first.next()+"/response", "1")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Deploy(nil); err != nil {
		t.Fatal(err)
	}
	second.ask(apiPath+"/invocation/next", "")
	first.ask(apiPath+"/invocation/next", "")
	eventually(t, "all instances are gone", func() bool { return len(st.Instances()) == 0 })
	if strings.Contains(st.log.String(), "failed to initialize") || strings.Contains(st.output.String(), "INIT_REPORT") {
		t.Errorf("got the log\n%s\nand the output\n%s\nwant no failed initialization", st.log, st.output)
	}
}
