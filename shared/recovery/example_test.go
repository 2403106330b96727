package recovery_test

import (
	"fmt"

	"github.com/sotto-chat/sotto/shared/recovery"
)

func ExampleCall() {
	err := recovery.Call(func() error { panic("a text that must not be logged") })
	fmt.Println(err)
	// Output: panic of type string
}
