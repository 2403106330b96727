package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Options configure a gateway. APIs and Invoker are required.
type Options struct {
	// APIs to serve; each pair of ID and stage is unique. [Gateway.Update]
	// replaces them.
	APIs []API
	// Invoker runs the routes' functions.
	Invoker Invoker
	// Permit returns an error if the caller of a signed request may not perform
	// an action on a resource, such as execute-api:Invoke on the ARN of a
	// $connect route (AWS_IAM). The caller is in ctx (trace.CallerOf). The
	// client gets the error's text. nil permits everything.
	Permit func(ctx context.Context, action, resource string) error
	// Trace gets an event for every connection, message and post; nil discards
	// them.
	Trace trace.Sink
	// Faults makes posts fail on purpose; nil lets all of them succeed.
	Faults Faults
	// Log gets failures (Warn) and one line for each frame and handshake
	// (Debug), with the ids of connection, request and invocation; nil discards
	// them. Payloads are never logged.
	Log *slog.Logger
	// Now is the clock of events, idle timeouts, lifetimes and throttling; nil
	// means time.Now. The time limits of single operations (integration, write)
	// use the real clock.
	Now func() time.Time
	// Sweep is how often connections are checked for idle timeout and lifetime;
	// 0 means 1 s.
	Sweep time.Duration
	// Limits of connections; zero fields mean API Gateway's quotas.
	Limits Limits
	// Inferred selects behaviours that AWS does not document.
	Inferred Inferred
}

// Limits bound the resources of one connection, or of all together. A zero
// field means its default, which its comment gives.
type Limits struct {
	// Frame is the largest payload of one frame from a client, in bytes: 32 KB
	// (API Gateway quotas).
	Frame int
	// Message is the largest message in either direction, in bytes: 128 KB (API
	// Gateway quotas).
	Message int
	// URL is the longest URL of a handshake, in characters: 4096 (API Gateway
	// quotas).
	URL int
	// Idle is how long a connection may have no message: 10 minutes (API
	// Gateway quotas).
	Idle time.Duration
	// Lifetime is how long a connection may last: 2 hours (API Gateway quotas).
	Lifetime time.Duration
	// InFlight is how many functions the messages of one connection may run at
	// once: 16. API Gateway has no such limit, but here each one is a process.
	// At the limit the gateway stops reading from the client, so TCP holds back
	// further messages.
	InFlight int
	// SendBuffer is how many bytes may wait to be written to one client: 1 MiB,
	// frame overhead included. Posts above it are answered with 429.
	SendBuffer int
	// Write is how long writing one message may take before the client counts
	// as lost: 10 s.
	Write time.Duration
	// AccountRate and AccountBurst are the requests per second, and at once, of
	// messages, handshakes and calls of @connections together: 10,000 and 5,000
	// (API Gateway quotas).
	AccountRate  float64
	AccountBurst int
	// NewConnections is how many connections may be opened per second, and at
	// once: 500 (API Gateway quotas).
	NewConnections int
}

func (o Options) withDefaults() (Options, error) {
	if o.Invoker == nil {
		return o, errors.New("gateway: no invoker")
	}
	if len(o.APIs) == 0 {
		return o, errors.New("gateway: no APIs")
	}
	if o.Permit == nil {
		o.Permit = func(context.Context, string, string) error { return nil }
	}
	if o.Trace == nil {
		o.Trace = trace.Discard
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.Sweep, time.Second)
	o.Limits.setDefaults()
	o.Inferred.setDefaults()
	if o.Inferred.SerialMessages {
		o.Limits.InFlight = 1
	}
	if err := o.Limits.check(); err != nil {
		return o, fmt.Errorf("gateway: %w", err)
	}
	if err := o.Inferred.check(); err != nil {
		return o, fmt.Errorf("gateway: %w", err)
	}
	return o, nil
}

// setDefault sets a field that has its zero value.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (l *Limits) setDefaults() {
	setDefault(&l.Frame, 32<<10)
	setDefault(&l.Message, 128<<10)
	setDefault(&l.URL, 4096)
	setDefault(&l.Idle, 10*time.Minute)
	setDefault(&l.Lifetime, 2*time.Hour)
	setDefault(&l.InFlight, 16)
	setDefault(&l.SendBuffer, 1<<20)
	setDefault(&l.Write, 10*time.Second)
	setDefault(&l.AccountRate, 10_000)
	setDefault(&l.AccountBurst, 5_000)
	setDefault(&l.NewConnections, 500)
}

func (l Limits) check() error {
	for name, n := range map[string]int64{
		"Frame":          int64(l.Frame),
		"Message":        int64(l.Message),
		"URL":            int64(l.URL),
		"Idle":           int64(l.Idle),
		"Lifetime":       int64(l.Lifetime),
		"InFlight":       int64(l.InFlight),
		"SendBuffer":     int64(l.SendBuffer),
		"Write":          int64(l.Write),
		"AccountRate":    int64(l.AccountRate),
		"AccountBurst":   int64(l.AccountBurst),
		"NewConnections": int64(l.NewConnections),
	} {
		if n < 0 {
			return fmt.Errorf("limit %s is negative", name)
		}
	}
	if least := l.Message + frameOverhead; l.SendBuffer < least {
		return fmt.Errorf("a send buffer of %d bytes cannot hold one message; want at least %d", l.SendBuffer, least)
	}
	return nil
}
