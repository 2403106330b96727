package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// maxThrottleFactor bounds the doubling of Options.ThrottleDelay: from 1 s to
// 5 min (LDG "Asynchronous invocation").
const maxThrottleFactor = 300

// event is an asynchronous invocation with its retries. All attempts have the
// same request id.
type event struct {
	target
	id      string
	payload []byte
	traceID string
	born    time.Time
}

// InvokeAsync accepts an event of at most 1 MB for a function and returns the
// request id of all its attempts. A function error is retried up to twice; a
// throttled invocation is retried until the event is too old. Then the
// function's destination gets a record, and the log a line for a discarded
// event.
func (s *Service) InvokeAsync(_ context.Context, function string, payload []byte) (requestID string, err error) {
	return s.enqueue(Request{Function: function, Payload: payload})
}

// enqueue is InvokeAsync with the options of a request that apply to events.
func (s *Service) enqueue(req Request) (requestID string, err error) {
	to, err := s.resolve(req.Function, req.Qualifier)
	if err != nil {
		return "", err
	}
	payload, err := checkPayload(req.Payload, maxAsyncPayload)
	if err != nil {
		return "", err
	}
	ev := &event{target: to, id: awsname.NewRequestID(), payload: payload, traceID: req.TraceID, born: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return "", ErrClosed
	}
	f, _, err := s.lookUp(to)
	if err != nil {
		return "", err
	}
	if ev.traceID == "" {
		ev.traceID = newTraceID(f.fn.Sampled)
	}
	s.events.Go(func() { s.deliver(ev) })
	return ev.id, nil
}

// deliver invokes the function until the event is handled or discarded.
func (s *Service) deliver(ev *event) {
	d := delivery{s: s, ev: ev, throttleDelay: s.opt.ThrottleDelay}
	for {
		fn, end := d.attempt()
		if end == "" {
			end = d.pause(fn)
		}
		if end != "" {
			s.finishEvent(ev, fn, end, d.attempts, d.last)
			return
		}
	}
}

// delivery is the state of an event between its attempts.
type delivery struct {
	s        *Service
	ev       *event
	attempts int
	failures int     // function errors
	last     *Result // of the last attempt that ran, or nil

	next          time.Duration // the pause before the next attempt
	throttleDelay time.Duration // the pause after the next throttled attempt
}

// attempt invokes the function once. It returns how the event ended, or "" if
// another attempt follows. The function is empty if it was removed or the
// service closed before the attempt.
func (d *delivery) attempt() (fn Function, end condition) {
	f, err := d.s.slot(d.ev.name)
	if err != nil {
		return Function{}, serviceClosed
	}
	if f == nil {
		return Function{}, functionRemoved
	}
	defer func() { <-f.events }()
	if d.s.neverRuns(f) {
		return f.fn, zeroConcurrency
	}
	inv := newInvocation(d.ev.id, d.ev.payload)
	inv.traceID = d.ev.traceID
	result, err := d.s.await(context.Background(), d.ev.target, inv)
	refusal, refused := errors.AsType[*Error](err)
	if refused && refusal.Code != CodeThrottled { // the function was removed
		return f.fn, functionRemoved
	}
	d.attempts++
	switch {
	case refused:
		d.next = d.throttleDelay
		d.throttleDelay = min(2*d.throttleDelay, maxThrottleFactor*d.s.opt.ThrottleDelay)
		return f.fn, ""
	case err != nil: // the context never ends, so the service was closed
		return f.fn, serviceClosed
	}
	d.last = &result
	if result.FunctionError == "" {
		return f.fn, succeeded
	}
	if d.failures == f.retries() {
		return f.fn, retriesExhausted
	}
	d.next = 0
	if n := len(d.s.opt.RetryDelays); n > 0 {
		d.next = d.s.opt.RetryDelays[min(d.failures, n-1)]
	}
	d.failures++
	return f.fn, ""
}

// neverRuns reports whether the function's reserved concurrency is 0.
func (s *Service) neverRuns(f *fleet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.reserved != nil && *f.reserved == 0
}

// pause waits before the next attempt. It returns how the event ended, or "".
func (d *delivery) pause(fn Function) (end condition) {
	if time.Since(d.ev.born)+d.next > fn.Async.MaximumEventAge {
		return tooOld
	}
	select {
	case <-time.After(d.next):
		return ""
	case <-d.s.stopped.Done():
		return serviceClosed
	}
}

// slot waits until another asynchronous invocation of a function may run. The
// fleet is nil if the function was removed.
func (s *Service) slot(name string) (*fleet, error) {
	s.mu.Lock()
	f := s.fleets[name]
	s.mu.Unlock()
	if f == nil {
		return nil, nil
	}
	select {
	case f.events <- struct{}{}:
		return f, nil
	case <-s.stopped.Done():
		return f, ErrClosed
	}
}

// retries returns how often an event is retried after a function error.
func (f *fleet) retries() int {
	if n := f.fn.Async.MaximumRetryAttempts; n != nil {
		return *n
	}
	return awsname.DefaultRetries
}
