package gateway

import (
	"context"
	"log/slog"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// integrationFailed is the text of the log line for a failed integration.
const integrationFailed = "integration failed"

// traceEvent returns an event of the connection. e is the Lambda event that
// belongs to it, or nil.
func (c *connection) traceEvent(kind trace.Kind, e *event) trace.Event {
	t := trace.Event{Kind: kind, At: c.gateway.opts.Now(), API: c.apiID, Stage: c.stageName, ConnectionID: c.id}
	if e != nil {
		t.RequestID, t.Route = e.RequestContext.RequestID, e.RequestContext.RouteKey
	}
	return t
}

// report sends the event to the trace and logs it: as Warn with an error, as
// Debug without.
func (g *Gateway) report(text string, t trace.Event, err error) {
	g.opts.Trace.Trace(t)
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	if !g.opts.Log.Enabled(context.Background(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	for _, a := range []slog.Attr{
		slog.String("api", t.API),
		slog.String("stage", t.Stage),
		slog.String("route", t.Route),
		slog.String("operation", t.Operation),
		slog.String("connection", t.ConnectionID),
		slog.String("request", t.RequestID),
		slog.String("function", t.Function),
		slog.String("invocation", t.Invocation),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	attrs = append(attrs, slog.Int(t.StatusKey(), t.Status), slog.Int("bytes", t.Bytes),
		slog.Duration("duration", t.Duration))
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	g.opts.Log.LogAttrs(context.Background(), level, text, attrs...)
}
