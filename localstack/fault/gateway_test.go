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

// connect opens a WebSocket and returns it with the connection's id.
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

// wantDropped checks that the socket ends without a close frame.
func wantDropped(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	text, err := read(t, conn)
	_, closed := errors.AsType[websocket.CloseError](err)
	if err == nil || closed || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v, want a lost connection", text, err)
	}
}

func TestRefusedPosts(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	_, other := s.connect()
	for kind, want := range map[string]string{"gateway.limit": "LimitExceededException",
		"gateway.gone": "GoneException"} {
		s.set(fmt.Sprintf(`{"kind":%q,"target":%q}`, kind, id))
		if err := s.post(id, "refused"); code(err) != want {
			t.Errorf("%s: got %v, want %s", kind, err, want)
		}
		if err := s.post(other, "fine"); err != nil {
			t.Errorf("%s: a post to another connection: got %v, want success", kind, err)
		}
		s.cleared(1)
		if err := s.post(id, kind); err != nil {
			t.Errorf("%s: a post after DELETE: got %v, want success", kind, err)
		}
		if text, err := read(t, conn); text != kind {
			t.Errorf("the client got %q, %v, want %q", text, err, kind)
		}
	}
}

func TestDelayedPostDoesNotBlockOthers(t *testing.T) {
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
	eventually(t, "the fault strikes", func() bool { return s.struck() == 1 })
	s.cleared(1)
	if err := s.post(id, "soon"); err != nil {
		t.Errorf("a post after DELETE: got %v, want success", err)
	}
	if text, err := read(t, conn); text != "soon" {
		t.Errorf("the client got %q, %v, want \"soon\", before the delayed post", text, err)
	}
	select {
	case err := <-done:
		t.Errorf("the delayed post was answered (%v), want it to wait", err)
	default:
	}
	giveUp()
	<-done
}

func TestDelayedPostArrives(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	s.set(`{"kind":"gateway.delay","delay":"1ms"}`)
	if err := s.post(id, "late"); err != nil {
		t.Error(err)
	}
	if text, err := read(t, conn); text != "late" {
		t.Errorf("the client got %q, %v, want \"late\"", text, err)
	}
	s.cleared(1)
}

func TestPostDropsTheSocket(t *testing.T) {
	s := start(t)
	conn, id := s.connect()
	s.set(`{"kind":"gateway.drop"}`)
	if err := s.post(id, "lost"); err != nil {
		t.Errorf("the post: got %v, want success", err)
	}
	wantDropped(t, conn)
	s.cleared(1)
	eventually(t, "the connection is gone", func() bool { return code(s.post(id, "later")) == "GoneException" })
	conn, id = s.connect()
	if err := s.post(id, "fine"); err != nil {
		t.Error(err)
	}
	if text, err := read(t, conn); text != "fine" {
		t.Errorf("the client got %q, %v, want \"fine\"", text, err)
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
		t.Errorf("got %d dropped, want 1", n)
	}
	wantDropped(t, conns[ids[0]])
	eventually(t, "three are left", func() bool { return s.gateway.Connections() == 3 })
	if n := s.act(`{"kind":"gateway.drop-now","target":"random"}`); n != 1 {
		t.Errorf("random: got %d dropped, want 1", n)
	}
	eventually(t, "two are left", func() bool { return s.gateway.Connections() == 2 })
	left := s.gateway.ConnectionIDs()
	if n := s.act(`{"kind":"gateway.drop-now"}`); n != 2 {
		t.Errorf("the rest: got %d dropped, want 2", n)
	}
	for _, id := range left {
		wantDropped(t, conns[id])
	}
	eventually(t, "none is left", func() bool { return s.gateway.Connections() == 0 })
	for _, target := range []string{"*", "random", ids[0]} {
		if n := s.act(fmt.Sprintf(`{"kind":"gateway.drop-now","target":%q}`, target)); n != 0 {
			t.Errorf("%s without connections: got %d dropped, want 0", target, n)
		}
	}
}
