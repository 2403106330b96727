package lambda_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// BenchmarkWarmInvoke measures the invocation of a function with a warm
// instance: one invocation after the other, or with pauses in which the
// instance is frozen or, for comparison, is not.
func BenchmarkWarmInvoke(b *testing.B) {
	b.Run("busy", func(b *testing.B) { warmInvoke(b, false, false) })
	b.Run("frozen", func(b *testing.B) { warmInvoke(b, true, false) })
	b.Run("unfrozen", func(b *testing.B) { warmInvoke(b, true, true) })
}

func warmInvoke(b *testing.B, rest, noFreeze bool) {
	st := serve(b, func(o *lambda.Options) { o.NoFreeze = noFreeze }, function("f"))
	payload := []byte(`{"Text":"hello"}`)
	if _, err := st.Invoke(context.Background(), "f", payload); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for rest && st.Instances()[0].State != lambda.StateIdle {
			time.Sleep(100 * time.Microsecond)
		}
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

// BenchmarkColdInvoke measures the first invocation of a function, which starts
// its process.
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
