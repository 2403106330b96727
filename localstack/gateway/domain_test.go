package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// customDomains maps ws.example.com and chat.example.com/v1 to the stage.
func customDomains(o *Options) {
	o.APIs[0].Domains = []Domain{{Name: "ws.example.com"}, {Name: "chat.example.com", BasePath: "v1"}}
}

func TestA1_10_CustomDomains(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok), "$default": returns(ok)}, customDomains)
	const standard = "api1.execute-api.us-east-1.amazonaws.com"
	for _, test := range []struct{ host, path, domain string }{
		{"ws.example.com", "/", "ws.example.com"},
		{"WS.example.com:443", "/?a=b", "ws.example.com"},
		{"ws.example.com.", "", "ws.example.com"},
		{"chat.example.com", "/v1", "chat.example.com"},
		{"chat.example.com", "/v1/", "chat.example.com"},
		{standard, "/prod", standard},
		{"localhost:3000", "/prod", standard},
		{"ws.example.com", "/prod", ""},
		{"chat.example.com", "/", ""},
		{"chat.example.com", "/v2", ""},
		{standard, "/", ""},
	} {
		c, response, err := s.tryDial(test.path, &websocket.DialOptions{Host: test.host})
		if test.domain == "" {
			if err == nil || response.StatusCode != 403 {
				t.Errorf("%s%s: got %v, want 403", test.host, test.path, response)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s%s: got error %v, want a connection", test.host, test.path, err)
			continue
		}
		connect, _ := s.event("$connect")
		c.send("x")
		message, _ := s.event("$default")
		if connect.RequestContext.DomainName != test.domain || connect.Headers["Host"] != test.domain ||
			connect.RequestContext.Stage != "prod" ||
			message.RequestContext.DomainName != test.domain {
			t.Errorf("%s%s: got request context %+v, want domain %s and stage prod",
				test.host, test.path, connect.RequestContext, test.domain)
		}
	}
}

// With a custom domain, the path of a post has no stage.
func TestA1_10_PostingByCustomDomain(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, customDomains)
	c := s.dial()
	id := url.PathEscape(c.id)
	for target, want := range map[string]int{
		"ws.example.com/@connections/":                                 200,
		"chat.example.com/v1/@connections/":                            200,
		"api1.execute-api.us-east-1.amazonaws.com/prod/@connections/":  200,
		"ws.example.com/prod/@connections/":                            403,
		"chat.example.com/@connections/":                               403,
		"other.execute-api.us-east-1.amazonaws.com/prod/@connections/": 403,
	} {
		host, path, _ := strings.Cut(target, "/")
		r, err := http.NewRequest(http.MethodPost, s.posts.URL+"/"+path+id, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Authorization", signature)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: got %s, want %d", target, response.Status, want)
		}
	}
}

func TestExecuteAPIEndpointDisabled(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, func(o *Options) {
		customDomains(o)
		o.APIs[0].DisableExecuteAPIEndpoint = true
	})
	_, response, err := s.tryDial("/prod", &websocket.DialOptions{Host: "api1.execute-api.us-east-1.amazonaws.com"})
	if err == nil || response.StatusCode != 403 {
		t.Errorf("execute-api name: got %v, want 403", response)
	}
	s.dial()
	if _, _, err := s.tryDial("/", &websocket.DialOptions{Host: "ws.example.com"}); err != nil {
		t.Error(err)
	}
	if e, _ := s.event("$connect"); e.RequestContext.DomainName != "ws.example.com" {
		t.Errorf("got domainName %s, want ws.example.com", e.RequestContext.DomainName)
	}
}

func TestC13_Resolve(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) {
		customDomains(o)
		second, third := o.APIs[0], o.APIs[0]
		second.ID, second.Domains = "api2", nil
		third.Stage, third.Domains = "dev", nil
		o.APIs = append(o.APIs, second, third)
	})
	if _, _, err := s.tryDial("/prod",
		&websocket.DialOptions{Host: "api2.execute-api.us-east-1.amazonaws.com"}); err != nil {
		t.Fatal(err)
	}
	e, _ := s.event("$connect")
	open := e.RequestContext.ConnectionID
	for _, test := range []struct{ host, path, id, want string }{
		{"api1.execute-api.us-east-1.amazonaws.com", "/prod", unknownID, "api1/prod"},
		{"api2.execute-api.us-east-1.amazonaws.com", "/prod", unknownID, "api2/prod"},
		{"localhost", "/dev", unknownID, "api1/dev"},
		{"ws.example.com", "", unknownID, "api1/prod"},
		{"chat.example.com", "/v1", unknownID, "api1/prod"},
		{"localhost", "/prod", open, "api2/prod"}, // the connection decides
		{"localhost", "", open, "api2/prod"},
		{"api1.execute-api.us-east-1.amazonaws.com", "/prod", open,
			"api1/prod"}, // not of this API, so like an unknown id
		{"localhost", "/prod", unknownID, ""}, // two APIs have the stage
		{"localhost", "/test", unknownID, ""},
		{"localhost", "/prod/x", unknownID, ""},
	} {
		path := test.path + "/@connections/" + url.PathEscape(test.id)
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Host = test.host
		apiID, stage, id, ok := s.gateway.Resolve(r)
		if got := fmt.Sprint(apiID, "/", stage); ok != (test.want != "") || ok && (got != test.want || id != test.id) {
			t.Errorf("%s%s: got %s %s %t, want %q", test.host, path, got, id, ok, test.want)
		}
	}
	if _, _, _, ok := s.gateway.Resolve(httptest.NewRequest(http.MethodGet, "/prod", nil)); ok {
		t.Error("got /prod resolved as a call of @connections, want not")
	}
}
