package recovery_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/recovery"
)

func TestCallKeepsTypeAndPlaceButNotTheValue(t *testing.T) {
	err := recovery.Call(func() error { panic("hello, this is a text") })
	panicked, ok := errors.AsType[*recovery.PanicError](err)
	if !ok {
		t.Fatalf("got error %v, want a *PanicError", err)
	}
	if panicked.Type != "string" || !strings.Contains(panicked.Stack, "TestCallKeepsTypeAndPlaceButNotTheValue") {
		t.Errorf("got type %q and stack %q, want string and a stack with this test", panicked.Type, panicked.Stack)
	}
	if got := recovery.StackOf(fmt.Errorf("wrapped: %w", err)); got.Key != "stack" ||
		got.Value.String() != panicked.Stack {
		t.Errorf("got attribute %v, want the stack", got)
	}
	if strings.Contains(err.Error()+panicked.Stack, "hello") {
		t.Errorf("the error holds the panic's value: %v\n%s", err, panicked.Stack)
	}
}

func TestCallReturnsTheError(t *testing.T) {
	want := errors.New("it failed")
	if got := recovery.Call(func() error { return want }); got != want {
		t.Errorf("got error %v, want %v", got, want)
	}
	if got := recovery.Call(func() error { return nil }); got != nil {
		t.Errorf("got error %v, want none", got)
	}
	if got := recovery.StackOf(want); !got.Equal(slog.Attr{}) {
		t.Errorf("got attribute %v for an error without a panic, want none", got)
	}
}
