package fault_test

import (
	"fmt"

	"github.com/sotto-chat/sotto/localstack/fault"
)

func ExampleParse() {
	f, err := fault.Parse("lambda.kill-during:sendMessage,probability=0.1,delay=20ms")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Kind, f.Target, f.Probability, f.Delay)
	// Output: lambda.kill-during sendMessage 0.1 20ms
}
