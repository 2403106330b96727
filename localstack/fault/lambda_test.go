package fault_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

type event = map[string]any

const crashed = "Runtime.ExitError"

func TestKillBeforeTheHandler(t *testing.T) {
	s := start(t)
	ran := filepath.Join(t.TempDir(), "ran")
	s.set(`{"kind":"lambda.kill-before","target":"f"}`)
	for range 3 {
		if payload, failed := s.invoke("f", event{"Do": "record", "File": ran}); !failed ||
			!strings.Contains(payload, crashed) {
			t.Errorf("the caller got %s, want %s", payload, crashed)
		}
	}
	if _, failed := s.invoke("g", event{"Do": "count"}); failed {
		t.Error("g failed, want the fault of f to leave it alone")
	}
	if got := lines(t, ran); len(got) != 0 {
		t.Errorf("the handler ran %d times (%v), want 0", len(got), got)
	}
	s.cleared(3)
	if payload, failed := s.invoke("f", event{"Do": "record", "File": ran}); failed || len(lines(t, ran)) != 1 {
		t.Errorf("after DELETE: got %s and %d runs, want success and 1", payload, len(lines(t, ran)))
	}
}

func TestKillDuringTheHandler(t *testing.T) {
	s := start(t)
	began := filepath.Join(t.TempDir(), "began")
	s.set(`{"kind":"lambda.kill-during","delay":"500ms","count":1}`)
	if payload, failed := s.invoke("f", event{"Do": "hang", "File": began}); !failed ||
		!strings.Contains(payload, crashed) {
		t.Errorf("the caller got %s, want %s", payload, crashed)
	}
	s.cleared(1)
	if payload, failed := s.invoke("f", event{"Do": "count"}); failed || payload != "1" {
		t.Errorf("a new instance answered %s, want 1", payload)
	}
}

