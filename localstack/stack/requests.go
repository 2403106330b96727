package stack

import (
	"context"
	"log/slog"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// requestLog writes a line for each request to any service and passes the event
// on. The attribute invocation links the lines of one message: a frame, the
// function that it ran, and the requests that the function made.
type requestLog struct {
	log  *slog.Logger
	next trace.Sink
}

// Trace implements trace.Sink.
func (l requestLog) Trace(e trace.Event) {
	l.next.Trace(e)
	if e.Kind == trace.Invoke {
		return // the function's REPORT line has the same
	}
	attrs := []slog.Attr{slog.String("request", e.RequestID)}
	for _, a := range []slog.Attr{
		slog.String("invocation", e.Invocation),
		slog.String("function", e.Function),
		slog.String("stage", e.Stage),
		slog.String("route", e.Route),
		slog.String("connection", e.ConnectionID),
		slog.String("operation", e.Operation),
		slog.String("resource", e.Resource),
		slog.String("code", e.Error),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int(e.StatusKey(), e.Status))
	}
	attrs = append(attrs, slog.Int("bytes", e.Bytes), slog.Duration("duration", e.Duration))
	l.log.LogAttrs(context.Background(), slog.LevelInfo, string(e.Kind), attrs...)
}
