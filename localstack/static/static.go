// Package static serves a folder of static files, such as a web client's build,
// in the way that a store behind a CDN does: index.html at /, the type by the
// name's ending, byte ranges, and headers that let a page do nothing but run
// its own scripts and speak to its own origin.
//
// Use it on the origin that also serves the page's WebSocket. What the folder
// lacks, and whatever would lead out of it, is left to another handler. It
// lists no folders and changes nothing.
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
	// ConfigPath tells a page what its files cannot know.
	ConfigPath = "/config.json"
)

// policy is the Content-Security-Policy of everything served. 'self' covers
// WebSockets of the page's own host and port (CSP level 3, §6.7.2.8).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// headers are what every file is served with; infra/web.yaml sets the same
// where CloudFront serves it.
var headers = map[string]string{
	"Content-Security-Policy":      policy,
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Permissions-Policy":           "camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// types are those of a web page's files by the ending of their names. The
// system's own table is not asked: what it says differs between machines.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".mjs": "text/javascript; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm",
	".avif": "image/avif", ".gif": "image/gif", ".ico": "image/x-icon", ".jpg": "image/jpeg", ".png": "image/png",
	".svg": "image/svg+xml", ".webp": "image/webp", ".woff2": "font/woff2",
}

// hashed matches the names of files that a build names after their content, of
// at least eight characters behind a dash or a dot, as bundlers do.
var hashed = regexp.MustCompile(`^.*[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// Options say what to serve.
type Options struct {
	// Dir is the folder. It may be built anew at any time.
	Dir string
	// WebSocket returns the URL of the WebSocket for whoever made the request,
	// "" if there is none. ConfigPath tells it, unless the folder has a file
	// of that name.
	WebSocket func(*http.Request) string
	// Else answers for what is not there; nil is 404.
	Else http.Handler
}

// ErrNoPage is that a folder is not there or has no index.html.
var ErrNoPage = errors.New("there is no index.html")

// Handler serves a folder to GET and HEAD. Its error, which wraps ErrNoPage, is
// that the folder has no page now.
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
	defer func() { _ = f.Close() }() // nothing was written
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
	_, _ = w.Write(append(body, '\n')) // fails only for a client that has gone
}

// open opens a file in dir by a slashed name. A symbolic link that leads out of
// dir is not there, nor is a folder.
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

// cacheControl lets what is named after its content be kept for a year, and has
// everything else asked for each time.
func cacheControl(name string) string {
	if strings.HasPrefix(name, "assets/") && hashed.MatchString(path.Base(name)) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
