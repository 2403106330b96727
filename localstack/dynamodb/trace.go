package dynamodb

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// observation collects what is told of one request once it has ended. A nil
// one belongs to a caller that is no request, and collects nothing.
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

// names says what the request is about, unless that is known already.
func (o *observation) names(resource string) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.resource == "" {
		o.resource = resource
	}
}

// consumed adds read and write units.
func (o *observation) consumed(reads, writes float64) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads += reads
	o.writes += writes
}

// tell reports a request that has ended to the sink and, at the debug level, to
// the log.
func (e *Engine) tell(ctx context.Context, o *observation, event trace.Event) {
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
		slog.String("error", event.Error),
		slog.Float64("read", event.ReadUnits),
		slog.Float64("write", event.WriteUnits),
		slog.Duration("duration", event.Duration),
		slog.String("request", event.RequestID),
		slog.String("invocation", event.Invocation))
}
