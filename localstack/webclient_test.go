package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// fetch requests a path under a host name.
func fetch(t *testing.T, p *process, host, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestWebClient(t *testing.T) {
	dir := writeFiles(t, map[string]string{"index.html": "<!doctype html>", "assets/a-0123abcd.js": "1"})
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(), "-web", dir)
	port := p.url[strings.LastIndex(p.url, ":"):]

	page, body := fetch(t, p, "127.0.0.1"+port, "/")
	if body != "<!doctype html>" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Errorf("the page is %d %q %v, want the file under a strict policy", page.StatusCode, body, page.Header)
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, body := fetch(t, p, host+port, "/config.json")
		var config struct{ URL string }
		if err := json.Unmarshal([]byte(body), &config); err != nil ||
			!strings.HasPrefix(config.URL, "ws://"+host+port+"/") {
			t.Fatalf("config.json of %s is %q, %v, want its WebSocket URL", host, body, err)
		}
		conn, _, err := websocket.Dial(t.Context(), strings.Replace(config.URL, "localhost", "127.0.0.1", 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		echo(t, conn, "from "+host)
		_ = conn.CloseNow()
	}
	if refused, body := fetch(t, p, "127.0.0.1"+port,
		"/none"); refused.StatusCode != http.StatusForbidden || !strings.Contains(body, `"Forbidden"`) {
		t.Errorf("a missing file is answered %d %q, want the gateway's 403", refused.StatusCode, body)
	}
	if foreign, body := fetch(t, p, "evil.example"+port,
		"/"); foreign.StatusCode != http.StatusForbidden || strings.Contains(body, "doctype") {
		t.Errorf("a foreign host name is answered %d %q, want 403 without the page", foreign.StatusCode, body)
	}
}

func TestDefaultWebClient(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable, "clients/web/dist/index.html": "mine"})
	p := startProcess(t, "-template", filepath.Join(dir, "template.yaml"))
	if _, body := fetch(t, p, strings.TrimPrefix(p.url, "http://"), "/"); body != "mine" {
		t.Errorf("got %q, want mine", body)
	}
	if answer, _ := fetch(t, p, strings.TrimPrefix(p.url, "http://"),
		"/config.json"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("config.json without an API is answered %d, want 404", answer.StatusCode)
	}
}

func TestNoWebClient(t *testing.T) {
	for source, lines := range map[string]int{"clients/web/package.json": 1, "client/package.json": 0} {
		dir := writeFiles(t, map[string]string{"template.yaml": aTable, source: "{}"})
		status, _, stderr := runCommand(interrupted(t), "-template", filepath.Join(dir, "template.yaml"),
			"-listen", "127.0.0.1:0")
		if status != exitOK || strings.Count(stderr, "no web client is served") != lines ||
			strings.Count(stderr, "-web DIR") != lines {
			t.Errorf("with %s: status %d, stderr %s, want 0 and %d lines about the web client", source,
				status, stderr, lines)
		}
	}
}
