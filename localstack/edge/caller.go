package edge

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// signed reports whether the request has an Authorization header or a presigned
// URL. Its purpose is to keep web pages out, so any header counts; the services
// check whether a signature is complete. A page on another origin cannot add
// the header, but it can write any URL, so presigned URLs of pages do not
// count.
func signed(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	return strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") &&
		r.URL.Query().Get("X-Amz-Signature") != "" && !fromForeignPage(r)
}

// fromForeignPage reports whether the request comes from a page of another
// origin. Browsers send Origin with every request that could change something
// and Sec-Fetch-Site with all requests, and no script can remove them (Fetch
// standard; Fetch Metadata).
func fromForeignPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // no browser, the address bar, or a page of the stack
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// withCaller adds the function that the access key id belongs to to the
// request's context. A request with another key comes from outside the stack
// and is returned unchanged.
func withCaller(r *http.Request, callers func(accessKeyID string) (trace.Caller, bool),
	accessKeyID string) *http.Request {
	if callers == nil || accessKeyID == "" {
		return r
	}
	caller, ok := callers(accessKeyID)
	if !ok {
		return r
	}
	return r.WithContext(trace.WithCaller(r.Context(), caller))
}
