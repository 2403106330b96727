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

// wantTrace compares all fields except the times, which must be plausible.
func wantTrace(t *testing.T, got, want trace.Event) {
	t.Helper()
	if got.At.IsZero() || got.Duration < 0 || got.Duration > patience {
		t.Errorf("%s: got time %v and duration %v, want a time and up to %v", got.Kind, got.At, got.Duration, patience)
	}
	got.At, got.Duration = time.Time{}, 0
	if got != want {
		t.Errorf("got event\n%+v\nwant\n%+v", got, want)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	r := new(tracetest.Recorder)
	functions := authorized(allows("*", ""))
	functions["$default"] = echoes
	s := start(t, functions, func(o *Options) {
		withAuthorizer()(o)
		twoWay("$default")(o)
		o.Trace = r
	})
	c := s.dial()
	here := trace.Event{API: "api1", Stage: "prod", ConnectionID: c.id}

	authorize, connect := nextEvent(t, r, trace.Authorize), nextEvent(t, r, trace.Connect)
	want := here
	want.Kind, want.Route, want.Function, want.Invocation = trace.Connect, "$connect", "$connect", "invocation-2"
	want.Status, want.RequestID = 101, connect.RequestID
	wantTrace(t, connect, want)
	want.Kind, want.Function, want.Invocation = trace.Authorize, "authorizer", "invocation-1"
	want.Status, want.Bytes = 200, authorize.Bytes
	wantTrace(t, authorize, want)
	if connect.RequestID == "" || authorize.Bytes == 0 {
		t.Errorf("got %+v and %+v, want a request id and a size", connect, authorize)
	}
	if connect.At.After(authorize.At) {
		t.Errorf("got handshake at %v and authorizer at %v, want the handshake first", connect.At, authorize.At)
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
	want.Kind, want.Operation, want.Status, want.Bytes = trace.Post, "PostToConnection", 200, 2
	want.RequestID = post.RequestID
	wantTrace(t, post, want)
	want.Kind, want.Status = trace.Sent, 0
	wantTrace(t, nextEvent(t, r, trace.Sent), want)
	if post.RequestID == "" {
		t.Error("got no request id, want one")
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
			t.Errorf("%s: got %+v and %+v, want %d %s in both", test.action, message, sent,
				test.status, test.code)
		}
	}

	s = start(t, map[string]function{"$connect": returns(`{"statusCode":401}`)}, func(o *Options) { o.Trace = r })
	s.refused("/prod")
	if got := nextEvent(t, r, trace.Connect); got.Status != 101 { // of the first stack
		t.Errorf("got %+v, want status 101", got)
	}
	if got := nextEvent(t, r, trace.Connect); got.Status != 401 || got.Invocation == "" {
		t.Errorf("got %+v, want status 401 and an invocation", got)
	}
}

// The event of a post names the function that made it.
func TestTraceNamesThePostingFunction(t *testing.T) {
	t.Parallel()
	r := new(tracetest.Recorder)
	s := start(t, basicFunctions, func(o *Options) { o.Trace = r })
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
			t.Errorf("got %+v, want function chat and invocation abc", got)
		}
	}
}

// The log has one line for each frame, with ids; failures are warnings.
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
	if err := s.gateway.Shutdown(t.Context()); err != nil { // afterwards nothing is logged
		t.Fatal(err)
	}
	good, _ := s.event("good")
	bad, _ := s.event("bad")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 6 { // opened, message, sent, failed, sent, closed
		t.Errorf("got %d log lines, want 6:\n%s", len(lines), log.String())
	}
	for _, want := range []string{
		fmt.Sprintf(`level=DEBUG msg=message api=api1 stage=prod route=good connection=%q request=%q `+
			`function=good invocation=invocation-2 status=200 bytes=17`, c.id, good.RequestContext.RequestID),
		fmt.Sprintf(`level=WARN msg="integration failed" api=api1 stage=prod route=bad connection=%q request=%q `+
			`function=bad invocation=invocation-3 status=500 bytes=16`, c.id, bad.RequestContext.RequestID),
		`level=DEBUG msg="connection opened"`, `level=DEBUG msg="connection closed"`,
	} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("got log\n%s\nwant one line with %s", log.String(), want)
		}
	}
}

// The failure of an authorizer is logged once. The event of the handshake does
// not name $connect, which did not run.
func TestAuthorizerFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := new(tracetest.Recorder)
	s := start(t, map[string]function{"authorizer": fails("x"), "$connect": returns(ok)}, func(o *Options) {
		withAuthorizer()(o)
		o.Trace = r
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	s.refused("/prod")
	if got := nextEvent(t, r, trace.Authorize); got.Status != 500 || got.Error != "AuthorizerFailureException" ||
		got.Function != "authorizer" || got.Invocation == "" {
		t.Errorf("got %+v, want 500 AuthorizerFailureException of authorizer", got)
	}
	if got := nextEvent(t, r, trace.Connect); got.Status != 500 || got.Function != "" || got.Invocation != "" {
		t.Errorf("got %+v, want status 500 without a function", got)
	}
	if err := s.gateway.Shutdown(t.Context()); err != nil { // afterwards nothing is logged
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "level=WARN msg=authorizer ") != 1 || strings.Count(text, "\n") != 1 {
		t.Errorf("got log %s, want one warning of the authorizer", text)
	}
}
