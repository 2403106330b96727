package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// BenchmarkRoundTrip measures a frame from a client to a warm function and back
// through @connections: two processes and every service. ns/op is the mean.
func BenchmarkRoundTrip(b *testing.B) {
	p := startProcess(b, "-template", "testdata/post/template.yaml", "-data", b.TempDir())
	_, h := p.health(b)
	conn, _, err := websocket.Dial(b.Context(), h.WebSocket, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.CloseNow()
	once := func() time.Duration {
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		defer cancel()
		start := time.Now()
		if err := conn.Write(ctx, websocket.MessageText, []byte("there and back")); err != nil {
			b.Fatal(err)
		}
		if _, _, err := conn.Read(ctx); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for range 20 {
		once()
	}
	var took []time.Duration
	for b.Loop() {
		took = append(took, once())
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
