package route_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/room/memory"
	"github.com/sotto-chat/sotto/shared/route"
	"github.com/sotto-chat/sotto/shared/strict"
)

const caller chat.Connection = "conn-1="

// fixture is a router over stores in memory, and its log.
type fixture struct {
	*route.Router
	hub *memory.Hub
	log *bytes.Buffer
}

// newFixture returns a router on which caller has connected.
func newFixture() fixture {
	f := fixture{hub: &memory.Hub{}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(f.log, nil))
	store := memory.New(time.Now)
	if err := store.OpenConnection(context.Background(), caller, time.Now()); err != nil {
		panic(err)
	}
	service := room.New(room.Options{Store: store, Poster: f.hub, Log: log})
	f.Router = &route.Router{Service: service, Poster: f.hub, Log: log}
	return f
}

// send sends a body from caller to a route, and returns the status and the
// error frames that came back.
func (f fixture) send(t *testing.T, r *route.Route, body string) (int, []frame.Error) {
	t.Helper()
	e := &events.APIGatewayWebsocketProxyRequest{Body: body}
	e.RequestContext.ConnectionID = string(caller)
	e.RequestContext.ConnectedAt = time.Now().UnixMilli()
	response, err := f.Handler(r)(t.Context(), e)
	if err != nil {
		t.Fatalf("%s: got error %v, want none", r.Key, err)
	}
	var got []frame.Error
	for _, data := range f.hub.Take(caller) {
		var e frame.Error
		if err := strict.Unmarshal(data, &e); err != nil {
			t.Fatalf("%s answered %s: %v", r.Key, data, err)
		}
		got = append(got, e)
	}
	return response.StatusCode, got
}

// expect wants one error frame and the status 200.
func (f fixture) expect(t *testing.T, r *route.Route, body string, want *chat.Error, ref string) {
	t.Helper()
	status, got := f.send(t, r, body)
	if status != http.StatusOK || len(got) != 1 || got[0] != frame.NewError(want, ref) {
		t.Errorf("%.60s: got status %d and %+v, want 200 and %v with ref %q", body, status, got, want, ref)
	}
}

// routeOf returns a route whose use case is the given one.
func routeOf(useCase func(context.Context) error) *route.Route {
	return &route.Route{
		Key: frame.ActionPing,
		UseCase: func(ctx context.Context, _ *room.Service, _ room.Call, _ *frame.Request) error {
			return useCase(ctx)
		},
	}
}

func TestDefaultRefuses(t *testing.T) {
	for body, want := range map[string]struct {
		err *chat.Error
		ref string
	}{
		`{"action":"dance"}`:                 {chat.UnknownAction, ""},
		`{"action":"dance","ref":"r"}`:       {chat.UnknownAction, "r"},
		`{"action":7}`:                       {chat.BadFrame, ""},
		`{}`:                                 {chat.BadFrame, ""},
		`hello`:                              {chat.BadFrame, ""},
		strings.Repeat("x", chat.MaxFrame+1): {chat.FrameTooLarge, ""},
	} {
		newFixture().expect(t, &route.Default, body, want.err, want.ref)
	}
}

// TestRefusedFrames wants the ref of a bad frame back and no call of the use
// case.
func TestRefusedFrames(t *testing.T) {
	never := routeOf(func(context.Context) error { t.Error("the use case was called"); return nil })
	for body, ref := range map[string]string{
		`{"action":"ping","ref":"r","heads":{"lobby":-1}}`: "r",
		`{"action":"pong","ref":"r"}`:                      "r",
		`hello`:                                            "",
	} {
		f := newFixture()
		f.expect(t, never, body, chat.BadFrame, ref)
		if f.hub.Closed(caller) {
			t.Errorf("%s: the connection was closed", body)
		}
	}
}

