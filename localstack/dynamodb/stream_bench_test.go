package dynamodb

import (
	"fmt"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// BenchmarkStreamedWrite measures the cost of a stream. It puts items of 1 KiB
// directly into the store, in a table without a stream and in tables with one.
// Every other put replaces an item.
func BenchmarkStreamedWrite(b *testing.B) {
	f := open(b, Options{})
	for _, view := range []string{"none", store.ViewKeysOnly, store.ViewNewImage, store.ViewNewAndOldImages} {
		def := &store.Definition{
			Name: "bench-" + view,
			Key:  store.KeySchema{Hash: store.KeyAttribute{Name: "pk", Type: "S"}},
		}
		if view != "none" {
			def.Stream = &store.TableStream{Label: "bench", View: view, Enabled: true}
		}
		t, err := f.engine.store.Create(def)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(view, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				it := attr.Item{"pk": attr.String(fmt.Sprint(i / 2)), "v": attr.Int(int64(i)),
					"body": attr.String(long(1000))}
				_, err := f.engine.store.Write(b.Context(), store.Mutation{
					Table:  t,
					Row:    def.Row(it),
					Decide: func(attr.Item) (attr.Item, store.Action, error) { return it, store.Put, nil },
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
