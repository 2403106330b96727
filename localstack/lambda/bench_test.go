package lambda_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// BenchmarkWarmInvoke is the way of an event to a running function and back.
func BenchmarkWarmInvoke(b *testing.B) {
	st := serve(b, nil, function("f"))
	payload := []byte(`{"Text":"hello"}`)
	if _, err := st.Invoke(context.Background(), "f", payload); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if _, err := st.Invoke(context.Background(), "f", payload); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(len(st.Instances())), "instances")
}

// BenchmarkColdInvoke is the time from nothing to the first response: every
// invocation has a function of its own.
func BenchmarkColdInvoke(b *testing.B) {
	st := serve(b, nil)
	var took []time.Duration
	for b.Loop() {
		if err := st.Deploy(nil); err != nil { // retires the instance
			b.Fatal(err)
		}
		if err := st.Deploy([]lambda.Function{function("f")}); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if _, err := st.Invoke(context.Background(), "f", nil); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}
