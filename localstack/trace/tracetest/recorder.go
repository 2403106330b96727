// Package tracetest has a trace.Sink for tests.
package tracetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// patience is how long Next waits.
const patience = 30 * time.Second

// Recorder is a trace.Sink that keeps all events in memory. Its zero value is
// ready; it may be used concurrently.
type Recorder struct {
	mu     sync.Mutex
	events []trace.Event
}

// Trace keeps an event.
func (r *Recorder) Trace(e trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events returns a copy of the events, the oldest first.
func (r *Recorder) Events() []trace.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Take returns the events, the oldest first, and forgets them.
func (r *Recorder) Take() []trace.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// Next waits for an event that matches, forgets it and returns it. The test
// fails if none comes within 30 s; what names the event in that message.
func (r *Recorder) Next(t testing.TB, what string, match func(trace.Event) bool) trace.Event {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if e, ok := r.next(match); ok {
			return e
		}
		if time.Now().After(deadline) {
			t.Fatalf("got no event of %s in %v, only %+v", what, patience, r.Events())
		}
	}
}

func (r *Recorder) next(match func(trace.Event) bool) (trace.Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.events, match)
	if i < 0 {
		return trace.Event{}, false
	}
	e := r.events[i]
	r.events = slices.Delete(r.events, i, i+1)
	return e, true
}
