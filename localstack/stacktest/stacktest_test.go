package stacktest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/stack"
	"github.com/sotto-chat/sotto/localstack/stacktest"
)

const notes = "testdata/notes/template.yaml"

// open returns a function that adds a note over a new WebSocket and returns the
// answer.
func open(t *testing.T, s *stacktest.Stack) (conn *websocket.Conn, add func(text string) string) {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.WebSocketURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, func(text string) string {
		t.Helper()
		message := fmt.Sprintf(`{"action":"add","text":%q}`, text)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		_, answer, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, notes)
	_, add := open(t, s)
	if got := add("buy milk"); got != "1" {
		t.Errorf("%s notes, want 1", got)
	}
}

func TestResetBetweenTests(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, notes)
	client := dynamodb.NewFromConfig(s.AWS())
	stays := t // closes the WebSockets only at the end
	var last *websocket.Conn
	for _, text := range []string{"first", "second"} {
		t.Run(text, func(t *testing.T) {
			s.Reset(t)
			if last != nil {
				if _, _, err := last.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
					t.Errorf("the WebSocket of the test before ended with %v, want 1001", err)
				}
			}
			conn, add := open(stays, s)
			for i, want := range []string{"1", "2"} {
				if got := add(fmt.Sprint(text, i)); got != want {
					t.Errorf("note %d: %s notes, want %s", i, got, want)
				}
			}
			items, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("notes")})
			if err != nil || len(items.Items) != 2 {
				t.Errorf("the table has %v, %v, want two notes", items, err)
			}
			if !strings.Contains(s.Logs(), "storing "+text+"0") {
				t.Errorf("the log lacks the function's line:\n%s", s.Logs())
			}
			last = conn
		})
	}
}

// Stacks in one process share neither port, data nor log.
func TestStacksSideBySide(t *testing.T) {
	t.Parallel()
	one := stacktest.Start(t, notes)
	other := stacktest.Start(t, notes, func(o *stack.Options) { o.Account = "111122223333" })
	_, addToOne := open(t, one)
	_, addToOther := open(t, other)
	addToOne("a")
	if got := addToOther("b"); got != "1" {
		t.Errorf("the second stack has %s notes, want 1", got)
	}
	if strings.Contains(other.Logs(), "storing a") {
		t.Error("the second stack's log has a line of the first")
	}
}

// failing is a test that records its failure and log instead of failing.
type failing struct {
	testing.TB
	failed   bool
	log      strings.Builder
	cleanups []func()
}

func (f *failing) Failed() bool               { return f.failed }
func (f *failing) Cleanup(c func())           { f.cleanups = append(f.cleanups, c) }
func (f *failing) Logf(s string, args ...any) { fmt.Fprintf(&f.log, s, args...) }

// A test that fails after Reset gets the lines since then.
func TestLogOfAFailedTest(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, notes)
	_, add := open(t, s)
	add("before")
	f := &failing{TB: t}
	s.Reset(f)
	_, add = open(t, s)
	add("after")
	f.failed = true
	for _, c := range f.cleanups {
		c()
	}
	if log := f.log.String(); !strings.Contains(log, "storing after") || strings.Contains(log, "storing before") {
		t.Errorf("the failed test got:\n%s\nwant the line of the second note only", log)
	}
}

// Reset waits for functions and for streams, and their mappings go on after it.
func TestResetOfStreams(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, "../testdata/board/template.yaml")
	read := func(conn *websocket.Conn) string {
		t.Helper()
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, text := range []string{"one", "two"} {
		s.Reset(t)
		conn, _, err := websocket.Dial(t.Context(), s.WebSocketURL()+"?token=open&name=ada", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		err = conn.Write(t.Context(), websocket.MessageText, []byte(`{"action":"pin","text":"`+text+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(conn); got != text {
			t.Errorf("received %q, want %q", got, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Deploy(ctx); err == nil {
		t.Error("Deploy ignores its context")
	}
}
