package store

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// BenchmarkWrite commits items of 1 KiB, each with a sync to disk. Concurrent
// writers share syncs.
func BenchmarkWrite(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			s, err := Open(b.TempDir(), slog.New(slog.DiscardHandler), time.Now, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			table, err := s.Create(&Definition{
				Name: "bench",
				Key:  KeySchema{Hash: KeyAttribute{Name: "pk", Type: "N"}},
			})
			if err != nil {
				b.Fatal(err)
			}
			body := attr.String(strings.Repeat("x", 1000))
			var next atomic.Int64
			done := make(chan error, writers)
			b.ResetTimer()
			for range writers {
				go func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							done <- nil
							return
						}
						it := attr.Item{"pk": attr.Int(i), "body": body}
						if _, err := s.Write(b.Context(), Mutation{
							Table:  table,
							Row:    table.Definition().Row(it),
							Decide: func(attr.Item) (attr.Item, Action, error) { return it, Put, nil },
						}); err != nil {
							done <- err
							return
						}
					}
				}()
			}
			for range writers {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
