package gateway

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// updated returns the APIs of the stack with a change.
func (s *stack) updated(change func(*API)) []API {
	api := s.gateway.opts.APIs[0]
	routes := make(map[string]Route, len(api.Routes))
	for key, r := range api.Routes {
		routes[key] = r
	}
	api.Routes = routes
	change(&api)
	return []API{api}
}

func TestUpdateKeepsSockets(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{
		"$connect": returns(ok), "$disconnect": returns(ok), "old": echoes, "new": echoes,
	}, func(o *Options) {
		delete(o.APIs[0].Routes, "new")
		twoWay("old")(o)
	})
	c := s.dial()
	c.send(`{"action":"new"}`)
	c.wantPrefix(`{"message": "Forbidden"`)
	if err := s.gateway.Update(s.updated(func(a *API) {
		delete(a.Routes, "old")
		a.Routes["new"] = Route{Function: "new", Permitted: true, RouteResponse: true}
		a.StageVariables = map[string]string{"version": "2"}
	})); err != nil {
		t.Fatal(err)
	}
	c.send(`{"action":"new"}`)
	c.wantReceive(`{"action":"new"}`)
	if e, _ := s.event("new"); e.StageVariables["version"] != "2" {
		t.Errorf("got stage variables %v, want version 2", e.StageVariables)
	}
	c.send(`{"action":"old"}`)
	c.wantPrefix(`{"message": "Forbidden"`)
	s.mustPost(c.id, "hello")
	c.wantReceive("hello")
}

func TestUpdateClosesConnectionsOfRemovedStages(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) {
		second := o.APIs[0]
		second.Stage = "dev"
		o.APIs = append(o.APIs, second)
	})
	stays := s.dial()
	dev, _, err := s.tryDial("/dev", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.event("$connect")
	if err := s.gateway.Update(s.gateway.opts.APIs[:1]); err != nil {
		t.Fatal(err)
	}
	dev.wantClosed(1001, "Going away")
	s.wantDisconnect(1001, "Going away")
	s.wantStatus("/dev", 403)
	s.mustPost(stays.id, "hello")
	stays.wantReceive("hello")
	if err := s.gateway.Update(nil); err != nil { // an app may remove its last API
		t.Fatal(err)
	}
	stays.wantClosed(1001, "Going away")
}

func TestUpdateDuringConnect(t *testing.T) {
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
	if err := s.gateway.Update(s.updated(func(a *API) { a.Stage = "other" })); err != nil {
		t.Error(err)
	}
	close(release)
	if c := <-dialed; c != nil {
		c.wantClosed(1001, "Going away")
	}
	s.wantDisconnect(1001, "Going away")
}

func TestRefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	s.dial()
	for name, change := range map[string]func(*API){
		"expression": func(a *API) { a.RouteSelectionExpression = "${" },
		"stage":      func(a *API) { a.Stage = "" },
		"route":      func(a *API) { a.Routes["x"] = Route{} },
	} {
		if err := s.gateway.Update(s.updated(change)); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	s.wantConnections(1)
	s.dial()
}

// TestUpdateUnderLoad updates while clients connect, send and close. No
// connection is dropped, because the stage stays.
func TestUpdateUnderLoad(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": echoes}, twoWay("$default"))
	sent, updates := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(updates)
		for range sent {
			if err := s.gateway.Update(s.updated(func(*API) {})); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 20 {
		c := s.dial()
		for range 10 {
			sent <- struct{}{}
			c.send("x")
			c.wantReceive("x")
		}
		c.Close(websocket.StatusNormalClosure, "")
	}
	close(sent)
	<-updates
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(allows("*", "")), func(o *Options) {
		withAuthorizer()(o)
		twoWay("$default")(o)
		route("$default", func(r *Route) { r.Function = "arn:aws:lambda:us-east-1:000000000000:function:chat:live" })(o)
		o.Invoker = renamed{o.Invoker}
	})
	if n := len(s.gateway.Snapshot().Connections); n != 0 {
		t.Errorf("got %d connections, want 0", n)
	}
	first := s.dial()
	s.clock.Advance(time.Second)
	second := s.dial()
	s.clock.Advance(time.Second)
	second.send("x")
	second.receive()
	eventually(t, "the answer is counted", func() bool { return s.gateway.Snapshot().Connections[1].MessagesOut == 1 })
	got := s.gateway.Snapshot()
	began := time.Date(2024, 11, 11, 11, 35, 24, 561e6, time.UTC)
	for i, want := range []ConnectionInfo{
		{
			ID:          first.id,
			API:         "api1",
			Stage:       "prod",
			ConnectedAt: began,
			LastActive:  began,
			SourceIP:    "127.0.0.1",
			UserAgent:   "Go-http-client/1.1",
		},
		{
			ID:          second.id,
			API:         "api1",
			Stage:       "prod",
			ConnectedAt: began.Add(time.Second),
			LastActive:  began.Add(2 * time.Second),
			SourceIP:    "127.0.0.1",
			UserAgent:   "Go-http-client/1.1",
			MessagesIn:  1,
			MessagesOut: 1,
		},
	} {
		c := got.Connections[i]
		if !c.LastActive.Equal(want.LastActive) {
			t.Errorf("connection %d: got last active at %v, want %v", i, c.LastActive, want.LastActive)
		}
		if c.LastActive = want.LastActive; c != want {
			t.Errorf("connection %d: got %+v, want %+v", i, c, want)
		}
	}
	want := []RouteInfo{
		{API: "api1", Stage: "prod", Key: "$connect", Function: "$connect", Authorizer: "authorizer"},
		{API: "api1", Stage: "prod", Key: "$default", Function: "chat", TwoWay: true},
		{API: "api1", Stage: "prod", Key: "$disconnect", Function: "$disconnect"},
	}
	if len(got.Routes) != len(want) {
		t.Fatalf("got routes %+v, want %+v", got.Routes, want)
	}
	for i := range want {
		if got.Routes[i] != want[i] {
			t.Errorf("got route %+v, want %+v", got.Routes[i], want[i])
		}
	}
}

// renamed invokes the function "$default" for every ARN.
type renamed struct{ Invoker }

func (r renamed) Invoke(ctx context.Context, function string, payload []byte) (Result, error) {
	if strings.HasPrefix(function, "arn:") {
		function = "$default"
	}
	return r.Invoker.Invoke(ctx, function, payload)
}
