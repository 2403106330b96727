package gateway

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// wantFrame compares a frame with a text in which <C> stands for the
// connection's id and <R> for the request id.
func wantFrame(t *testing.T, got, want, connectionID, requestID string) {
	t.Helper()
	if want = strings.NewReplacer("<C>", connectionID, "<R>", requestID).Replace(want); got != want {
		t.Errorf("got frame\n%s\nwant\n%s", got, want)
	}
}

func TestA6_1_ForbiddenFrame(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok), "join": returns(ok), "added": returns(ok)},
		func(o *Options) {
			delete(o.APIs[0].Routes, "added") // like a route that is not deployed to the stage (F2.2)
		})
	c := s.dial()
	form := regexp.MustCompile(`^\{"message": "Forbidden", "connectionId":"` + regexp.QuoteMeta(c.id) +
		`", "requestId":"[A-Za-z0-9_-]{15}="\}$`)
	for _, action := range []string{"leave", "added"} {
		c.send(`{"action":"` + action + `"}`)
		if got := c.receive(); !form.MatchString(got) {
			t.Errorf("got frame %s, want one like %s", got, form)
		}
	}
	s.noEvent("added")
}

func TestA6_5_SocketStaysOpen(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	s := start(t, map[string]function{
		"$connect": returns(ok), "$disconnect": returns(ok), "good": echoes, "raises": fails("x"),
		"malformed": returns(`{}`), "throttled": echoes,
		"slow": func(ctx context.Context, _ []byte) ([]byte, string, error) {
			<-release
			return []byte(ok), "", nil
		},
	}, func(o *Options) {
		twoWay("good")(o)
		route("slow", func(r *Route) { r.Timeout = minIntegrationTimeout })(o)
		route("throttled", func(r *Route) { r.Throttle = &Throttle{} })(o)
	})
	c := s.dial()
	for _, action := range []string{"raises", "malformed", "throttled", "slow", "none"} {
		c.send(`{"action":"` + action + `"}`)
		c.wantPrefix(`{"message": "`)
		c.send(`{"action":"good"}`)
		if got := c.receive(); got != `{"action":"good"}` {
			t.Errorf("after %s: got %s, want the echo", action, got)
		}
	}
	s.noEvent("$disconnect")
}

func TestA6_2_InternalServerErrorFrame(t *testing.T) {
	t.Parallel()
	functions := map[string]function{
		"$connect": returns(ok),
		"raises":   fails("errorString"),
		"timesout": fails("Sandbox.Timedout"),
		"missing": func(context.Context, []byte) ([]byte, string, error) {
			return nil, "", errors.New("not permitted")
		},
	}
	for i, result := range malformed {
		functions[fmt.Sprint("malformed", i)] = returns(result)
	}
	s := start(t, functions, nil)
	c := s.dial()
	for key := range functions {
		if key == "$connect" {
			continue
		}
		c.send(fmt.Sprintf(`{"action":%q}`, key))
		got := c.receive()
		e, _ := s.event(key)
		// A6.9: the event's request id.
		wantFrame(t, got, `{"message": "Internal server error", "connectionId":"<C>", "requestId":"<R>"}`,
			c.id, e.RequestContext.RequestID)
	}
}

func TestA6_3_TimedOutFrame(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{"$connect": returns(ok),
		"slow": func(ctx context.Context, _ []byte) ([]byte, string, error) {
			<-release
			return nil, "", ctx.Err() // the invocation's context has not ended
		}}, route("slow", func(r *Route) { r.Timeout = minIntegrationTimeout }))
	c := s.dial()
	c.send(`{"action":"slow"}`)
	got := c.receive()
	e, _ := s.event("slow")
	wantFrame(t, got, `{"message": "Endpoint request timed out", "connectionId":"<C>", "requestId":"<R>"}`,
		c.id, e.RequestContext.RequestID)
	close(release)
}

func TestA6_7_NullResult(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(ok), "null": returns(`null`), "echo": echoes}
	s := start(t, functions, nil)
	c := s.dial()
	c.send(`{"action":"null"}`)
	c.wantPrefix(`{"message": "Internal server error"`)

	s = start(t, functions, func(o *Options) {
		o.Inferred.NullResultAccepted = true
		twoWay("echo")(o)
	})
	c = s.dial()
	c.send(`{"action":"null"}`)
	s.event("null")
	if err := awaitIdle(s); err != nil {
		t.Fatal(err)
	}
	c.send(`{"action":"echo"}`)
	c.wantReceive(`{"action":"echo"}`)
}

func TestA6_9_RequestIDOfTheFailingEvent(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{false, true} {
		s := start(t, map[string]function{"fails": fails("x")},
			func(o *Options) { o.Inferred.FreshErrorRequestID = fresh })
		c := s.dial()
		c.send(`{"action":"fails"}`)
		got := c.receive()
		if e, _ := s.event("fails"); strings.Contains(got, e.RequestContext.RequestID) == fresh {
			t.Errorf("fresh %t: got frame %s for event %s, want its request id only if not fresh",
				fresh, got, e.RequestContext.RequestID)
		}
	}
}
