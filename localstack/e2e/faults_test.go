package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
)

// These are the helpers of the tests that inject faults. properties_test.go
// lists which test shows which property.

// The names of the template's functions in faults and logs.
const (
	sendFunction      = "local-SendMessageFunction"
	deliverFunction   = "local-DeliverFunction"
	historyFunction   = "local-HistoryFunction"
	handshakeFunction = "local-HandshakeFunction"
	rotateFunction    = "local-RotateServerKeyFunction"
)

// injectFault sets a fault until the test ends, or takes an action such as
// killing instances. It returns how many instances or connections an action has
// hit.
func (s *stack) injectFault(t testing.TB, f fault.Fault) (struck int) {
	t.Helper()
	if f.Target == "" {
		f.Target = "*"
	}
	if f.Probability == 0 {
		f.Probability = 1
	}
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var done struct {
		Struck int `json:"struck"`
	}
	s.callFaults(t, http.MethodPost, body, &done)
	t.Cleanup(func() {
		if s.running() {
			s.clearFaults(t)
		}
	})
	return done.Struck
}

// clearFaults clears all faults and returns how often each has struck.
func (s *stack) clearFaults(t testing.TB) fault.State {
	t.Helper()
	return s.faultState(t, http.MethodDelete)
}

// struck returns how often the faults that are set have struck, all together.
func (s *stack) struck(t testing.TB) (n uint64) {
	t.Helper()
	for _, f := range s.faultState(t, http.MethodGet).Faults {
		n += f.Struck
	}
	return n
}

func (s *stack) faultState(t testing.TB, method string) (state fault.State) {
	t.Helper()
	s.callFaults(t, method, nil, &state)
	return state
}

func (s *stack) callFaults(t testing.TB, method string, body []byte, answer any) {
	t.Helper()
	needsProcess(t)
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, s.url+edge.FaultsPath,
		bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(edge.FaultsHeader, "1")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s faults %s: got %d %s, %v; want a 2xx status", method, body, response.StatusCode, data, err)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		t.Fatalf("decode the faults %s: %v", data, err)
	}
}

// ownStack starts a stack that only this test uses, for tests that kill it.
func ownStack(t testing.TB, flags ...string) *stack {
	t.Helper()
	needsProcess(t)
	from := sharedStack(t)
	s := &stack{template: from.template, data: t.TempDir(), flags: flags}
	if err := s.copyFunctions(); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.running() {
			s.kill()
		}
		if err := s.checkLog(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("end of the stack's log:\n%s", tail(s.stderr.String(), 40))
		}
	})
	return s
}

// logSince returns the part of the stack's log after its first mark bytes.
func (s *stack) logSince(mark int) string { return s.stderr.String()[mark:] }

// instances counts, in a part of the log, the instances of a function that have
// finished their first invocation, and the function's invocations that have
// begun and ended. Only the first report of an instance has an init duration
// (Lambda log formats).
func instances(log, function string) (first, begun, ended int) {
	for line := range strings.Lines(log) {
		name, rest, _ := strings.Cut(line, " ")
		if name != function {
			continue
		}
		switch {
		case strings.Contains(rest, " REPORT RequestId: "):
			ended++
			if strings.Contains(rest, "\tInit Duration: ") {
				first++
			}
		case strings.Contains(rest, " START RequestId: "):
			begun++
		}
	}
	return first, begun, ended
}

// waitIdle waits until no invocation of a function is running. The ack comes
// before the message is delivered to everybody.
func (s *stack) waitIdle(t testing.TB, function string) {
	t.Helper()
	needsProcess(t)
	waitUntil(t, function+" is idle", func() bool {
		_, begun, ended := instances(s.stderr.String(), function)
		return begun == ended
	})
}

func TestInstancesAreCounted(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	room := newRoom("counted")
	ada := openClients(ctx, t, s, room, 1)[0]
	s.waitIdle(t, sendFunction)
	s.injectFault(t, fault.Fault{Kind: fault.LambdaKillNow, Target: sendFunction})
	mark := s.stderr.Len()
	for i := range 3 {
		mustSend(ctx, t, ada, room, fmt.Sprint("counted ", i))
		s.waitIdle(t, sendFunction)
	}
	waitUntil(t, "one new instance has served three sends", func() bool {
		first, begun, ended := instances(s.logSince(mark), sendFunction)
		return first == 1 && begun == 3 && ended == 3
	})
}

// waitUntil fails the test unless the condition holds within waitTimeout. what
// completes the sentence "timed out waiting until …".
func waitUntil(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !eventually(condition) {
		t.Fatalf("timed out waiting until %s", what)
	}
}
