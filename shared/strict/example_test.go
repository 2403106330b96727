package strict_test

import (
	"fmt"

	"github.com/sotto-chat/sotto/shared/strict"
)

// Names are matched exactly, and a name that occurs twice is an error.
func ExampleUnmarshal() {
	var message struct {
		Body string `json:"body"`
	}
	err := strict.Unmarshal([]byte(`{"body":"hello","Body":"other"}`), &message)
	fmt.Println(message.Body, err)
	err = strict.Unmarshal([]byte(`{"body":"hello","body":"other"}`), &message)
	fmt.Println(err)
	// Output:
	// hello <nil>
	// strict JSON: duplicate member name at byte 16
}

// Marshal writes no HTML escapes and sorts the keys of maps.
func ExampleMarshal() {
	data, err := strict.Marshal(map[string]string{"b": "<b>", "a": "&"})
	fmt.Println(string(data), err)
	// Output: {"a":"&","b":"<b>"} <nil>
}
