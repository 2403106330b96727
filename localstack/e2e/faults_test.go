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

// What the tests that break things have in common. Which of them shows which
// property is in properties_test.go.

// The functions of the template, as faults and logs name them.
const (
	sendFunction      = "local-SendMessageFunction"
	deliverFunction   = "local-DeliverFunction"
	historyFunction   = "local-HistoryFunction"
	handshakeFunction = "local-HandshakeFunction"
	rotateFunction    = "local-RotateServerKeyFunction"
)

// breaks sets a fault for the rest of the test, or takes an action.
func (s *stack) breaks(t testing.TB, f fault.Fault) (struck int) {
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
	s.askFaults(t, http.MethodPost, body, &done)
	t.Cleanup(func() {
		if s.running() {
			s.heals(t)
		}
	})
	return done.Struck
}

// heals clears all faults and says how often each struck.
func (s *stack) heals(t testing.TB) fault.State {
	t.Helper()
	return s.faultState(t, http.MethodDelete)
}

// struck says how often the faults that are on have struck, all together.
func (s *stack) struck(t testing.TB) (n uint64) {
	t.Helper()
	for _, f := range s.faultState(t, http.MethodGet).Faults {
		n += f.Struck
	}
	return n
}

func (s *stack) faultState(t testing.TB, method string) (state fault.State) {
	t.Helper()
	s.askFaults(t, method, nil, &state)
	return state
}

func (s *stack) askFaults(t testing.TB, method string, body []byte, answer any) {
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
		t.Fatalf("%s the faults %s: %d %s, %v", method, body, response.StatusCode, data, err)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

// ownStack is a stack of the test's own, for tests that kill it.
func ownStack(t testing.TB, flags ...string) *stack {
	t.Helper()
	needsProcess(t)
	from := sharedStack(t)
	s := &stack{template: from.template, data: t.TempDir(), flags: flags}
	if err := s.borrowFunctions(); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.running() {
			s.kill()
		}
		if err := s.sound(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of the stack's log:\n%s", tail(s.stderr.String(), 40))
		}
	})
	return s
}

// logSince returns what the stack has logged since a length of its log.
func (s *stack) logSince(mark int) string { return s.stderr.String()[mark:] }

// instances counts the instances of a function that have finished their first
// invocation, and its invocations that have begun and ended, in a part of the
// log: the first report of every instance, and none later, has an init duration
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

// idle waits until no invocation of a function is under way: an ack is there
// before the message is with everybody.
func (s *stack) idle(t testing.TB, function string) {
	t.Helper()
	needsProcess(t)
	eventuallyTrue(t, function+" is idle", func() bool {
		_, begun, ended := instances(s.stderr.String(), function)
		return begun == ended
	})
}

func TestInstancesAreCounted(t *testing.T) {
	s, ctx := sharedStack(t), patient(t)
	room := newRoom("counted")
	ada := crowd(ctx, t, s, room, 1)[0]
	s.idle(t, sendFunction)
	s.breaks(t, fault.Fault{Kind: fault.LambdaKillNow, Target: sendFunction})
	mark := s.stderr.Len()
	for i := range 3 {
		mustSend(ctx, t, ada, room, fmt.Sprint("counted ", i))
		s.idle(t, sendFunction)
	}
	eventuallyTrue(t, "one new instance has served three sends", func() bool {
		first, begun, ended := instances(s.logSince(mark), sendFunction)
		return first == 1 && begun == 3 && ended == 3
	})
}

func eventuallyTrue(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !eventually(condition) {
		t.Fatalf("never: %s", what)
	}
}
