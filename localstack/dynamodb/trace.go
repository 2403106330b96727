package dynamodb

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// observation collects the resource and the consumed units of one request for
// its trace event. Calls in process have a nil observation, which ignores them.
type observation struct {
	operation     string
	mu            sync.Mutex
	resource      string
	reads, writes float64
}

type observationKey struct{}

func observationOf(ctx context.Context) *observation {
	o, _ := ctx.Value(observationKey{}).(*observation)
	return o
}

// setResource sets the table or stream of the request, unless it is set
// already.
func (o *observation) setResource(resource string) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.resource == "" {
		o.resource = resource
	}
}

// addUnits adds read and write units.
func (o *observation) addUnits(reads, writes float64) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads += reads
	o.writes += writes
}

// emit sends the event of a finished request to the trace sink and writes it to
// the log at the debug level.
func (e *Engine) emit(ctx context.Context, o *observation, event trace.Event) {
	caller := trace.CallerOf(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	event.Kind = trace.Request
	event.Duration = time.Since(event.At)
	event.Function, event.Invocation = caller.Function, caller.Invocation
	event.Resource = o.resource
	event.ReadUnits, event.WriteUnits = o.reads, o.writes
	e.opts.Trace.Trace(event)
	if !e.opts.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	e.opts.Log.LogAttrs(ctx, slog.LevelDebug, "request",
		slog.String("operation", event.Operation),
		slog.String("table", event.Resource),
		slog.Int("status", event.Status),
		slog.String("code", event.Error),
		slog.Float64("readUnits", event.ReadUnits),
		slog.Float64("writeUnits", event.WriteUnits),
		slog.Duration("duration", event.Duration),
		slog.String("request", event.RequestID),
		slog.String("invocation", event.Invocation))
}
