package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Result is the result of a synchronous invocation.
type Result struct {
	// Payload is the function's response, or an error object if FunctionError
	// is set.
	Payload []byte
	// FunctionError is "Unhandled" if the function failed, otherwise empty.
	FunctionError string
	RequestID     string
	// Version is the version that ran: that of the alias, if an alias was
	// invoked.
	Version string
	// TraceID is the X-Ray tracing header that the function got.
	TraceID string
	// LogTail is the last 4 KB of the invocation's log, if Request.Tail was
	// set.
	LogTail string
	// Duration is the time from the event's delivery to the response.
	Duration time.Duration
	// InitDuration is how long the instance's initialization took, if this was
	// its first invocation.
	InitDuration time.Duration
}

// Request is a synchronous invocation with all its options.
type Request struct {
	// Function is a name, a partial ARN or an ARN, each with or without a
	// qualifier.
	Function string
	// Qualifier is a version or an alias; empty means that of Function.
	Qualifier string
	// Payload is a JSON text of at most 6 MB; empty means {}.
	Payload []byte
	// ClientContext is the client context that the function gets, as JSON.
	ClientContext string
	// TraceID is the X-Ray tracing header to pass on; a new one if empty.
	TraceID string
	// Tail asks for Result.LogTail. The call then returns a little later, when
	// the log is complete.
	Tail bool
}

// Invoke runs a function, given by name or ARN, and waits for its response. A
// failure of the function is in the result. An error means that it did not run
// ([*Error]), that the service was closed ([ErrClosed]), or that ctx is done.
// In the last case the function still finishes, as on AWS.
func (s *Service) Invoke(ctx context.Context, function string, payload []byte) (Result, error) {
	return s.Do(ctx, Request{Function: function, Payload: payload})
}

// Do is [Service.Invoke] with all options.
func (s *Service) Do(ctx context.Context, req Request) (Result, error) {
	to, err := s.resolve(req.Function, req.Qualifier)
	if err != nil {
		return Result{}, err
	}
	payload, err := checkPayload(req.Payload, maxSyncPayload)
	if err != nil {
		return Result{}, err
	}
	inv := newInvocation(awsname.NewRequestID(), payload)
	inv.clientContext, inv.wantTail = req.ClientContext, req.Tail
	inv.traceID = req.TraceID
	return s.await(ctx, to, inv)
}

// await submits an invocation and waits for its outcome.
func (s *Service) await(ctx context.Context, to target, inv *invocation) (Result, error) {
	if err := s.submit(to, inv); err != nil {
		return Result{}, err
	}
	select {
	case <-inv.done:
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for function %s: %w", to.name, context.Cause(ctx))
	}
	o := inv.outcome
	if o.err != nil {
		return Result{}, o.err
	}
	result := Result{
		Payload:      o.payload,
		RequestID:    inv.id,
		Version:      inv.version,
		TraceID:      inv.traceID,
		LogTail:      inv.tail.String(),
		Duration:     inv.duration,
		InitDuration: inv.initDuration,
	}
	if o.errorType != "" {
		result.FunctionError = "Unhandled"
	}
	return result, nil
}

// submit passes an invocation to its function's fleet, unless a limit refuses
// it.
func (s *Service) submit(to target, inv *invocation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrClosed
	}
	f, version, err := s.lookUp(to)
	if err != nil {
		return err
	}
	if inv.traceID == "" {
		inv.traceID = newTraceID(f.fn.Sampled)
	}
	inv.version, inv.invokedARN = version, to.qualify(f.fn.ARN)
	if err := f.admit(inv); err != nil {
		return err
	}
	f.submit(inv)
	return nil
}

// admit counts an invocation, unless a limit refuses it. The caller holds
// Service.mu.
func (f *fleet) admit(inv *invocation) error {
	s := f.s
	if !s.hasRoom(f) {
		return throttled("ConcurrentInvocationLimitExceeded")
	}
	if limit := f.reserved; limit != nil {
		if f.inFlight >= *limit {
			return throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
		}
	} else {
		if s.unreserved >= s.unreservedLimit() {
			return throttled("ConcurrentInvocationLimitExceeded")
		}
		s.unreserved++
		inv.unreserved = true
	}
	f.inFlight++
	s.inFlight++
	inv.fleet = f
	return nil
}

