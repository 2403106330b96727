// Package static serves a folder of static files, such as a web client's build,
// as a bucket behind a CDN does: index.html at /, content types by file name
// extension, byte ranges, and headers that let a page run only its own scripts
// and connect only to its own origin.
//
// Use it on the origin that also serves the page's WebSocket. Requests for
// files that the folder does not have, or that are outside of it, go to another
// handler. It lists no folders and changes nothing.
package static

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	index = "index.html"
	// ConfigPath has the page's configuration: the URL of its WebSocket.
	ConfigPath = "/config.json"
)

// policy is the Content-Security-Policy of everything served. 'self' covers
// WebSockets of the page's own host and port (CSP level 3, §6.7.2.8).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// headers are set for every file. infra/web.yaml sets the same for
// CloudFront.
var headers = map[string]string{
	"Content-Security-Policy":      policy,
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Permissions-Policy":           "camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// types are content types by file name extension. The system's table is not
// used, because it differs between machines.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".mjs": "text/javascript; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm",
	".avif": "image/avif", ".gif": "image/gif", ".ico": "image/x-icon", ".jpg": "image/jpeg", ".png": "image/png",
	".svg": "image/svg+xml", ".webp": "image/webp", ".woff2": "font/woff2",
}

// hashed matches file names with a hash of the content, as bundlers make them:
// at least eight characters after a dash or a dot.
var hashed = regexp.MustCompile(`^.*[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// Options configure [Handler].
type Options struct {
	// Dir is the folder. Its files may be replaced at any time.
	Dir string
	// WebSocket returns the URL of the WebSocket for the client of a request,
	// or "". ConfigPath has it, unless the folder has a file of that name.
	WebSocket func(*http.Request) string
	// Else answers requests for files that do not exist; nil answers 404.
	Else http.Handler
}

// ErrNoPage is the error of a folder that does not exist or has no index.html.
var ErrNoPage = errors.New("there is no index.html")

// Handler returns a handler for GET and HEAD of the files in a folder. The
// error wraps [ErrNoPage] if the folder has no page now.
func Handler(o Options) (http.Handler, error) {
	f, _, err := open(o.Dir, index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Dir, ErrNoPage)
	}
	if o.Else == nil {
		o.Else = http.NotFoundHandler()
	}
	return &folder{o}, f.Close()
}

type folder struct{ Options }

func (s *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = index
	}
	f, info, err := open(s.Dir, name)
	if err != nil {
		if url := s.webSocket(r); r.URL.Path == ConfigPath && url != "" {
			s.serveConfig(w, url)
			return
		}
		s.Else.ServeHTTP(w, r)
		return
	}
	defer func() { _ = f.Close() }() // read only
	setHeaders(w.Header())
	w.Header().Set("Content-Type", typeOf(name))
	w.Header().Set("Cache-Control", cacheControl(name))
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func (s *folder) webSocket(r *http.Request) string {
	if s.WebSocket == nil {
		return ""
	}
	return s.WebSocket(r)
}

func (s *folder) serveConfig(w http.ResponseWriter, url string) {
	body, err := json.Marshal(map[string]string{"url": url})
	if err != nil {
		panic(err) // a map of strings
	}
	setHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(append(body, '\n')) // fails only when the client has disconnected
}

// open opens a file in dir by its slash-separated name. Symbolic links that
// lead out of dir and folders do not exist for it.
func open(dir, name string) (*os.File, os.FileInfo, error) {
	f, err := os.OpenInRoot(dir, filepath.FromSlash(name))
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = os.ErrNotExist
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func setHeaders(h http.Header) {
	for name, value := range headers {
		h.Set(name, value)
	}
}

func typeOf(name string) string {
	if t, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}

// cacheControl lets clients keep a file with a hash in its name for a year and
// makes them revalidate every other file.
func cacheControl(name string) string {
	if strings.HasPrefix(name, "assets/") && hashed.MatchString(path.Base(name)) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
