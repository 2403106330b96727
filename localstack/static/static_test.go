package static

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// site makes a folder beside a secret file and serves the folder.
func site(t *testing.T, files map[string]string) (dir string, handler http.Handler) {
	t.Helper()
	above := t.TempDir()
	dir = filepath.Join(above, "dist")
	write(t, filepath.Join(above, "secret.txt"), "secret")
	for name, text := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	handler, err := Handler(Options{
		Dir:       dir,
		WebSocket: func(r *http.Request) string { return "ws://" + r.Host + "/dev" },
		Else: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "else", http.StatusForbidden)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, handler
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(handler http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:4566/", nil)
	r.URL.Path = target // not cleaned
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

var files = map[string]string{
	"index.html":                "<!doctype html>",
	"assets/index-BxY12_z-.js":  "export{}",
	"assets/index-BxY12_z-.css": "a{}",
	"assets/plain.js":           "1",
	"icon.svg":                  "<svg/>",
	"manifest.webmanifest":      "{}",
	"odd.xyz":                   "?",
}

func TestContentTypeAndCaching(t *testing.T) {
	_, handler := site(t, files)
	const forever = "public, max-age=31536000, immutable"
	for _, c := range []struct{ path, body, contentType, cache string }{
		{"/", "<!doctype html>", "text/html; charset=utf-8", "no-cache"},
		{"/index.html", "<!doctype html>", "text/html; charset=utf-8", "no-cache"},
		{"/assets/index-BxY12_z-.js", "export{}", "text/javascript; charset=utf-8", forever},
		{"/assets/index-BxY12_z-.css", "a{}", "text/css; charset=utf-8", forever},
		{"/assets/plain.js", "1", "text/javascript; charset=utf-8", "no-cache"},
		{"/icon.svg", "<svg/>", "image/svg+xml", "no-cache"},
		{"/manifest.webmanifest", "{}", "application/manifest+json", "no-cache"},
		{"/odd.xyz", "?", "application/octet-stream", "no-cache"},
		{"/config.json", `{"url":"ws://127.0.0.1:4566/dev"}` + "\n", "application/json", "no-cache"},
	} {
		t.Run(c.path, func(t *testing.T) {
			w := get(handler, http.MethodGet, c.path)
			if w.Code != http.StatusOK || w.Body.String() != c.body {
				t.Fatalf("got %d %q, want 200 %q", w.Code, w.Body, c.body)
			}
			if got := w.Header().Get("Content-Type"); got != c.contentType {
				t.Errorf("Content-Type %q, want %q", got, c.contentType)
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control %q, want %q", got, c.cache)
			}
			for name, want := range headers {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s %q, want %q", name, got, want)
				}
			}
			head := get(handler, http.MethodHead, c.path)
			if head.Code != http.StatusOK || head.Header().Get("Content-Type") != c.contentType {
				t.Errorf("HEAD is answered %d %v, want 200 and Content-Type %q", head.Code, head.Header(),
					c.contentType)
			}
		})
	}
}

func TestConfigOfTheFolder(t *testing.T) {
	_, handler := site(t, map[string]string{"index.html": "x", "config.json": `{"url":"ws://localhost:1/own"}`})
	if got := get(handler, http.MethodGet, "/config.json").Body.String(); got != `{"url":"ws://localhost:1/own"}` {
		t.Errorf("got %q, want the file of the folder", got)
	}
}

func TestRangesAndRevalidation(t *testing.T) {
	_, handler := site(t, files)
	if w := get(handler, http.MethodGet, "/assets/index-BxY12_z-.js", "Range",
		"bytes=0-3"); w.Code != http.StatusPartialContent || w.Body.String() != "expo" {
		t.Errorf("the range is %d %q, want 206 \"expo\"", w.Code, w.Body)
	}
	modified := get(handler, http.MethodGet, "/").Header().Get("Last-Modified")
	if w := get(handler, http.MethodGet, "/", "If-Modified-Since", modified); w.Code != http.StatusNotModified {
		t.Errorf("a request with If-Modified-Since %q is answered %d, want 304", modified, w.Code)
	}
}

// Vulnerability: a path with dots, or a link in the folder, reads any file of
// the machine. Attack: request such paths. Verifies that neither leads out of
// the folder.
func TestNothingOutsideTheFolder(t *testing.T) {
	dir, handler := site(t, files)
	if err := os.Symlink(filepath.Join("..", "secret.txt"), filepath.Join(dir, "link.txt")); err != nil {
		t.Skipf("cannot make symbolic links: %v", err)
	}
	if err := os.Symlink("..", filepath.Join(dir, "up")); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"/../secret.txt", "/assets/../../secret.txt", "/link.txt", "/up/secret.txt", "/..\\secret.txt",
		"//secret.txt", "/./../secret.txt",
		filepath.ToSlash(filepath.Join(dir, "..", "secret.txt")), "/secret.txt\x00.js",
	} {
		if w := get(handler, http.MethodGet, target); w.Code != http.StatusForbidden ||
			strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s is answered %d %q, want 403 without the secret", target, w.Code, w.Body)
		}
	}
}

func TestOtherHandlerForMissingFiles(t *testing.T) {
	_, handler := site(t, files)
	for _, target := range []string{"/none", "/assets", "/assets/", "/index.html/x"} {
		if w := get(handler, http.MethodGet, target); w.Code != http.StatusForbidden ||
			w.Header().Get("Content-Security-Policy") != "" {
			t.Errorf("%s is answered %d %v, want the other handler's 403", target, w.Code, w.Header())
		}
	}
}

func TestFolderThatIsReplaced(t *testing.T) {
	dir, handler := site(t, files)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if w := get(handler, http.MethodGet, "/"); w.Code != http.StatusForbidden {
		t.Errorf("a removed folder is answered %d, want 403", w.Code)
	}
	write(t, filepath.Join(dir, "index.html"), "new")
	if w := get(handler, http.MethodGet, "/"); w.Body.String() != "new" {
		t.Errorf("got %q, want the new page", w.Body)
	}
}

func TestFolderWithoutAPage(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := Handler(Options{Dir: dir}); !errors.Is(err, ErrNoPage) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want ErrNoPage with the folder", dir, err)
		}
	}
}

func TestCloudFrontSetsTheSameHeaders(t *testing.T) {
	template, err := os.ReadFile("../../infra/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		switch name {
		case "Content-Security-Policy":
			value = strings.Replace(value, "connect-src 'self'", "connect-src 'self' ${WebSocketOrigin}", 1)
		case "X-Content-Type-Options":
			value = "ContentTypeOptions: { Override: true }"
		}
		if !strings.Contains(string(template), value) {
			t.Errorf("infra/web.yaml has no %s: %s", name, value)
		}
	}
}