// unreservedLimit returns the account's concurrency without the reserved
// concurrency.
func (s *Service) unreservedLimit() int {
	limit := s.opt.Concurrency
	for _, f := range s.fleets {
		if n := f.reserved; n != nil {
			limit -= *n
		}
	}
	return limit
}

// invocation is one call of a function. Its fields are set before it is
// submitted or under Service.mu. done is closed after the last change.
type invocation struct {
	id            string
	payload       []byte
	clientContext string
	traceID       string
	wantTail      bool
	unreserved    bool   // counts towards the concurrency that is not reserved
	version       string // that runs
	invokedARN    string // with the qualifier that the caller used

	fleet        *fleet
	twin         *invocation // the other delivery of the same event, or nil
	ranOn        *instance   // the last instance that it was assigned to, or nil
	start        time.Time   // when the time that Timeout bounds began
	deadline     time.Time
	duration     time.Duration // from start to the outcome
	used         time.Duration // from start until the process asked for the next event
	initDuration time.Duration
	outcome      *outcome
	tail         tail // written by the instance's collector
	done         chan struct{}
}

func newInvocation(id string, payload []byte) *invocation {
	return &invocation{id: id, payload: payload, done: make(chan struct{})}
}

// begin starts the invocation's clock. The caller holds Service.mu.
func (inv *invocation) begin() {
	inv.start = time.Now()
	inv.deadline = inv.start.Add(inv.fleet.fn.Timeout)
}

// settle sets the outcome of an invocation; a later outcome is dropped. The
// caller of the function gets it now, unless it waits for the end of the log.
// The caller of settle holds Service.mu.
func (inv *invocation) settle(o *outcome) {
	if inv.outcome != nil {
		return
	}
	inv.outcome = o
	if !inv.start.IsZero() {
		inv.duration = time.Since(inv.start)
		inv.used = inv.duration
	}
	f := inv.fleet
	f.inFlight--
	f.s.inFlight--
	if inv.unreserved {
		f.s.unreserved--
	}
	f.s.changed.Broadcast()
	if !inv.wantTail {
		close(inv.done)
	}
}

// finish traces an invocation when its process is done with it, and releases a
// caller that waits for the log. The caller of finish must not hold Service.mu,
// unless the invocation never began.
func (inv *invocation) finish() {
	if !inv.start.IsZero() {
		fn := inv.fleet.fn
		e := trace.Event{
			Kind:       trace.Invoke,
			At:         inv.start,
			Duration:   inv.used,
			RequestID:  inv.id,
			Invocation: inv.id,
			Function:   fn.Name,
			Status:     http.StatusOK,
			Error:      inv.outcome.errorType,
			Bytes:      len(inv.payload),
			Init:       inv.initDuration,
			MemoryMB:   fn.MemoryMB,
		}
		if inv.outcome.err != nil {
			e.Status, e.Error = http.StatusServiceUnavailable, "ServiceException"
		}
		inv.fleet.s.opt.Trace.Trace(e)
	}
	if inv.wantTail {
		close(inv.done)
	}
}

// checkPayload accepts JSON of at most limit bytes, as Lambda does. An empty
// payload becomes {}.
func checkPayload(payload []byte, limit int) ([]byte, error) {
	if len(payload) > limit {
		return nil, tooLarge(limit)
	}
	if len(payload) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(payload) {
		var v any
		return nil, invalidContent(json.Unmarshal(payload, &v))
	}
	return payload, nil
}

// newTraceID returns an X-Ray tracing header for a request.
func newTraceID(sampled bool) string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	h := hex.EncodeToString(b[:])
	sample := 0
	if sampled {
		sample = 1
	}
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=%d", time.Now().Unix(), h[:24], h[24:], sample)
}
