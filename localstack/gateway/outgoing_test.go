package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/coder/websocket"
)

// dialStalled opens a connection whose client never reads, and returns its id.
// With a small window the kernel's buffers are full soon.
func (s *stack) dialStalled() string {
	s.t.Helper()
	c := s.dialRaw()
	c.Conn.(*net.TCPConn).SetReadBuffer(4096)
	e, _ := s.event("$connect")
	return e.RequestContext.ConnectionID
}

// fill posts until the buffer is full: until 50 posts in a row are refused,
// because a single one can come between two writes.
func (s *stack) fill(id string) {
	s.t.Helper()
	message := strings.Repeat("x", 128<<10)
	refusals := 0
	eventually(s.t, "the send buffer is full", func() bool {
		err := s.post(id, message)
		if limit := (*types.LimitExceededException)(nil); errors.As(err, &limit) {
			refusals++
		} else if err != nil {
			s.t.Fatalf("post: %v", err)
		} else {
			refusals = 0
		}
		return refusals == 50
	})
}

func TestC5_LimitExceededWhenTheBufferIsFull(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok), "$default": returns(ok)}, func(o *Options) {
		o.Limits.SendBuffer = 256 << 10
		o.Limits.Write = time.Hour
	})
	stalled := s.dialStalled()
	quick := s.dial()
	s.fill(stalled)
	response, body := s.request(http.MethodPost, "/prod/@connections/"+url.PathEscape(stalled),
		strings.Repeat("x", 128<<10), true)
	if response.StatusCode != 429 || !strings.HasPrefix(body, `{"message":"`) {
		t.Errorf("got %s %s, want 429 with a message", response.Status, body)
	}
	s.mustPost(quick.id, "hello") // a slow client does not delay another
	quick.wantReceive("hello")
	for _, c := range s.gateway.openSockets() {
		c.drop() // Shutdown would wait for the stalled client
	}
}

func TestLostClientIsDropped(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) {
		o.Limits.SendBuffer = 256 << 10
		o.Limits.Write = 50 * time.Millisecond
	})
	stalled := s.dialStalled()
	eventually(t, "the connection is gone", func() bool {
		gone := (*types.GoneException)(nil)
		return errors.As(s.post(stalled, strings.Repeat("x", 128<<10)), &gone)
	})
	s.wantDisconnect(1006, "")
}

func TestPostsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	const posts = 100
	go func() {
		for i := range posts {
			if err := s.post(c.id, fmt.Sprint(i)); err != nil {
				t.Errorf("post %d: %v", i, err)
			}
		}
	}()
	for i := range posts {
		c.wantReceive(fmt.Sprint(i))
	}
}

// A client that does not read its answers is held back when its buffer is full.
// No answer is lost.
func TestAnswersWaitForSpace(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 64<<10)
	s := start(t, map[string]function{"ask": returns(`{"statusCode":200,"body":"` + body + `"}`)}, func(o *Options) {
		o.Limits.SendBuffer = 256 << 10
		o.Limits.InFlight = 2
		twoWay("ask")(o)
	})
	c := s.dial()
	const asks = 60 // 3.75 MiB of answers
	go func() {
		for range asks {
			if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"action":"ask"}`)); err != nil {
				t.Errorf("ask: %v", err)
				return
			}
		}
	}()
	for range asks {
		c.wantReceive(body)
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	clients := []*client{s.dial(), s.dial(), s.dial()}
	done := make(chan error, 1)
	go func() { done <- s.gateway.Shutdown(t.Context()) }()
	for _, c := range clients {
		c.wantClosed(1001, "Going away")
		s.wantDisconnect(1001, "Going away")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	s.wantConnections(0)
	s.wantStatus("/prod", http.StatusServiceUnavailable)
	s.noEvent("$connect")
	if err := s.gateway.Shutdown(t.Context()); err != nil { // again
		t.Error(err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{
		"$connect": returns(ok),
		"$disconnect": func(ctx context.Context, _ []byte) ([]byte, string, error) {
			<-ctx.Done() // hangs until the gateway cancels it
			return nil, "", ctx.Err()
		},
	}, nil)
	c := s.dial()
	s.dialStalled() // does not answer the close frame
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.gateway.Shutdown(ctx) }()
	c.wantClosed(1001, "Going away")
	s.event("$disconnect")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v from Shutdown, want context.Canceled", err)
	}
	s.event("$disconnect") // of the stalled client
}

func TestShutdownDuringConnect(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{
		"$disconnect": returns(ok),
		"$connect": func(context.Context, []byte) ([]byte, string, error) {
			<-release
			return []byte(ok), "", nil
		},
	}, nil)
	dialed := make(chan *client, 1)
	go func() {
		c, _, err := s.tryDial("/prod", nil)
		if err != nil {
			t.Errorf("dial: %v", err)
		}
		dialed <- c
	}()
	s.event("$connect")
	done := make(chan error, 1)
	go func() { done <- s.gateway.Shutdown(t.Context()) }()
	eventually(t, "the gateway is stopping", func() bool {
		s.gateway.mu.Lock()
		defer s.gateway.mu.Unlock()
		return s.gateway.stopping
	})
	close(release)
	if c := <-dialed; c != nil {
		c.wantClosed(1001, "Going away")
	}
	s.wantDisconnect(1001, "Going away") // its $connect has run
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// hijackHook calls before when a connection is registered but has no socket
// yet.
type hijackHook struct {
	http.ResponseWriter
	before func()
}

func (w hijackHook) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.before()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func TestDroppedBeforeTheSocketIsOpen(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	sockets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.gateway.ServeHTTP(hijackHook{w, func() {
			if !s.gateway.Drop(s.gateway.ConnectionIDs()[0]) {
				t.Error("got no registered connection, want one")
			}
		}}, r)
	}))
	t.Cleanup(sockets.Close)
	address := s.sockets.URL
	s.sockets.URL = sockets.URL
	defer func() { s.sockets.URL = address }()
	s.dial().wantClosed(1006, "")
	s.wantDisconnect(1006, "")
}
