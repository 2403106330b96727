package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/coder/websocket"
)

// socket is a bare WebSocket. It sends frames unchanged.
type socket struct {
	conn   *websocket.Conn
	frames chan string   // received, in order
	ended  chan struct{} // closed with the connection; err is then set
	err    error
}

// openSocket dials a WebSocket URL.
func openSocket(ctx context.Context, url string) (*socket, error) {
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(256 << 10) // twice what API Gateway delivers
	s := &socket{conn: conn, frames: make(chan string, 10000), ended: make(chan struct{})}
	go s.read()
	return s, nil
}

func (s *socket) read() {
	defer close(s.ended)
	for {
		kind, data, err := s.conn.Read(context.Background())
		if err != nil {
			s.err = err
			return
		}
		if kind != websocket.MessageText {
			s.err = errors.New("the service sent a binary frame")
			return
		}
		s.frames <- string(data)
	}
}

func (s *socket) send(ctx context.Context, frame string) error {
	return s.conn.Write(ctx, websocket.MessageText, []byte(frame))
}

// next returns the next frame, of any type.
func (s *socket) next(ctx context.Context) (string, error) {
	select {
	case f := <-s.frames:
		return f, nil
	default:
	}
	select {
	case f := <-s.frames:
		return f, nil
	case <-s.ended:
		select {
		case f := <-s.frames: // received before the end
			return f, nil
		default:
			return "", fmt.Errorf("the connection ended: %w", s.err)
		}
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// receive returns the next frame of a type and ignores frames of other types.
func (s *socket) receive(ctx context.Context, types ...string) (string, error) {
	var ignored []string
	for {
		f, err := s.next(ctx)
		if err != nil {
			return "", fmt.Errorf("got the frames %q, want one of the type %v: %w", ignored, types, err)
		}
		if slices.Contains(types, typeOf(f)) {
			return f, nil
		}
		ignored = append(ignored, f)
	}
}

// typeOf returns a frame's type, empty for API Gateway's own errors.
func typeOf(frame string) string {
	var head struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal([]byte(frame), &head) // what is not JSON has no type
	return head.Type
}

// closed waits until the other side has closed the connection and returns its
// close code. A frame that comes before is an error.
func (s *socket) closed(ctx context.Context) (websocket.StatusCode, error) {
	f, err := s.next(ctx)
	if err == nil {
		return 0, fmt.Errorf("got the frame %s, want the connection closed", f)
	}
	select {
	case <-s.ended:
	default:
		return 0, err
	}
	code := websocket.CloseStatus(s.err)
	if code == -1 {
		return 0, fmt.Errorf("the connection ended without a close frame: %w", s.err)
	}
	return code, nil
}

// drop closes the connection without a close frame.
func (s *socket) drop() { _ = s.conn.CloseNow() }
