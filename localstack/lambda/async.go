package lambda

import (
	"context"
	"errors"
	"log/slog"
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
// a throttled invocation until the event is too old; what is discarded then is
// logged.
func (s *Service) InvokeAsync(_ context.Context, function string, payload []byte) (requestID string, err error) {
	name, err := s.resolve(function)
	if err != nil {
		return "", err
	}
	payload, err = checkPayload(payload, maxAsyncPayload)
	if err != nil {
		return "", err
	}
	ev := &event{id: newRequestID(), name: name, payload: payload, traceID: newTraceID(), born: time.Now()}
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
	failed, throttleDelay := 0, s.opt.ThrottleDelay
	for attempt := 1; ; attempt++ {
		f, err := s.slot(ev.name)
		if err != nil {
			s.discard(ev, f, "ServiceClosed", attempt-1)
			return
		}
		if f == nil {
			s.discard(ev, f, "FunctionRemoved", attempt-1)
			return
		}
		if n := f.fn.ReservedConcurrency; n != nil && *n == 0 {
			<-f.events
			s.discard(ev, f, "ZeroReservedConcurrency", attempt-1)
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
			return
		case err == nil:
			if failed == f.retries() {
				s.discard(ev, f, "RetriesExhausted", attempt)
				return
			}
			if n := len(s.opt.RetryDelays); n > 0 {
				pause = s.opt.RetryDelays[min(failed, n-1)]
			}
			failed++
		case errors.As(err, &refusal) && refusal.Code == CodeThrottled:
			pause = throttleDelay
			throttleDelay = min(2*throttleDelay, maxThrottleFactor*s.opt.ThrottleDelay)
		case errors.Is(err, ErrClosed):
			s.discard(ev, f, "ServiceClosed", attempt)
			return
		default:
			s.discard(ev, f, err.Error(), attempt)
			return
		}
		if time.Since(ev.born)+pause > f.fn.Async.MaximumEventAge {
			s.discard(ev, f, "EventAgeExceeded", attempt)
			return
		}
		select {
		case <-time.After(pause):
		case <-s.stopped.Done():
			s.discard(ev, f, "ServiceClosed", attempt)
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

// discard gives an event up, with the condition that a destination would get
// (LDG "Asynchronous invocation records").
func (s *Service) discard(ev *event, f *fleet, condition string, attempts int) {
	args := []any{"function", ev.name, "requestId", ev.id, "condition", condition, "attempts", attempts}
	level := slog.LevelError
	if condition == "ServiceClosed" {
		level = slog.LevelWarn
	}
	if f != nil && f.fn.Async.OnFailure != "" {
		args = append(args, "undeliveredTo", f.fn.Async.OnFailure)
	}
	s.log.Log(context.Background(), level, "asynchronous event discarded", args...)
}
