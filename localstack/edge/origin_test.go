package edge_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/edge"
)

// Vulnerability: the stack opened a WebSocket for any web page, since API
// Gateway does not check Origin and a WebSocket needs no permission of the
// server first. Attack: a page of mallory's that a developer opens connects to
// ws://127.0.0.1:4566/local, joins rooms and reads them. This verifies that
// only programs, pages of this machine and allowed pages get a WebSocket.
func TestAttackWebPageOpensWebSocket(t *testing.T) {
	const evil = "https://evil.example"
	s := allServices()
	s.Domains = []string{"ws.example.com"}
	e, server := start(t, s)
	if err := e.AllowOrigins("https://app.example", "chrome-extension://abc"); err != nil {
		t.Fatal(err)
	}
	own := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct {
		name, host, origin string
		status             int
	}{
		{"a program", "", "", 200},
		{"the stack's own page", "", "http://" + own, 200},
		{"the own page by name", "localhost:4566", "http://localhost:4566", 200},
		{"a dev server of this machine", "", "http://localhost:5173", 200},
		{"a dev server on IPv6", "", "http://[::1]:5173", 200},
		{"a name below localhost", "", "https://app.localhost", 200},
		{"a page of an allowed origin", "", "https://app.example", 200},
		{"an allowed origin in capitals", "", "HTTPS://APP.example", 200},
		{"an allowed extension", "", "chrome-extension://abc", 200},
		{"a page of the custom domain", "ws.example.com", "https://ws.example.com", 200},
		{"a page of the custom domain with its port", "ws.example.com:443", "https://ws.example.com", 200},
		{"a page of the API's host", "a1b2c3.execute-api.us-east-1.amazonaws.com",
			"https://a1b2c3.execute-api.us-east-1.amazonaws.com", 200},

		{"a web page", "", evil, 403},
		{"a web page, with a port", "", evil + ":4566", 403},
		{"a web page, in the name of localhost", "localhost:4566", evil, 403},
		{"a web page, to the custom domain", "ws.example.com", evil, 403},
		{"a web page, to AWS's name", "a1b2c3.execute-api.us-east-1.amazonaws.com", evil, 403},
		{"a web page, to the domain of another page", "ws.example.com", "https://ws.example.com.evil.example", 403},
		{"a web page with a rebound name", "evil.example:4566", "http://evil.example:4566", 403},
		{"a page at another address", "", "http://192.0.2.7", 403},
		{"a name that begins like localhost", "", "http://localhost.evil.example", 403},
		{"a name that ends like localhost", "", "http://evillocalhost", 403},
		{"an address that begins like loopback", "", "http://127.0.0.1.evil.example", 403},
		{"localhost as a user", "", "http://localhost@evil.example", 403},
		{"a sandboxed page", "", "null", 403},
		{"an empty origin", "", " ", 403},
		{"another extension", "", "chrome-extension://abd", 403},
		{"an allowed host over HTTP", "", "http://app.example", 403},
		{"an allowed host with a port", "", "https://app.example:8443", 403},
		{"below an allowed host", "", "https://evil.app.example", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := upgrade()
			if c.origin != "" {
				header.Set("Origin", strings.TrimSpace(c.origin))
			}
			response, body := do(t, server, request{"GET", "/local", c.host, header})
			if response.StatusCode != c.status {
				t.Errorf("got %d %s, want %d", response.StatusCode, body, c.status)
			}
		})
	}
	t.Run("two origins", func(t *testing.T) {
		header := upgrade()
		header["Origin"] = []string{"http://localhost", evil}
		if response, body := do(t, server, request{"GET", "/local", "", header}); response.StatusCode != 403 {
			t.Errorf("got %d %s, want 403", response.StatusCode, body)
		}
	})
}

func TestAllowOrigins(t *testing.T) {
	e, server := start(t, allServices())
	if err := e.AllowOrigins("null", edge.AnyOrigin); err != nil {
		t.Fatal(err)
	}
	for _, origin := range []string{"null", "https://anything.example"} {
		header := upgrade()
		header.Set("Origin", origin)
		if response, body := do(t, server, request{"GET", "/local", "", header}); response.StatusCode != 200 {
			t.Errorf("%s: got %d %s, want 200", origin, response.StatusCode, body)
		}
	}
	for _, origin := range []string{"", "app.example", "https://", "https://app.example/", "https://app.example/x",
		"https://a@app.example", "https://*.example/", "//app.example", "%"} {
		if err := e.AllowOrigins(origin); err == nil {
			t.Errorf("%q: got no error, want one", origin)
		}
	}
}

// A browser does not show a page why its WebSocket failed, so the log does.
func TestRefusedOriginIsLoggedWithTheFlag(t *testing.T) {
	e, server := start(t, allServices())
	var log bytes.Buffer
	e.Log(slog.New(slog.NewTextHandler(&log, nil)), false)
	for range 2 {
		_, response, err := websocket.Dial(t.Context(), server.URL+"/local", &websocket.DialOptions{
			HTTPHeader: headers("Origin", "https://app.example"),
		})
		if err == nil || response.StatusCode != 403 {
			t.Fatalf("got error %v, want 403", err)
		}
	}
	for _, want := range []string{"level=WARN", "https://app.example", "-allow-origin"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("got the log %s, want %q once", &log, want)
		}
	}
}
