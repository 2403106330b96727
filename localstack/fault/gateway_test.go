package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"
)

// connect opens a WebSocket and returns the connection's id with it.
func (s *stack) connect() (*websocket.Conn, string) {
	s.t.Helper()
	known := make(map[string]bool)
	for _, id := range s.gateway.ConnectionIDs() {
		known[id] = true
	}
	conn, _, err := websocket.Dial(s.t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/local", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.CloseNow() })
	var id string
	eventually(s.t, "the connection is listed", func() bool {
		for _, other := range s.gateway.ConnectionIDs() {
			if !known[other] {
				id = other
			}
		}
		return id != ""
	})
	return conn, id
}

func (s *stack) post(id, text string) error {
	_, err := apigatewaymanagementapi.NewFromConfig(s.config()).PostToConnection(s.t.Context(),
		&apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte(text)})
	return err
}

func read(t *testing.T, conn *websocket.Conn) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, data, err := conn.Read(ctx)
	return string(data), err
}

// wantDropped wants the socket to end without a close frame.
func wantDropped(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	text, err := read(t, conn)
	var frame websocket.CloseError
	if err == nil || errors.As(err, &frame) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("received %q, %v; want a lost connection", text, err)
	}
}

func TestPostsThatAreRefused(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	_, other := s.connect()
	for kind, want := range map[string]string{"gateway.limit": "LimitExceededException",
		"gateway.gone": "GoneException"} {
		s.set(fmt.Sprintf(`{"kind":%q,"target":%q}`, kind, id))
		if err := s.post(id, "refused"); code(err) != want {
			t.Errorf("%s: %v", kind, err)
		}
		if err := s.post(other, "fine"); err != nil {
			t.Errorf("%s: another connection: %v", kind, err)
		}
		s.cleared(1)
		if err := s.post(id, kind); err != nil {
			t.Errorf("after DELETE: %v", err)
		}
		if text, err := read(t, conn); text != kind {
			t.Errorf("received %q, %v", text, err)
		}
	}
}

func TestPostsThatAreDelayed(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	s.set(`{"kind":"gateway.delay","delay":"15m"}`)
	ctx, giveUp := context.WithCancel(t.Context())
	first := *s
	done := make(chan error)
	go func() {
		_, err := apigatewaymanagementapi.NewFromConfig(first.config()).PostToConnection(ctx,
			&apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("late")})
		done <- err
	}()
	eventually(t, "it is struck", func() bool { return s.struck() == 1 })
	s.cleared(1)
	if err := s.post(id, "soon"); err != nil {
		t.Errorf("after DELETE: %v", err)
	}
	if text, err := read(t, conn); text != "soon" {
		t.Errorf("received %q, %v, before what is delayed", text, err)
	}
	select {
	case err := <-done:
		t.Errorf("the delayed post is answered: %v", err)
	default:
	}
	giveUp()
	<-done
}

func TestPostsThatAreDelayedArrive(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	s.set(`{"kind":"gateway.delay","delay":"1ms"}`)
	if err := s.post(id, "late"); err != nil {
		t.Error(err)
	}
	if text, err := read(t, conn); text != "late" {
		t.Errorf("received %q, %v", text, err)
	}
	s.cleared(1)
}

func TestPostsThatDropTheSocket(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	s.set(`{"kind":"gateway.drop"}`)
	if err := s.post(id, "lost"); err != nil {
		t.Errorf("the post: %v", err)
	}
	wantDropped(t, conn)
	s.cleared(1)
	eventually(t, "the connection is gone", func() bool { return code(s.post(id, "later")) == "GoneException" })
	conn, id = s.connect()
	if err := s.post(id, "fine"); err != nil {
		t.Error(err)
	}
	if text, err := read(t, conn); text != "fine" {
		t.Errorf("received %q, %v", text, err)
	}
}

func TestDropNow(t *testing.T) {
	s := start(t)
	conns := make(map[string]*websocket.Conn)
	var ids []string
	for range 4 {
		conn, id := s.connect()
		conns[id] = conn
		ids = append(ids, id)
	}
	if n := s.act(fmt.Sprintf(`{"kind":"gateway.drop-now","target":%q}`, ids[0])); n != 1 {
		t.Errorf("dropped %d, want 1", n)
	}
	wantDropped(t, conns[ids[0]])
	eventually(t, "three are left", func() bool { return s.gateway.Connections() == 3 })
	if n := s.act(`{"kind":"gateway.drop-now","target":"random"}`); n != 1 {
		t.Errorf("dropped %d by chance, want 1", n)
	}
	eventually(t, "two are left", func() bool { return s.gateway.Connections() == 2 })
	left := s.gateway.ConnectionIDs()
	if n := s.act(`{"kind":"gateway.drop-now"}`); n != 2 {
		t.Errorf("dropped %d of the rest, want 2", n)
	}
	for _, id := range left {
		wantDropped(t, conns[id])
	}
	eventually(t, "none is left", func() bool { return s.gateway.Connections() == 0 })
	for _, target := range []string{"*", "random", ids[0]} {
		if n := s.act(fmt.Sprintf(`{"kind":"gateway.drop-now","target":%q}`, target)); n != 0 {
			t.Errorf("dropped %d of none", n)
		}
	}
}
