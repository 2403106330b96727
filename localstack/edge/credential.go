package edge

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// signed reports whether the request carries a signature, in the header or, as
// presigned URLs do, in the query. A page on another origin can write any
// query, so from such a page only the header counts, which it cannot add.
func signed(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	return strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") &&
		r.URL.Query().Get("X-Amz-Signature") != "" && !fromForeignPage(r)
}

// fromForeignPage reports whether a browser says that a page of another origin
// makes the request: it sends Origin with what could change something and
// Sec-Fetch-Site with everything, and no script can remove them (Fetch
// standard; Fetch Metadata).
func fromForeignPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // no browser, the address bar, or the stack's own page
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

// withCaller puts the function that the access key id belongs to into the
// request's context. Other keys are those of somebody outside.
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
