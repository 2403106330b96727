package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Result is the end of a synchronous invocation.
type Result struct {
	// Payload is the function's response, or the error object if
	// FunctionError is set.
	Payload []byte
	// FunctionError is empty, or "Unhandled" if the function failed.
	FunctionError string
	RequestID     string
	// LogTail is the last 4 KB of the invocation's log, if it was asked for.
	LogTail string
	// Duration is the time from the event's delivery to the response.
	Duration time.Duration
	// InitDuration is the instance's initialization, if this was its first
	// invocation.
	InitDuration time.Duration
}

// Request is a synchronous invocation with all that may be said about it.
type Request struct {
	// Function is a name, a partial ARN or an ARN.
	Function string
	// Payload is a JSON text of at most 6 MB; empty means {}.
	Payload []byte
	// ClientContext is the JSON that the function finds in its context.
	ClientContext string
	// TraceID is the X-Ray header to pass on; a new one when empty.
	TraceID string
	// Tail asks for Result.LogTail, for which the call waits a moment longer.
	Tail bool
}

// Invoke runs a function, named by name or ARN, and waits for its response.
// What the function does wrong is in the result; an error means that it did
// not run (*Error), that the service was closed (ErrClosed), or that ctx ended,
// in which case the function finishes all the same, as on AWS.
func (s *Service) Invoke(ctx context.Context, function string, payload []byte) (Result, error) {
	return s.Do(ctx, Request{Function: function, Payload: payload})
}

// Do is Invoke with all its options.
func (s *Service) Do(ctx context.Context, req Request) (Result, error) {
	name, err := s.resolve(req.Function)
	if err != nil {
		return Result{}, err
	}
	payload, err := checkPayload(req.Payload, maxSyncPayload)
	if err != nil {
		return Result{}, err
	}
	inv := newInvocation(newRequestID(), payload)
	inv.clientContext, inv.wantTail = req.ClientContext, req.Tail
	if req.TraceID != "" {
		inv.traceID = req.TraceID
	}
	return s.await(ctx, name, inv)
}

// await submits an invocation and waits for its outcome.
func (s *Service) await(ctx context.Context, name string, inv *invocation) (Result, error) {
	if err := s.submit(name, inv); err != nil {
		return Result{}, err
	}
	select {
	case <-inv.done:
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for function %s: %w", name, context.Cause(ctx))
	}
	o := inv.outcome
	if o.err != nil {
		return Result{}, o.err
	}
	result := Result{
		Payload:      o.payload,
		RequestID:    inv.id,
		LogTail:      inv.tail.String(),
		Duration:     inv.duration,
		InitDuration: inv.initDuration,
	}
	if o.errorType != "" {
		result.FunctionError = "Unhandled"
	}
	return result, nil
}

// submit hands an invocation to its function's fleet, unless a limit forbids.
func (s *Service) submit(name string, inv *invocation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrClosed
	}
	f := s.fleets[name]
	if f == nil {
		return notFound(s.arn(name))
	}
	if err := f.admit(inv); err != nil {
		return err
	}
	f.submit(inv)
	return nil
}

// admit counts an invocation in, unless a limit forbids. Under Service.mu.
func (f *fleet) admit(inv *invocation) error {
	s := f.s
	if limit := f.fn.ReservedConcurrency; limit != nil {
		if f.inFlight >= *limit {
			return throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
		}
	} else {
		if s.unreserved >= s.unreservedLimit() {
			return throttled("ConcurrentInvocationLimitExceeded")
		}
		s.unreserved++
	}
	f.inFlight++
	s.inFlight++
	inv.fleet = f
	return nil
}

// unreservedLimit is what reserved concurrency leaves of the account's.
func (s *Service) unreservedLimit() int {
	limit := s.opt.Concurrency
	for _, f := range s.fleets {
		if n := f.fn.ReservedConcurrency; n != nil {
			limit -= *n
		}
	}
	return limit
}

// invocation is one run of a function. Its fields are set before it is
// submitted or under Service.mu; done is closed after the last change.
type invocation struct {
	id            string
	payload       []byte
	clientContext string
	traceID       string
	wantTail      bool

	fleet        *fleet
	twin         *invocation // the other delivery of the same event, or nil
	ranOn        *instance   // the last to which it was given, or nil
	start        time.Time   // of the time that Timeout bounds
	deadline     time.Time
	duration     time.Duration // until the outcome
	used         time.Duration // until the process was done with it
	initDuration time.Duration
	outcome      *outcome
	tail         tail // written by the instance's collector
	done         chan struct{}
}

func newInvocation(id string, payload []byte) *invocation {
	return &invocation{id: id, payload: payload, traceID: newTraceID(), done: make(chan struct{})}
}

// begin starts the invocation's clock. Under Service.mu.
func (inv *invocation) begin() {
	inv.start = time.Now()
	inv.deadline = inv.start.Add(inv.fleet.fn.Timeout)
}

// settle decides an invocation, once: a later outcome is dropped. Under
// Service.mu. The caller gets it now unless he waits for the log's end.
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
	if f.fn.ReservedConcurrency == nil {
		f.s.unreserved--
	}
	f.s.changed.Broadcast()
	if !inv.wantTail {
		close(inv.done)
	}
}

// finish tells about an invocation whose process is done with it, and releases
// a caller who waits for the log. Not under Service.mu, unless it never began.
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

// checkPayload accepts JSON within the limit, as Lambda does.
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

// arn is a function's ARN in this account and region.
func (s *Service) arn(name string) string {
	return "arn:aws:lambda:" + s.opt.Region + ":" + s.opt.Account + ":function:" + name
}

// resolve finds the name in any of the forms that Lambda takes: name,
// account:function:name, ARN, each with :$LATEST or not.
func (s *Service) resolve(ref string) (string, error) {
	parts := strings.Split(ref, ":")
	i := 0
	for j, p := range parts[:len(parts)-1] {
		if p == "function" {
			i = j + 1
		}
	}
	name, qualifier := parts[i], strings.Join(parts[i+1:], ":")
	if name == "" {
		return "", invalidParameter("function name is empty")
	}
	if qualifier != "" && qualifier != latest {
		return "", notFound(s.arn(name) + ":" + qualifier)
	}
	return name, nil
}

// latest is the only version there is.
const latest = "$LATEST"

// newRequestID is a random UUID (RFC 9562 §5.4), the form of Lambda's ids.
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// newTraceID is an X-Ray tracing header of a request that is not sampled.
func newTraceID() string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), h[:24], h[24:])
}