func TestKillAfterTheHandler(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"lambda.kill-after","target":"f"}`)
	for range 2 {
		if payload, failed := s.invoke("f", event{"Do": "count"}); failed || payload != "1" {
			t.Errorf("the caller got %s, want 1, the first response of a new instance", payload)
		}
		eventually(t, "the process is gone", func() bool { return len(s.lambda.Instances()) == 0 })
	}
	s.cleared(2)
	s.invoke("f", event{"Do": "count"})
	eventually(t, "the instance is back", func() bool { return states(s, "f")[lambda.StateIdle] == 1 })
	if payload, _ := s.invoke("f", event{"Do": "count"}); payload != "2" {
		t.Errorf("after DELETE: got invocation %s of the instance, want 2", payload)
	}
}

func TestLoseTheResponse(t *testing.T) {
	s := start(t)
	ran := filepath.Join(t.TempDir(), "ran")
	s.set(`{"kind":"lambda.lose-response"}`)
	if payload, failed := s.invoke("f", event{"Do": "record", "File": ran}); !failed ||
		!strings.Contains(payload, crashed) {
		t.Errorf("the caller got %s, want %s", payload, crashed)
	}
	if got := lines(t, ran); len(got) != 1 {
		t.Errorf("the handler ran %d times, want 1", len(got))
	}
	eventually(t, "the process is gone", func() bool { return len(s.lambda.Instances()) == 0 })
	s.cleared(1)
	if payload, failed := s.invoke("f", event{"Text": "fine"}); failed {
		t.Errorf("after DELETE: got %s, want success", payload)
	}
}

func TestDeliverTwice(t *testing.T) {
	s := start(t)
	dir := t.TempDir()
	s.invoke("f", event{"Do": "count"}) // starts an instance that could be reused
	eventually(t, "the instance is back", func() bool { return states(s, "f")[lambda.StateIdle] == 1 })
	s.set(`{"kind":"lambda.twice","target":"f","count":1}`)
	ran := filepath.Join(dir, "ran")
	if payload, failed := s.invoke("f", event{"Do": "record", "File": ran}); failed {
		t.Errorf("the caller got %s, want success", payload)
	}
	eventually(t, "it ran twice", func() bool { return len(lines(t, ran)) == 2 })
	if got := lines(t, ran); got[0] != got[1] {
		t.Errorf("got the request ids %v, want one id twice", got)
	}
	var ranOn []int // invocations of each instance, the oldest first
	for _, in := range s.lambda.Instances() {
		ranOn = append(ranOn, in.Invocations)
	}
	if !slices.Equal(ranOn, []int{2, 1}) {
		t.Errorf("invocations by instance: got %v, want [2 1], one delivery for each", ranOn)
	}
	s.cleared(1)
	once := filepath.Join(dir, "once")
	s.invoke("f", event{"Do": "record", "File": once})
	if got := lines(t, once); len(got) != 1 {
		t.Errorf("after DELETE: got %d runs, want 1", len(got))
	}
}

// The second delivery counts as an invocation. If a concurrency limit refuses
// it, the fault has not struck.
func TestDeliverTwiceKeepsTheConcurrencyLimits(t *testing.T) {
	s := start(t)
	ran := filepath.Join(t.TempDir(), "ran")
	s.set(`{"kind":"lambda.twice"}`)
	if payload, failed := s.invoke("g", event{"Do": "record", "File": ran}); failed {
		t.Errorf("the caller got %s, want success", payload)
	}
	if got := lines(t, ran); len(got) != 1 {
		t.Errorf("the handler ran %d times, want 1", len(got))
	}
	s.cleared(0)
}

func TestHoldBack(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"lambda.hold","target":"f","delay":"15m"}`)
	answer := make(chan string)
	go func() {
		payload, _ := s.invoke("f", event{"Text": "held"})
		answer <- payload
	}()
	eventually(t, "the event is held", func() bool { return s.struck() == 1 })
	if payload, failed := s.invoke("g", event{"Text": "free"}); failed || payload != `"free"` {
		t.Errorf("g answered %s, want \"free\"", payload)
	}
	for _, in := range s.lambda.Instances() {
		if in.Function == "f" {
			t.Errorf("got the instance %+v, want none for a held event", in)
		}
	}
	s.cleared(1)
	if payload, failed := s.invoke("f", event{"Text": "next"}); failed || payload != `"next"` {
		t.Errorf("after DELETE: got %s, want \"next\"", payload)
	}
	// Close delivers it at once.
	if err := s.lambda.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if payload := <-answer; payload != `"held"` {
		t.Errorf("the held invocation got %s, want \"held\"", payload)
	}
}

func TestHeldEventIsDelivered(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"lambda.hold","delay":"1ms"}`)
	if payload, failed := s.invoke("f", event{"Text": "held"}); failed || payload != `"held"` {
		t.Errorf("the caller got %s, want \"held\"", payload)
	}
	s.cleared(1)
}

func TestKillNow(t *testing.T) {
	s := start(t)
	failures := make(chan bool)
	released := filepath.Join(t.TempDir(), "released")
	for _, function := range []string{"f", "f", "g"} {
		go func() {
			_, failed := s.invoke(function, event{"Do": "block", "File": released})
			failures <- failed
		}()
	}
	eventually(t, "all run", func() bool {
		return states(s, "f")[lambda.StateRunning] == 2 && states(s, "g")[lambda.StateRunning] == 1
	})
	if n := s.act(`{"kind":"lambda.kill-now","target":"f"}`); n != 2 {
		t.Errorf("got %d killed, want 2", n)
	}
	for range 2 {
		if !<-failures {
			t.Error("an invocation of f succeeded, want it to fail with its process")
		}
	}
	if n := s.act(`{"kind":"lambda.kill-now"}`); n != 1 {
		t.Errorf("the rest: got %d killed, want 1", n)
	}
	if !<-failures {
		t.Error("the invocation of g succeeded, want it to fail with its process")
	}
	if payload, failed := s.invoke("f", event{"Do": "count"}); failed || payload != "1" {
		t.Errorf("a new instance answered %s, want 1", payload)
	}
}

// states counts a function's instances by state.
func states(s *stack, function string) map[lambda.State]int {
	counts := make(map[lambda.State]int)
	for _, in := range s.lambda.Instances() {
		if in.Function == function {
			counts[in.State]++
		}
	}
	return counts
}