// TestErrorsOfAUseCase compares what a use case returns with what the client
// sees: an error of the closed list or a word that it may try again, and never
// the error's text, which the log alone has.
func TestErrorsOfAUseCase(t *testing.T) {
	detail := errors.New("a detail")
	for name, test := range map[string]struct {
		err    error
		want   *chat.Error
		logged bool
	}{
		"of the closed list": {errors.Join(detail, chat.NotAMember), chat.NotAMember, false},
		"the database":       {errors.Join(detail, room.ErrBusy), chat.TryAgain, true},
		"out of time":        {errors.Join(detail, context.DeadlineExceeded), chat.TryAgain, true},
		"any other":          {detail, chat.Internal, true},
		"a hostile client":   {chat.BadSignature, chat.BadSignature, false},
	} {
		f := newFixture()
		f.expect(t, routeOf(func(context.Context) error { return test.err }),
			`{"action":"ping","ref":"r"}`, test.want, "r")
		if got := strings.Contains(f.log.String(), "a detail"); got != test.logged {
			t.Errorf("%s: the log has the detail: %v, want %v: %s", name, got, test.logged, f.log)
		}
		if got := f.hub.Closed(caller); got != test.want.Closes() {
			t.Errorf("%s: the connection is closed: %v, want %v", name, got, test.want.Closes())
		}
	}
}

// TestPanicOfAUseCase wants an answer, the stack in the log, and not the
// panic's value, which may be a text.
func TestPanicOfAUseCase(t *testing.T) {
	f := newFixture()
	panicking := routeOf(func(context.Context) error { panic("a text") })
	f.expect(t, panicking, `{"action":"ping","ref":"r"}`, chat.Internal, "r")
	if log := f.log.String(); !strings.Contains(log, "TestPanicOfAUseCase") || strings.Contains(log, "a text") {
		t.Errorf("got the log %s, want the stack without the panic's value", log)
	}
	panicking.Key = route.Connect.Key
	if status, _ := f.send(t, panicking, ""); status != http.StatusInternalServerError {
		t.Errorf("$connect: got status %d, want 500, which refuses the connection", status)
	}
	panicking.Key = route.Disconnect.Key
	if status, _ := f.send(t, panicking, ""); status != http.StatusOK {
		t.Errorf("$disconnect: got status %d, want 200", status)
	}
}

func TestStaleServerKeyBringsTheKeySet(t *testing.T) {
	stale := routeOf(func(context.Context) error { return chat.StaleServerKey })
	for name, test := range map[string]struct {
		keySet func(context.Context) (string, error)
		want   string
	}{
		"with a key set": {func(context.Context) (string, error) { return "a key set", nil }, "a key set"},
		"failing":        {func(context.Context) (string, error) { return "", errors.New("no keys") }, ""},
		"without":        {nil, ""},
	} {
		f := newFixture()
		f.KeySet = test.keySet
		_, got := f.send(t, stale, `{"action":"ping","ref":"r"}`)
		if len(got) != 1 || got[0].Code != chat.StaleServerKey.Code() || got[0].KeySet != test.want {
			t.Errorf("%s: got %+v, want the key set %q", name, got, test.want)
		}
	}
}

func TestConnectAndDisconnect(t *testing.T) {
	f := newFixture()
	if status, got := f.send(t, &route.Connect, ""); status != http.StatusOK || len(got) != 0 {
		t.Errorf("$connect: got status %d and frames %v, want 200 alone", status, got)
	}
	f.expect(t, &route.Ping, `{"action":"ping","ref":"r"}`, chat.HandshakeRequired, "r")
	for range 2 {
		if status, got := f.send(t, &route.Disconnect, ""); status != http.StatusOK || len(got) != 0 {
			t.Errorf("$disconnect: got status %d and frames %v, want 200 alone", status, got)
		}
	}
}

// TestReserve ends a use case ReplyTime before the function.
func TestReserve(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	outer, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	inner, release := route.Reserve(outer)
	defer release()
	if got, ok := inner.Deadline(); !ok || !got.Equal(deadline.Add(-route.ReplyTime)) {
		t.Errorf("got the deadline %v, want %v before %v", got, route.ReplyTime, deadline)
	}
	inner, release = route.Reserve(t.Context())
	if _, ok := inner.Deadline(); ok || inner.Err() != nil {
		t.Error("got a deadline or an ended context without a deadline of the function")
	}
	release()
	if inner.Err() == nil {
		t.Error("the context lives on after its release")
	}
}
