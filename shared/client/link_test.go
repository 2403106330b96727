package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/coder/websocket"
)

func TestLostErrorTexts(t *testing.T) {
	for _, c := range []struct {
		cause error
		says  string
	}{
		{websocket.CloseError{
			Code:   websocket.StatusGoingAway,
			Reason: "Going away",
		}, "the connection was lost (the service closed it with code 1001)"},
		{io.EOF, "the connection was lost (it was cut off)"},
		{io.ErrUnexpectedEOF, "the connection was lost (it was cut off)"},
		{context.DeadlineExceeded, "the connection was lost (timed out)"},
		{errors.New("connection reset by peer"), "the connection was lost (connection reset by peer)"},
	} {
		err := lost(fmt.Errorf("failed to read: %w", c.cause))
		if err.Error() != c.says || !errors.Is(err, errLost) || !errors.Is(err, c.cause) {
			t.Errorf("%v: got %q, want %q", c.cause, err, c.says)
		}
	}
}
