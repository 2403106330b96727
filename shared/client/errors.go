package client

import (
	"errors"
	"fmt"
	"net"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// unreachableError means that nothing answered at the address.
type unreachableError struct {
	url   string
	cause error
}

func (e *unreachableError) Error() string {
	cause := e.cause
	if op, ok := errors.AsType[*net.OpError](cause); ok {
		cause = op.Err // the outer layers repeat the address
	}
	return fmt.Sprintf("cannot reach %s (%v); check the address and that the service is running", e.url, cause)
}

func (e *unreachableError) Unwrap() error { return e.cause }

// refusedError means that the address answered, but did not accept a WebSocket
// connection.
type refusedError struct {
	url    string
	status int
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s refused the connection with HTTP status %d; check the address and its stage",
		e.url, e.status)
}

// temporary reports whether a retry may succeed: the service throttled the
// connection, or a function failed.
func (e *refusedError) temporary() bool { return e.status == 429 || e.status >= 500 }

// wireError is an error frame: the error from the closed list, and the members
// of the frame. errors.Is and errors.As find the chat.Error.
type wireError struct {
	cause  *chat.Error
	retry  bool
	keySet string
	proven bool // authenticated under the session's key
}

func (e *wireError) Error() string { return e.cause.Error() }

func (e *wireError) Unwrap() error { return e.cause }

func parseWireError(data []byte, proven bool) error {
	var f frame.Error
	if err := strict.Unmarshal(data, &f); err != nil {
		return chat.TryAgain
	}
	for _, known := range chat.Errors() {
		if known.Code() == f.Code {
			return &wireError{cause: known, retry: f.Retry, keySet: f.KeySet, proven: proven}
		}
	}
	// A newer service may have codes that this client does not know.
	return &wireError{cause: chat.NewError(f.Code, f.Message, f.Retry), retry: f.Retry, proven: proven}
}

// mayRetry reports whether the same request may be sent again unchanged.
func mayRetry(err error) bool {
	if errors.Is(err, errTimeout) {
		return true
	}
	if wire, ok := errors.AsType[*wireError](err); ok {
		return wire.retry
	}
	return errors.Is(err, chat.TryAgain)
}

func unexpected(got, want string) error {
	return fmt.Errorf("%w: got a frame of type %q, want %q", device.ErrProtocol, got, want)
}
