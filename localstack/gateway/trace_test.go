package gateway

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/trace"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

// nextEvent waits for the next event of a kind and takes it out of the
// recorder.
func nextEvent(t *testing.T, r *tracetest.Recorder, kind trace.Kind) trace.Event {
	t.Helper()
	return r.Next(t, "kind "+string(kind), func(e trace.Event) bool { return e.Kind == kind })
}

// wantTrace compares what does not depend on the moment.
func wantTrace(t *testing.T, got, want trace.Event) {
	t.Helper()
	if got.At.IsZero() || got.Duration < 0 || got.Duration > patience {
		t.Errorf("%s at %v for %v", got.Kind, got.At, got.Duration)
	}
	got.At, got.Duration = time.Time{}, 0
	if got != want {
		t.Errorf("trace\n%+v, want\n%+v", got, want)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	r := new(tracetest.Recorder)
	functions := guarded(allows("*", ""))
	functions["$default"] = echoes
	s := start(t, functions, func(o *Options) {
		behind()(o)
		twoWay("$default")(o)
		o.Trace = r
	})
	c := s.dial()
	here := trace.Event{API: "api1", Stage: "prod", ConnectionID: c.id}

	authorize, connect := nextEvent(t, r, trace.Authorize), nextEvent(t, r, trace.Connect)
	want := here
	want.Kind, want.Route, want.Function, want.Invocation, want.Status, want.RequestID = trace.Connect, "$connect", "$connect", "invocation-2", 101, connect.RequestID
	wantTrace(t, connect, want)
	want.Kind, want.Function, want.Invocation, want.Status, want.Bytes = trace.Authorize, "authorizer", "invocation-1", 200, authorize.Bytes
	wantTrace(t, authorize, want)
	if connect.RequestID == "" || authorize.Bytes == 0 {
		t.Errorf("%+v, %+v", connect, authorize)
	}
	if connect.At.After(authorize.At) {
		t.Errorf("the handshake began at %v, its authorizer at %v", connect.At, authorize.At)
	}

	c.send("hello")
	c.receive()
	e, _ := s.event("$default")
	want = here
	want.Kind, want.Route, want.Function, want.Invocation, want.Status, want.RequestID, want.Bytes =
		trace.Message, "$default", "$default", "invocation-3", 200, e.RequestContext.RequestID, 5
	wantTrace(t, nextEvent(t, r, trace.Message), want)
	want.Kind, want.Status = trace.Sent, 0
	wantTrace(t, nextEvent(t, r, trace.Sent), want)

	s.mustPost(c.id, "hi")
	c.receive()
	post := nextEvent(t, r, trace.Post)
	want = here
	want.Kind, want.Operation, want.Status, want.Bytes, want.RequestID = trace.Post, "PostToConnection", 200, 2, post.RequestID
	wantTrace(t, post, want)
	want.Kind, want.Status = trace.Sent, 0
	wantTrace(t, nextEvent(t, r, trace.Sent), want)
	if post.RequestID == "" {
		t.Error("no request id")
	}

	c.Close(websocket.StatusCode(4000), "")
	disconnect, _ := s.event("$disconnect")
	want = here
	want.Kind, want.Route, want.Function, want.Invocation, want.Status, want.RequestID =
		trace.Disconnect, "$disconnect", "$disconnect", "invocation-4", 4000, disconnect.RequestContext.RequestID
	wantTrace(t, nextEvent(t, r, trace.Disconnect), want)

	s.request(http.MethodPost, "/prod/@connections/"+url.PathEscape(c.id), "x", true)
	want = here
	want.Kind, want.Operation, want.Status, want.Error = trace.Post, "PostToConnection", 410, "GoneException"
	post = nextEvent(t, r, trace.Post)
	want.RequestID = post.RequestID
	wantTrace(t, post, want)
}

func TestTraceOfFailures(t *testing.T) {
	t.Parallel()
	r := new(tracetest.Recorder)
	s := start(t, map[string]function{"$connect": returns(ok), "raises": fails("x"), "checked": echoes,
		"closed": echoes}, func(o *Options) {
		o.Trace = r
		o.APIs[0].Models = sendModels
		route("checked",
			func(r *Route) { r.ModelSelectionExpression, r.Models = "x", map[string]string{"x": "Name"} })(o)
		route("closed", func(r *Route) { r.Throttle = &Throttle{} })(o)
	})
	c := s.dial()
	for _, test := range []struct {
		action, code string
		status       int
	}{
		{"raises", "InternalServerErrorException", 500}, {"none", "ForbiddenException", 403},
		{"checked", "BadRequestException", 400},
		{"closed", "TooManyRequestsException", 429},
	} {
		c.send(`{"action":"` + test.action + `"}`)
		got := c.receive()
		message, sent := nextEvent(t, r, trace.Message), nextEvent(t, r, trace.Sent)
		if message.Status != test.status || message.Error != test.code || sent.Error != test.code ||
			sent.Bytes != len(got) ||
			sent.RequestID != message.RequestID || (message.Invocation != "") != (test.action == "raises") {
			t.Errorf("%s: %+v, %+v", test.action, message, sent)
		}
	}

	s = start(t, map[string]function{"$connect": returns(`{"statusCode":401}`)}, func(o *Options) { o.Trace = r })
	s.refused("/prod")
	if got := nextEvent(t, r, trace.Connect); got.Status != 101 { // the first stack's
		t.Errorf("%+v", got)
	}
	if got := nextEvent(t, r, trace.Connect); got.Status != 401 || got.Invocation == "" {
		t.Errorf("%+v", got)
	}
}

// A post says on whose behalf it was made.
func TestTraceNamesThePostingFunction(t *testing.T) {
	t.Parallel()
	r := new(tracetest.Recorder)
	s := start(t, closing, func(o *Options) { o.Trace = r })
	c := s.dial()
	posts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := trace.WithCaller(r.Context(), trace.Caller{Function: "chat", Invocation: "abc"})
		s.gateway.Management().ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(posts.Close)
	s.posts.Config.Handler = posts.Config.Handler
	s.mustPost(c.id, "hi")
	for _, kind := range []trace.Kind{trace.Post, trace.Sent} {
		if got := nextEvent(t, r, kind); got.Function != "chat" || got.Invocation != "abc" {
			t.Errorf("%+v", got)
		}
	}
}

// One line for each frame, with the ids that link it; failures are louder.
func TestLogLines(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := start(t, map[string]function{"$connect": returns(ok), "good": echoes, "bad": fails("x"),
		"$disconnect": returns(ok)}, func(o *Options) {
		twoWay("good")(o)
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c := s.dial()
	c.send(`{"action":"good"}`)
	c.receive()
	c.send(`{"action":"bad"}`)
	c.receive()
	c.Close(websocket.StatusNormalClosure, "")
	s.event("$disconnect")
	if err := s.gateway.Shutdown(t.Context()); err != nil { // nobody writes any more
		t.Fatal(err)
	}
	good, _ := s.event("good")
	bad, _ := s.event("bad")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 6 { // opened, message, sent, failed, sent, closed
		t.Errorf("%d lines: %s", len(lines), log.String())
	}
	for _, want := range []string{
		fmt.Sprintf(`level=DEBUG msg=message api=api1 stage=prod route=good connection=%q request=%q function=good invocation=invocation-2 status=200 bytes=17`,
			c.id, good.RequestContext.RequestID),
		fmt.Sprintf(`level=WARN msg="integration failed" api=api1 stage=prod route=bad connection=%q request=%q function=bad invocation=invocation-3 status=500 bytes=16`,
			c.id, bad.RequestContext.RequestID),
		`level=DEBUG msg="connection opened"`, `level=DEBUG msg="connection closed"`,
	} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("log lacks %s:\n%s", want, log.String())
		}
	}
}

// What an authorizer does wrong is said once, and $connect is not named, as it
// was not asked.
func TestAuthorizerFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := new(tracetest.Recorder)
	s := start(t, map[string]function{"authorizer": fails("x"), "$connect": returns(ok)}, func(o *Options) {
		behind()(o)
		o.Trace = r
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	s.refused("/prod")
	if got := nextEvent(t, r, trace.Authorize); got.Status != 500 || got.Error != "AuthorizerFailureException" ||
		got.Function != "authorizer" || got.Invocation == "" {
		t.Errorf("%+v", got)
	}
	if got := nextEvent(t, r, trace.Connect); got.Status != 500 || got.Function != "" || got.Invocation != "" {
		t.Errorf("%+v", got)
	}
	if err := s.gateway.Shutdown(t.Context()); err != nil { // nobody writes any more
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "level=WARN msg=authorizer ") != 1 || strings.Count(text, "\n") != 1 {
		t.Errorf("log %s", text)
	}
}
