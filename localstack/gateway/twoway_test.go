package gateway

import (
	"context"
	"strings"
	"testing"
)

func TestA7_1_RouteResponse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 128<<10)
	for _, test := range []struct{ result, want string }{
		{`{"statusCode":200,"body":"hello"}`, "hello"},
		{`{"statusCode":500,"headers":{"a":"b"},"body":"{\"a\":1}"}`, `{"a":1}`},     // A7.3: neither status nor headers
		{`{"statusCode":200}`, ""},                                                   // A7.3: an empty message
		{`{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":""}`, ""}, // B8
		{`{"statusCode":200,"body":null}`, ""},
		{`{"statusCode":200,"body":"` + long + `"}`, long},
	} {
		s := start(t, map[string]function{"ask": returns(test.result)}, twoWay("ask"))
		c := s.dial()
		c.send(`{"action":"ask"}`)
		if got := c.receive(); got != test.want {
			t.Errorf("%.80s: received %.80q", test.result, got)
		}
	}
	s := start(t, map[string]function{"ask": returns(`{"statusCode":200,"body":"x` + long + `"}`)}, twoWay("ask"))
	c := s.dial()
	c.send(`{"action":"ask"}`)
	if got := c.receive(); !strings.Contains(got, "Internal server error") {
		t.Errorf("a body over 128 KB: received %.80q", got)
	}
}

func TestA7_4_ConnectResultIsNoMessage(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(`{"statusCode":200,"body":"welcome"}`), "echo": echoes}, twoWay("$connect", "echo"))
	c := s.dial()
	c.send(`{"action":"echo"}`)
	if got := c.receive(); got != `{"action":"echo"}` {
		t.Errorf("received %q", got)
	}
}

func TestA7_5_MessagesRunConcurrently(t *testing.T) {
	t.Parallel()
	// The first message's function ends only when the second's runs, and the second answers first.
	second, answered := make(chan struct{}), make(chan struct{})
	s := start(t, map[string]function{
		"first": func(context.Context, []byte) ([]byte, string, error) {
			<-second
			<-answered
			return []byte(`{"statusCode":200,"body":"first"}`), "", nil
		},
		"second": func(context.Context, []byte) ([]byte, string, error) {
			close(second)
			return []byte(`{"statusCode":200,"body":"second"}`), "", nil
		},
	}, twoWay("first", "second"))
	c := s.dial()
	c.send(`{"action":"first"}`)
	c.send(`{"action":"second"}`)
	if got := c.receive(); got != "second" {
		t.Errorf("received %q", got)
	}
	close(answered)
	if got := c.receive(); got != "first" {
		t.Errorf("received %q", got)
	}
}
