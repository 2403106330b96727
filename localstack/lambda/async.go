package lambda

import (
	"context"
	"errors"
	"time"
)

// maxThrottleFactor bounds the doubling of Options.ThrottleDelay: from 1 s to
// 5 min (LDG "Asynchronous invocation").
const maxThrottleFactor = 300

// event is an asynchronous invocation on its way. The request id is the same
// in all attempts.
type event struct {
	id, name string
	payload  []byte
	traceID  string
	born     time.Time
}

// InvokeAsync accepts an event of at most 1 MB for a function and returns the
// request id that all its attempts have. A function error is tried again twice,
// a throttled invocation until the event is too old; then the function's
// destinations are told, and the log of what is discarded.
func (s *Service) InvokeAsync(_ context.Context, function string, payload []byte) (requestID string, err error) {
	return s.enqueue(function, payload, newTraceID())
}

func (s *Service) enqueue(function string, payload []byte, traceID string) (requestID string, err error) {
	name, err := s.resolve(function)
	if err != nil {
		return "", err
	}
	payload, err = checkPayload(payload, maxAsyncPayload)
	if err != nil {
		return "", err
	}
	ev := &event{id: newRequestID(), name: name, payload: payload, traceID: traceID, born: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return "", ErrClosed
	}
	if s.fleets[name] == nil {
		return "", notFound(s.arn(name))
	}
	s.events.Go(func() { s.deliver(ev) })
	return ev.id, nil
}

// deliver takes an event to its end.
func (s *Service) deliver(ev *event) {
	var last *Result // of an attempt that ran
	failed, throttleDelay := 0, s.opt.ThrottleDelay
	for attempt := 1; ; attempt++ {
		f, err := s.slot(ev.name)
		if err != nil {
			s.conclude(ev, Function{}, serviceClosed, attempt-1, last)
			return
		}
		if f == nil {
			s.conclude(ev, Function{}, functionRemoved, attempt-1, last)
			return
		}
		if n := f.fn.ReservedConcurrency; n != nil && *n == 0 {
			<-f.events
			s.conclude(ev, f.fn, zeroConcurrency, attempt-1, last)
			return
		}
		inv := newInvocation(ev.id, ev.payload)
		inv.traceID = ev.traceID
		result, err := s.await(context.Background(), ev.name, inv)
		<-f.events

		var pause time.Duration
		var refusal *Error
		switch {
		case err == nil && result.FunctionError == "":
			s.conclude(ev, f.fn, succeeded, attempt, &result)
			return
		case err == nil:
			last = &result
			if failed == f.retries() {
				s.conclude(ev, f.fn, retriesExhausted, attempt, last)
				return
			}
			if n := len(s.opt.RetryDelays); n > 0 {
				pause = s.opt.RetryDelays[min(failed, n-1)]
			}
			failed++
		case errors.As(err, &refusal) && refusal.Code == CodeThrottled:
			pause = throttleDelay
			throttleDelay = min(2*throttleDelay, maxThrottleFactor*s.opt.ThrottleDelay)
		case errors.As(err, &refusal): // there is no such function any more
			s.conclude(ev, f.fn, functionRemoved, attempt-1, last)
			return
		default: // nothing else can happen to who does not go away
			s.conclude(ev, f.fn, serviceClosed, attempt, last)
			return
		}
		if time.Since(ev.born)+pause > f.fn.Async.MaximumEventAge {
			s.conclude(ev, f.fn, tooOld, attempt, last)
			return
		}
		select {
		case <-time.After(pause):
		case <-s.stopped.Done():
			s.conclude(ev, f.fn, serviceClosed, attempt, last)
			return
		}
	}
}

// slot waits until one more asynchronous invocation of a function may run. The
// fleet is nil if there is no such function any more.
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

func (f *fleet) retries() int {
	if n := f.fn.Async.MaximumRetryAttempts; n != nil {
		return *n
	}
	return 2
}
