package edge

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// AnyOrigin allows the WebSockets of all pages, as AWS does.
const AnyOrigin = "*"

// AllowOrigins lets web pages of other origins open WebSockets. An origin is
// what a browser sends: SCHEME://HOST[:PORT], or "null", which pages from files
// and in sandboxes send. [AnyOrigin] allows all. Call it before the first
// request.
func (e *Edge) AllowOrigins(origins ...string) error {
	for _, origin := range origins {
		if err := CheckOrigin(origin); err != nil {
			return err
		}
		e.origins = append(e.origins, strings.ToLower(origin))
	}
	return nil
}

// CheckOrigin returns an error if AllowOrigins does not take the origin.
func CheckOrigin(origin string) error {
	if origin == AnyOrigin || origin == "null" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return errors.New("want SCHEME://HOST[:PORT], null, or * for all origins")
	}
	return nil
}

// allowsUpgrade reports whether a WebSocket may be opened, by the Origin header
// that browsers send with each handshake and no page can change (RFC 6455
// §10.2). There is no other defence: a WebSocket of any page reaches a loopback
// address, without a question to the server first. AWS does not check it.
//
// A program sends no Origin. The pages that may connect are those of this
// machine, whatever their port, those that the request's host itself serves
// (the Host header has been checked), and those of AllowOrigins.
func (e *Edge) allowsUpgrade(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if slices.Contains(e.origins, AnyOrigin) {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	origin := strings.ToLower(origins[0])
	if slices.Contains(e.origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false
	}
	return isLoopback(hostName(u.Host)) || withoutDefaultPort(u.Host) == withoutDefaultPort(strings.ToLower(r.Host))
}

// withoutDefaultPort removes the ports that browsers leave out of an Origin.
// Both schemes of a host are taken for the same origin.
func withoutDefaultPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
}

// refuseOrigin answers the handshake of a page that may not connect. Browsers
// hide the answer from the page, so the log line is where its author finds the
// reason.
func (e *Edge) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	e.refuse(w, r, http.StatusForbidden, "AccessDeniedException", fmt.Sprintf(
		`A web page of another origin may not open a WebSocket here: %.200q. `+
			`To allow it, start the stack with -allow-origin and this origin.`, strings.Join(r.Header.Values("Origin"), ", ")))
}
