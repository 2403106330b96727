package keyring_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
)

// A keyring on a store and a KMS encrypts texts at rest. It makes the data key
// with the first text.
func Example() {
	ctx := context.Background()
	k := keyring.New(keyringtest.NewStore(), keyringtest.NewKMS(), keyring.Options{Audience: "chat.example/prod"})

	key, sealed, err := k.SealAtRest(ctx, []byte("hello"), []byte("row 1"))
	if err != nil {
		log.Fatal(err)
	}
	text, err := k.OpenAtRest(ctx, key, sealed, []byte("row 1"))
	fmt.Println(string(text), err)
	_, err = k.OpenAtRest(ctx, key, sealed, []byte("row 2"))
	fmt.Println(err)
	// Output:
	// hello <nil>
	// stored text cannot be opened
}
