// Package trace is what the services of the local stack tell about each
// request: who made it, what it did, how long it took and what AWS would have
// counted. The page at /_localstack/ shows it, the bill adds it up, and the log
// has one line of it.
//
// Use it in a service to report ([Sink]) and to learn who calls ([CallerOf]).
// It never carries a key, a text or an item: names, sizes, times and ids only.
// It imports nothing of the stack, so that every service can import it.
package trace

import (
	"context"
	"time"
)

// Kind says what an [Event] is about.
type Kind string

// The kinds, by service.
const (
	// Connect, Message and Disconnect are what clients do (execute-api).
	// Message is one frame's worth, to the end of its integration.
	Connect    Kind = "CONNECT"
	Message    Kind = "MESSAGE"
	Disconnect Kind = "DISCONNECT"
	// Sent is one message written to a client: by a post, a two-way route or
	// as an error frame.
	Sent Kind = "SENT"
	// Post is one call of @connections; Operation says which.
	Post Kind = "POST"
	// Authorize is one run of a Lambda authorizer.
	Authorize Kind = "AUTHORIZE"
	// Invoke is one invocation of a function that has ended (lambda).
	Invoke Kind = "INVOKE"
	// Request is one request to a database or key service (dynamodb, kms);
	// Operation says which.
	Request Kind = "REQUEST"
)

// Event is one thing that happened. Fields without meaning for the kind are
// zero. It holds no payload.
type Event struct {
	Kind     Kind
	At       time.Time // when it began
	Duration time.Duration

	// RequestID is the service's own id of it.
	RequestID string
	// Invocation is the Lambda request id that links the lines of a message on
	// its way: of the function that a frame ran, of the invocation itself, of
	// the function that made a request or a post. Empty for callers outside
	// functions.
	Invocation string
	// Function is the name of the function that goes with Invocation.
	Function string

	API, Stage, Route, ConnectionID string // execute-api

	// Operation is such as PutItem, Decrypt or PostToConnection.
	Operation string
	// Resource is the table or key that the operation names first.
	Resource string
	// Status is the HTTP status of the answer, or a close code.
	Status int
	// Error is a code such as ConditionalCheckFailedException, never a text.
	Error string
	// Bytes is the size of the message, post or payload.
	Bytes int

	// Init is the initialization's duration of a cold start, or zero; MemoryMB
	// the function's size (lambda).
	Init     time.Duration
	MemoryMB int
	// ReadUnits and WriteUnits are consumed capacity, on-demand (dynamodb).
	ReadUnits, WriteUnits float64
}

// Sink takes events. It may be called concurrently and must not block.
type Sink interface {
	Trace(Event)
}

// Discard is the sink for who does not care.
var Discard Sink = discard{}

type discard struct{}

func (discard) Trace(Event) {}

// Caller is a function's process that makes a request. The zero value is a
// caller from outside, who may do everything.
type Caller struct {
	// Function is the function's name; empty from outside.
	Function string
	// Invocation is the Lambda request id of what the process works on; empty
	// during its initialization.
	Invocation string
}

type callerKey struct{}

// WithCaller says who makes the request that ctx belongs to.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who makes the request; the zero value is somebody outside.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
