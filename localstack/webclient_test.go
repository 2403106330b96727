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

// fetch asks a running stack for a path under a host name.
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

func TestAWebClientIsServedBesideTheSocketItUses(t *testing.T) {
	dir := writeFiles(t, map[string]string{"index.html": "<!doctype html>", "assets/a-0123abcd.js": "1"})
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(), "-web", dir)
	port := p.url[strings.LastIndex(p.url, ":"):]

	page, body := fetch(t, p, "127.0.0.1"+port, "/")
	if body != "<!doctype html>" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Errorf("the page: %d %q %v", page.StatusCode, body, page.Header)
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, body := fetch(t, p, host+port, "/config.json")
		var config struct{ URL string }
		if err := json.Unmarshal([]byte(body), &config); err != nil ||
			!strings.HasPrefix(config.URL, "ws://"+host+port+"/") {
			t.Fatalf("%s is told %q, %v", host, body, err)
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
		t.Errorf("what is not in the folder is no longer the gateway's: %d %q", refused.StatusCode, body)
	}
	if foreign, body := fetch(t, p, "evil.example"+port,
		"/"); foreign.StatusCode != http.StatusForbidden || strings.Contains(body, "doctype") {
		t.Errorf("a name that is rebound to this machine: %d %q", foreign.StatusCode, body)
	}
}

func TestTheWebClientBesideTheTemplateIsServed(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable, "clients/web/dist/index.html": "mine"})
	p := startProcess(t, "-template", filepath.Join(dir, "template.yaml"))
	if _, body := fetch(t, p, strings.TrimPrefix(p.url, "http://"), "/"); body != "mine" {
		t.Errorf("got %q", body)
	}
	if answer, _ := fetch(t, p, strings.TrimPrefix(p.url, "http://"),
		"/config.json"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("without an API the WebSocket's address is told: %d", answer.StatusCode)
	}
}

func TestWithoutAWebClientOneLineSaysSo(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable})
	status, _, stderr := runCommand(interrupted(t), "-template", filepath.Join(dir, "template.yaml"),
		"-listen", "127.0.0.1:0")
	if status != exitOK || strings.Count(stderr, "no web client is served") != 1 ||
		!strings.Contains(stderr, "-web DIR") {
		t.Errorf("status %d: %s", status, stderr)
	}
}
