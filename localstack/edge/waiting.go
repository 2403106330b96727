package edge

import (
	"fmt"
	"html"
	"net/http"
	"path"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsrequest"
)

// waitingPage is shown while the stack starts. It has no script, and it loads
// the address again until another page is there.
const waitingPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="1">
<meta name="color-scheme" content="light dark">
<title>Starting…</title>
<h1>The local stack is starting</h1>
<p>%s…</p>
<p>This page loads itself again until the stack is ready. If the stack cannot start, its terminal says why.</p>
</html>
`

// wantsPage reports whether a browser opens the address as a page. The health
// is for programs, whatever they accept.
func wantsPage(r *http.Request) bool {
	return reads(r) && path.Clean("/"+r.URL.Path) != HealthPath && !awsrequest.IsUpgrade(r) &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

// serveWaiting serves the waiting page.
func (e *Edge) serveWaiting(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintf(w, waitingPage, html.EscapeString(e.doing())) // fails only if the client has gone
}
