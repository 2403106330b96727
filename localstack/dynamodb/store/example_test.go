package store_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// A program creates a table, writes an item and reads it back.
func Example() {
	dir, err := os.MkdirTemp("", "store-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(dir, slog.New(slog.DiscardHandler), time.Now, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	table, err := s.Create(&store.Definition{
		Name: "rooms",
		Key:  store.KeySchema{Hash: store.KeyAttribute{Name: "room", Type: "S"}},
	})
	if err != nil {
		log.Fatal(err)
	}

	item := attr.Item{"room": attr.String("lobby"), "members": attr.Int(2)}
	row := table.Definition().Row(item)
	changes, err := s.Write(context.Background(), store.Mutation{
		Table: table,
		Row:   row,
		Decide: func(old attr.Item) (attr.Item, store.Action, error) {
			return item, store.Put, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := changes[0].Err; err != nil {
		log.Fatal(err)
	}
	got, err := s.Get(table, row)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got)
	// Output: {"members":{"N":"2"},"room":{"S":"lobby"}}
}
