package lambda_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// TestNoProcessOutlivesAKilledStack kills a stack with an idle instance, which
// notices that its Runtime API is gone, and a busy one, which does not. On
// Linux the kernel kills the busy one.
func TestNoProcessOutlivesAKilledStack(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs ps to look at processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stack := exec.Command(self)
	stack.Env = append(os.Environ(), "LAMBDA_TEST_STACK="+binary, "LAMBDA_TEST_DIR="+t.TempDir())
	stack.Stderr = os.Stderr
	stdout, err := stack.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.Start(); err != nil {
		t.Fatal(err)
	}
	defer stack.Wait()
	defer stack.Process.Kill()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the stack printed nothing: %v", err)
	}
	instances := unmarshal[[]lambda.Instance](t, []byte(line))
	if err := stack.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, in := range instances {
		if in.State == lambda.StateRunning && runtime.GOOS != "linux" {
			continue // ends only with its invocation
		}
		eventually(t, fmt.Sprintf("%s instance %d ends", in.State, in.PID), func() bool { return !alive(in.PID) })
	}
	if len(instances) != 2 {
		t.Errorf("got the instances %+v, want 2", instances)
	}
}

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	stat := strings.TrimSpace(string(out))
	return err == nil && stat != "" && !strings.HasPrefix(stat, "Z")
}

// runStack runs the stack of TestNoProcessOutlivesAKilledStack in its own
// process. It prints its instances when one is idle and one runs, and waits to
// be killed.
func runStack() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "stack:", err)
			os.Exit(1)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	service, err := lambda.New(lambda.Options{
		RuntimeAPI: listener.Addr().String(),
		TempDir:    os.Getenv("LAMBDA_TEST_DIR"),
	})
	fail(err)
	go http.Serve(listener, service.RuntimeHandler())
	fail(service.Deploy([]lambda.Function{
		{Name: "f", Binary: os.Getenv("LAMBDA_TEST_STACK"), Timeout: time.Minute},
		{Name: "g", Binary: os.Getenv("LAMBDA_TEST_STACK"), Timeout: time.Minute},
	}))
	go service.Invoke(context.Background(), "f", []byte(`{"Do":"hang"}`))
	_, err = service.Invoke(context.Background(), "g", nil)
	fail(err)
	for {
		list := service.Instances()
		if len(list) == 2 && list[0].State == lambda.StateRunning && list[1].State == lambda.StateIdle {
			fail(json.NewEncoder(os.Stdout).Encode(list))
			select {} // not a deadlock: the listener's goroutine runs
		}
		time.Sleep(time.Millisecond)
	}
}
