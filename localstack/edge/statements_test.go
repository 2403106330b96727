package edge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// These tests show what the documentation of API Gateway says about the host
// names of a WebSocket API.

const apiHost = "a1b2c3.execute-api.us-east-1.amazonaws.com"

func TestA1_10_WebSocketByAWSNameIsTLSOnly(t *testing.T) {
	s := allServices()
	s.Gateway = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		if err := ws.Write(r.Context(), websocket.MessageText, []byte(r.Host+r.URL.Path)); err != nil {
			t.Error(err)
		}
	})
	p := startProxy(t, s, false)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	options := &websocket.DialOptions{HTTPClient: p.client(t)}
	ws, _, err := websocket.Dial(ctx, "wss://"+apiHost+"/prod", options)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if _, text, err := ws.Read(ctx); err != nil || string(text) != apiHost+"/prod" {
		t.Errorf("got %q, %v, want %q", text, err, apiHost+"/prod")
	}
	plain, response, err := websocket.Dial(ctx, "ws://"+apiHost+"/prod", options)
	if err == nil {
		plain.CloseNow()
		t.Fatal("got a WebSocket without TLS under AWS's name, want a refusal")
	}
	if response == nil || response.StatusCode != http.StatusForbidden ||
		!strings.Contains(p.log.String(), "by https only") {
		t.Errorf("got error %v and log %s, want 403 and a log line that says https", err, p.log)
	}
}

func TestC1_ManagementByAWSName(t *testing.T) {
	client := startProxy(t, allServices(), false).client(t)
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
		r, err := http.NewRequestWithContext(t.Context(), method,
			"https://"+apiHost+"/prod/@connections/eHrdFcnvvHcCE-w%3D", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = signedFor("execute-api")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		const want = "management /prod/@connections/eHrdFcnvvHcCE-w%3D"
		if body := read(t, response); body != want {
			t.Errorf("%s: got %s %s, want %s", method, response.Status, body, want)
		}
		r.Header.Del("Authorization")
		if response, err = client.Do(r); err != nil {
			t.Fatal(err)
		}
		if body := read(t, response); response.StatusCode != http.StatusForbidden ||
			!strings.Contains(body, "Missing Authentication Token") {
			t.Errorf("%s, unsigned: got %s %s, want 403 Missing Authentication Token", method, response.Status, body)
		}
	}
}
