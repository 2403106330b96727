// Package trace defines the event that each service of the local stack emits
// for a request: who made it, what it did, how long it took and what AWS would
// have charged for. The page at /_localstack/ shows the events, the bill adds
// them up, and the log has a line for each.
//
// Use it in a service to emit events ([Sink]) and to find the caller of a
// request ([CallerOf]). An event has names, sizes, times and ids, never a key,
// a text or an item. The package imports nothing of the stack, so that every
// service can import it.
package trace

import (
	"context"
	"time"
)

// Kind is the kind of an [Event].
type Kind string

// The kinds, by service.
const (
	// Connect, Message and Disconnect are caused by clients (execute-api). A
	// Message lasts until its integration has ended.
	Connect    Kind = "CONNECT"
	Message    Kind = "MESSAGE"
	Disconnect Kind = "DISCONNECT"
	// Sent is one message written to a client: a post, the answer of a two-way
	// route or an error frame.
	Sent Kind = "SENT"
	// Post is one call of @connections; Operation is its name.
	Post Kind = "POST"
	// Authorize is one invocation of a Lambda authorizer.
	Authorize Kind = "AUTHORIZE"
	// Invoke is one invocation of a function, emitted when it has ended
	// (lambda).
	Invoke Kind = "INVOKE"
	// Request is one request to DynamoDB or KMS; Operation is its name.
	Request Kind = "REQUEST"
)

// Event describes one request. Fields that its kind does not use are zero. It
// has no payload.
type Event struct {
	Kind     Kind
	At       time.Time // the beginning
	Duration time.Duration

	// RequestID is the request id of the service that emits the event.
	RequestID string
	// Invocation is the Lambda request id that links the events of one message.
	// It belongs to the function that a frame invoked, to the invocation
	// itself, or to the function that made a request or a post. It is empty for
	// callers that are not functions.
	Invocation string
	// Function is the name of the function that goes with Invocation.
	Function string

	API, Stage, Route, ConnectionID string // execute-api

	// Operation is the name of an API operation, such as PutItem, Decrypt or
	// PostToConnection.
	Operation string
	// Resource is the table or key that the operation names first.
	Resource string
	// Status is the HTTP status of the answer, or a close code.
	Status int
	// Error is an error code such as ConditionalCheckFailedException, never a
	// text.
	Error string
	// Bytes is the size of the message, post or payload.
	Bytes int

	// Init is how long the initialization of a cold start took, or zero.
	// MemoryMB is the function's configured memory (lambda).
	Init     time.Duration
	MemoryMB int
	// ReadUnits and WriteUnits are the consumed on-demand capacity (dynamodb).
	ReadUnits, WriteUnits float64
}

// Sink receives events. It may be called concurrently and must not block.
type Sink interface {
	Trace(Event)
}

// Discard is a sink that ignores all events.
var Discard Sink = discard{}

type discard struct{}

func (discard) Trace(Event) {}

// Caller identifies the function whose process makes a request. The zero value
// is a caller outside the stack, which may do everything.
type Caller struct {
	// Function is the function's name; empty for a caller outside.
	Function string
	// Invocation is the Lambda request id of the current invocation; empty
	// during initialization.
	Invocation string
}

type callerKey struct{}

// WithCaller returns a context for a request of the caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller of the request that ctx belongs to.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// StatusKey returns the key of Status in log lines: closeCode for the close of
// a WebSocket, otherwise status.
func (e Event) StatusKey() string {
	if e.Kind == Disconnect {
		return "closeCode"
	}
	return "status"
}
