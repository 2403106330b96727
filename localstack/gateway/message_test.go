package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/coder/websocket"
)

func TestA5_3_Routing(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{
		"$connect": returns(ok), "$disconnect": returns(ok), "$default": returns(ok), "join": returns(ok),
		"Join": returns(ok),
	}, nil)
	c := s.dial()
	for _, test := range []struct{ body, route string }{
		{`{"action":"join"}`, "join"},
		{`{"action":"Join"}`, "Join"}, // A5.2: case-sensitive
		{`{"action":"JOIN"}`, "$default"},
		{`{"action":"leave"}`, "$default"},
		{`{"action":" join"}`, "$default"},
		{`{}`, "$default"},
		{`not JSON`, "$default"},
		{``, "$default"},
		{`{"action":{"join":1}}`, "$default"},
	} {
		c.send(test.body)
		e, _ := s.event(test.route)
		if e.Body != test.body || e.RequestContext.RouteKey != test.route {
			t.Errorf("%q: got route %q with body %q, want route %q", test.body, e.RequestContext.RouteKey,
				e.Body, test.route)
		}
	}
}

func TestA5_4_RouteKeyAfterTheFallback(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok), "join": returns(ok)}, nil)
	c := s.dial()
	for _, body := range []string{`{"action":"leave"}`, `{"action":"$default"}`, `{}`, `no JSON`} {
		c.send(body)
		if e, _ := s.event("$default"); e.RequestContext.RouteKey != "$default" {
			t.Errorf("%s: got routeKey %q, want $default", body, e.RequestContext.RouteKey)
		}
	}
}

func TestA5_5_DollarKeys(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(ok), "$disconnect": returns(ok), "$default": returns(ok)}
	for _, key := range []string{"$connect", "$disconnect"} {
		for _, selects := range []bool{false, true} {
			s := start(t, functions, func(o *Options) { o.Inferred.RouteDollarKeys = selects })
			c := s.dial()
			c.send(`{"action":"` + key + `"}`)
			want := "$default"
			if selects {
				want = key
			}
			if e, _ := s.event(want); e.RequestContext.EventType != "MESSAGE" || e.RequestContext.RouteKey != want {
				t.Errorf("%s, selects %t: got request context %+v, want MESSAGE of %s", key, selects,
					e.RequestContext, want)
			}
		}
	}
}

func TestA5_6_SelectionDoesNotApplyToConnect(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{"$request.body.action", "other", `\$default`} {
		s := start(t, map[string]function{
			"$connect": returns(ok), "$disconnect": returns(ok), "other": returns(ok),
		}, func(o *Options) {
			o.APIs[0].RouteSelectionExpression = expression
		})
		c, _, err := s.tryDial("/prod?action=other", nil)
		if err != nil {
			t.Fatal(err)
		}
		if e, _ := s.event("$connect"); e.RequestContext.RouteKey != "$connect" {
			t.Errorf("%s: got request context %+v, want route $connect", expression, e.RequestContext)
		}
		c.Close(websocket.StatusNormalClosure, "")
		s.event("$disconnect")
		s.noEvent("other")
	}
}

func TestPayloadsAreNotLogged(t *testing.T) {
	t.Parallel()
	const secret = "what a user wrote"
	var log bytes.Buffer
	s := start(t, map[string]function{
		"raises":    fails("errorString"), // its error message has a text too
		"malformed": returns(`{"statusCode":200,"body":{"text":"` + secret + `"}}`),
	}, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c := s.dial()
	for _, key := range []string{"raises", "malformed"} {
		c.send(`{"action":"` + key + `","text":"` + secret + `"}`)
		c.receive()
	}
	c.CloseNow()
	if err := s.gateway.Shutdown(t.Context()); err != nil { // afterwards nothing is logged
		t.Fatal(err)
	}
	text := log.String()
	if strings.Count(text, "integration failed") != 2 || strings.Contains(text, secret) ||
		strings.Contains(text, "the text of a message") {
		t.Errorf("got log %s, want two failures without the texts", text)
	}
}

func TestA6_6_NoAnswerWithoutRouteResponse(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"last": echoes}
	for _, status := range []int{200, 301, 401, 500, 501} {
		functions[fmt.Sprint(status)] = returns(fmt.Sprintf(`{"statusCode":%d,"body":"not sent"}`, status))
	}
	s := start(t, functions, twoWay("last"))
	c, _, err := s.tryDial("/prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	for key := range functions {
		if key != "last" {
			c.send(fmt.Sprintf(`{"action":%q}`, key))
			s.event(key)
		}
	}
	if err := awaitIdle(s); err != nil {
		t.Fatal(err)
	}
	c.send(`{"action":"last"}`)
	c.wantReceive(`{"action":"last"}`)
}

