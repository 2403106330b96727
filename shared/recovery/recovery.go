// Package recovery turns panics into errors, so that one message that breaks
// the code costs one call and not the whole instance.
//
// A panic in a goroutine that does not recover ends the process, whatever its
// caller does. Every goroutine of the service therefore runs its work in
// [Call].
package recovery

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// PanicError is a panic that Call recovered. It keeps the type of the panic's
// value and the place, but not the value, which may hold a key or a text.
type PanicError struct {
	Type  string // the type of the panic's value, such as runtime.boundsError
	Stack string // the goroutine's stack as debug.Stack formats it
}

func (e *PanicError) Error() string { return "panic of type " + e.Type }

// StackOf returns the attribute "stack" of a log line about err: the stack of
// the panic in err's chain, or an empty attribute, which slog leaves out.
func StackOf(err error) slog.Attr {
	if p, ok := errors.AsType[*PanicError](err); ok {
		return slog.String("stack", p.Stack)
	}
	return slog.Attr{}
}

// Call runs do and returns its error. A panic in do becomes a *PanicError.
func Call(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Type: fmt.Sprintf("%T", p), Stack: string(debug.Stack())}
		}
	}()
	return do()
}
