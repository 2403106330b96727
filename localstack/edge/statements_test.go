package edge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// What docs of API Gateway say of the names of a WebSocket API.

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
		t.Errorf("%q, %v", text, err)
	}
	plain, response, err := websocket.Dial(ctx, "ws://"+apiHost+"/prod", options)
	if err == nil {
		plain.CloseNow()
		t.Fatal("there is a WebSocket without TLS under AWS's name")
	}
	if response == nil || response.StatusCode != http.StatusForbidden ||
		!strings.Contains(p.log.String(), "by https only") {
		t.Errorf("%v, logged %s", err, p.log)
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
		if body := read(t, response); body != "management /prod/@connections/eHrdFcnvvHcCE-w%3D" {
			t.Errorf("%s: %s %s", method, response.Status, body)
		}
		r.Header.Del("Authorization")
		if response, err = client.Do(r); err != nil {
			t.Fatal(err)
		}
		if body := read(t, response); response.StatusCode != http.StatusForbidden ||
			!strings.Contains(body, "Missing Authentication Token") {
			t.Errorf("%s, unsigned: %s %s", method, response.Status, body)
		}
	}
}