// awaitIdle waits until no message of any connection is being handled.
func awaitIdle(s *stack) error {
	for _, c := range s.gateway.openSockets() {
		done := make(chan struct{})
		go func() {
			c.messages.Wait()
			close(done)
		}()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func TestInFlightIsBounded(t *testing.T) {
	t.Parallel()
	const bound, messages = 3, 20
	var running, most atomic.Int64
	release := make(chan struct{})
	s := start(t, map[string]function{"work": func(context.Context, []byte) ([]byte, string, error) {
		n := running.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-release
		running.Add(-1)
		return []byte(ok), "", nil
	}}, func(o *Options) { o.Limits.InFlight = bound })
	c := s.dial()
	for range messages {
		c.send(`{"action":"work"}`)
	}
	eventually(t, "as many functions run as the limit allows", func() bool { return running.Load() == bound })
	close(release)
	for range messages {
		s.event("work")
	}
	if most.Load() != bound {
		t.Errorf("got %d functions at once, want %d", most.Load(), bound)
	}
}

func TestFunctionAfterIntegrationTimeoutKeepsItsSlot(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{
		"slow": func(context.Context, []byte) ([]byte, string, error) {
			<-release
			return []byte(ok), "", nil
		},
		"fast": echoes,
	}, func(o *Options) {
		o.Limits.InFlight = 1
		route("slow", func(r *Route) { r.Timeout = minIntegrationTimeout })(o)
		twoWay("fast")(o)
	})
	c := s.dial()
	c.send(`{"action":"slow"}`)
	c.send(`{"action":"fast"}`)
	c.wantPrefix(`{"message": "Endpoint request timed out"`)
	s.noEvent("fast")
	close(release)
	c.wantReceive(`{"action":"fast"}`)
}

func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$default": echoes, "$disconnect": returns(ok)}
	s := start(t, functions, nil)
	c := s.dialRaw()
	c.write(frame(fin|opText, []byte("a\xffb")))
	c.wantClose(1007)
	s.wantDisconnect(1007, "")
	s.noEvent("$default")

	s = start(t, functions, func(o *Options) { o.Inferred.InvalidUTF8Accepted = true })
	c = s.dialRaw()
	c.write(frame(fin|opText, []byte("a\xffb")))
	if e, _ := s.event("$default"); e.Body != "a\uFFFDb" {
		t.Errorf("got body %q, want %q", e.Body, "a\uFFFDb")
	}
}

func TestFragmentsMaySplitCharacters(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": echoes}, twoWay("$default"))
	c := s.dialRaw()
	text := "è\U0001F600"
	for i := range len(text) {
		first := byte(opContinuation)
		if i == 0 {
			first = opText
		}
		c.write(frame(first, []byte{text[i]}))
	}
	c.write(frame(fin|opContinuation, nil))
	if _, got := c.readFrame(); string(got) != text {
		t.Errorf("got message %q, want %q", got, text)
	}
}

func FuzzProxyResponse(f *testing.F) {
	for _, result := range malformed {
		f.Add([]byte(result))
	}
	f.Add([]byte(`{"statusCode":200,"headers":{"a":1},"multiValueHeaders":{"a":["b"]},` +
		`"body":"x","isBase64Encoded":true}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		response, err := parseProxyResponse(payload, false)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("got error %v, want errMalformed", err)
			}
			return
		}
		if response.status < 200 || response.status > 599 || !utf8.ValidString(response.body) || !json.Valid(payload) {
			t.Errorf("got %q accepted as %+v, want errMalformed", payload, response)
		}
	})
}

// FuzzMessages sends arbitrary text over a real socket. Any text must be
// echoed.
func FuzzMessages(f *testing.F) {
	for _, text := range []string{
		``, `{`, a51Payload, `{"action":"$connect"}`, `{"action":["x",{}]}`, "\x00", strings.Repeat("[", 20000),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 32<<10 {
			t.Skip("not a text message of one frame")
		}
		s := start(t, map[string]function{"$default": echoes}, twoWay("$default"))
		c := s.dial()
		c.send(text)
		c.wantReceive(text)
		c.Close(websocket.StatusNormalClosure, "")
	})
}

func TestD5_4_ProxyIntegrationsAreSynchronous(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{
		"raises": fails("errorString"),
		"ask": func(_ context.Context, event []byte) ([]byte, string, error) {
			<-release
			return []byte(`{"statusCode":200,"body":"answer"}`), "", nil
		},
	}, twoWay("ask"))
	c := s.dial()
	c.send(`{"action":"raises"}`)
	c.wantPrefix(`{"message": "Internal server error"`)
	c.send(`{"action":"ask"}`)
	s.event("ask")
	close(release)
	c.wantReceive("answer") // the gateway has waited for the function
	s.event("raises")
	s.noEvent("raises") // unlike an asynchronous invocation, it is not retried
}
